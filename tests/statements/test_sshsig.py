"""SSHSIG: what holds, what is refused, and that nothing but SshsigError comes of junk."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.domain.statement import Mode
from dispatcher.statements import sshsig
from dispatcher.statements.errors import SshsigError, WrongNamespace
from dispatcher.statements.keys import parse_public_line
from dispatcher.statements.sshsig import BEGIN, END, MAGIC, armour, to_be_signed, verify
from dispatcher.statements.wire import string, uint32
from tests.statements.support import SecurityKey, SoftKey, make_key_file, ssh_keygen

LIVE = sshsig.NAMESPACES[Mode.LIVE]
MESSAGE = b"Stay indoors. Arhoswch dan do."
KEY = SoftKey(1)
SECURITY = SecurityKey(2)
SIGNED = KEY.sign(LIVE, MESSAGE)
TOUCHED = SECURITY.sign(LIVE, MESSAGE)


def blob_of(armoured: str) -> bytes:
    return base64.b64decode("".join(armoured.splitlines()[1:-1]))


def armour_blob(blob: bytes) -> str:
    return f"{BEGIN}\n{base64.b64encode(blob).decode()}\n{END}\n"


def sealed(*fields: bytes, magic: bytes = MAGIC, version: int = 1) -> str:
    return armour_blob(magic + uint32(version) + b"".join(string(field) for field in fields))


def test_a_signature_holds_over_its_message() -> None:
    """It names its key, which vouches for no hardware."""
    read = verify(SIGNED, MESSAGE, LIVE)
    assert (read.fingerprint, read.hardware) == (KEY.fingerprint, False)


@pytest.mark.parametrize(
    ("flags", "touched", "pin"), [(0, False, False), (1, True, False), (5, True, True), (4, False, True)]
)
def test_a_security_key_vouches_for_touch_and_pin(flags: int, touched: bool, pin: bool) -> None:
    """The flags inside the signed bytes are reported."""
    read = verify(SecurityKey(2, flags).sign(LIVE, MESSAGE), MESSAGE, LIVE)
    assert (read.touched, read.pin, read.hardware) == (touched, pin, True)


def test_a_flag_added_after_signing_is_refused() -> None:
    """Nobody can claim a PIN that the token did not see."""
    untouched = blob_of(SecurityKey(2, 0).sign(LIVE, MESSAGE))
    claimed = untouched[:-5] + b"\x05" + untouched[-4:]
    with pytest.raises(SshsigError, match="does not hold"):
        verify(armour_blob(claimed), MESSAGE, LIVE)


def test_a_counter_changed_after_signing_is_refused() -> None:
    """The counter is inside the signed bytes too."""
    with pytest.raises(SshsigError, match="does not hold"):
        verify(armour_blob(blob_of(TOUCHED)[:-1] + b"\xff"), MESSAGE, LIVE)


@pytest.mark.parametrize("namespace", ["dispatcher-exercise-v1", "git", "", "dispatcher-live-v1\0"])
def test_another_namespace_is_refused(namespace: str) -> None:
    """A signature for an exercise, or for a git commit, says nothing live."""
    with pytest.raises(WrongNamespace):
        verify(KEY.sign(namespace, MESSAGE), MESSAGE, LIVE)


def test_a_rewritten_namespace_is_refused() -> None:
    """The namespace is inside the signed bytes, so renaming it breaks the signature."""
    signature = KEY.signature_over(to_be_signed(sshsig.NAMESPACES[Mode.EXERCISE], MESSAGE))
    with pytest.raises(SshsigError, match="does not hold"):
        verify(armour(KEY.blob, LIVE, signature), MESSAGE, LIVE)


def test_another_message_is_refused() -> None:
    """One added byte is another message."""
    with pytest.raises(SshsigError, match="does not hold"):
        verify(SIGNED, MESSAGE + b".", LIVE)


def test_another_persons_key_is_refused() -> None:
    """A signature does not hold under a key that did not make it."""
    signature = KEY.signature_over(to_be_signed(LIVE, MESSAGE))
    with pytest.raises(SshsigError, match="does not hold"):
        verify(armour(SoftKey(9).blob, LIVE, signature), MESSAGE, LIVE)


def test_windows_line_ends_are_read() -> None:
    """A signature file saved with CRLF is the same signature."""
    assert verify(SIGNED.replace("\n", "\r\n"), MESSAGE, LIVE).fingerprint == KEY.fingerprint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "junk",
        BEGIN,
        f"{BEGIN}\n{END}\n",
        f"{BEGIN}\n====\n{END}\n",
        f"{BEGIN}\nŵŵŵŵ\n{END}\n",
        f"{BEGIN}\n\ud800\n{END}\n",
        SIGNED + "x",
        SIGNED + "\n",
        "x" + SIGNED,
        SIGNED.replace(END, ""),
        SIGNED.replace("\n", "\n ", 1),
        SIGNED.replace("\n", "\n!", 1),
        SIGNED * 2,
        SIGNED.replace("\n", "\n" * sshsig.MAX_ARMOUR, 1),
        armour_blob(blob_of(SIGNED) + b"\0"),
        armour_blob(blob_of(SIGNED)[:-1]),
        armour_blob(MAGIC),
        armour_blob(MAGIC + uint32(1) + b"\xff\xff\xff\xff"),
    ],
    ids=lambda text: repr(text[-24:]),
)
def test_text_that_is_not_one_whole_signature_is_refused(text: str) -> None:
    """Junk, truncation, repetition, foreign letters and trailing bytes are refused."""
    with pytest.raises(SshsigError):
        verify(text, MESSAGE, LIVE)


def test_spare_bits_in_the_base64_are_refused() -> None:
    """Bits that base64 leaves over must be zero: one signature, one text."""
    body = base64.b64encode(blob_of(SIGNED)).decode()
    last = body.rstrip("=")[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    spoilt = body.replace(last + "=", alphabet[alphabet.index(last) + 1] + "=")
    with pytest.raises(SshsigError, match="canonical"):
        verify(f"{BEGIN}\n{spoilt}\n{END}\n", MESSAGE, LIVE)


PARTS = (KEY.blob, LIVE.encode(), b"", b"sha512", KEY.signature_over(to_be_signed(LIVE, MESSAGE)))


@pytest.mark.parametrize(
    "text",
    [
        sealed(*PARTS, magic=b"SSHSIH"),
        sealed(*PARTS, version=2),
        sealed(PARTS[0], PARTS[1], b"x", *PARTS[3:]),
        sealed(*PARTS[:3], b"sha256", PARTS[4]),
        sealed(*PARTS[:4], PARTS[4] + b"\0"),
        sealed(*PARTS[:4], string(b"ssh-ed25519") + string(b"\1" * 63)),
        sealed(*PARTS[:4], string(b"ssh-ed25519") + string(b"\1" * 65)),
        sealed(*PARTS[:4], string(b"ssh-rsa") + string(b"\1" * 64)),
        sealed(*PARTS[:4], b""),
        sealed(SECURITY.blob, *PARTS[1:]),
        sealed(b"", *PARTS[1:]),
    ],
    ids=[
        "magic", "version", "reserved", "hash", "trailing", "short", "long", "type", "empty", "no flags", "no key"
    ],
)  # fmt: skip
def test_each_malformed_field_is_refused(text: str) -> None:
    """Every field of the format is checked by itself."""
    with pytest.raises(SshsigError):
        verify(text, MESSAGE, LIVE)


@pytest.mark.parametrize(
    "point",
    [bytes(32), b"\1" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f", b"\xed" + b"\xff" * 30 + b"\x7f", b"\xff" * 32],
    ids=["order 4", "identity", "order 2", "zero, not canonical", "not canonical"],
)
def test_a_key_under_which_one_signature_holds_over_everything_is_refused(point: bytes) -> None:
    """Small-order and non-canonical points are refused with the signature that would hold for the identity."""
    blob = string(b"ssh-ed25519") + string(point)
    universal = sshsig.signature_blob(b"\1" + bytes(63))
    with pytest.raises(SshsigError, match="sound"):
        verify(armour(blob, LIVE, universal), MESSAGE, LIVE)


@settings(max_examples=400)
@given(st.sampled_from([SIGNED, TOUCHED]), st.data())
def test_no_single_bit_can_be_flipped(armoured: str, data: st.DataObject) -> None:
    """Every bit of the decoded signature matters, and a flip raises SshsigError only."""
    blob = bytearray(blob_of(armoured))
    bit = data.draw(st.integers(0, len(blob) * 8 - 1))
    blob[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SshsigError):
        verify(armour_blob(bytes(blob)), MESSAGE, LIVE)


@settings(max_examples=300)
@given(st.sampled_from([SIGNED, TOUCHED]), st.integers(0, 400), st.characters())
def test_no_character_can_be_replaced(armoured: str, place: int, character: str) -> None:
    """A changed character of the text, line ends included, is refused."""
    place %= len(armoured)
    changed = armoured[:place] + character + armoured[place + 1 :]
    if changed == armoured:
        return
    with pytest.raises(SshsigError):
        verify(changed, MESSAGE, LIVE)


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_random_blobs_are_refused(blob: bytes) -> None:
    """Random bytes after the magic raise SshsigError and nothing else."""
    with pytest.raises(SshsigError):
        verify(armour_blob(MAGIC + blob), MESSAGE, LIVE)


@pytest.mark.system
@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_signatures_of_other_key_types_are_refused(kind: str, tmp_path: Path) -> None:
    """RSA and ECDSA signatures made by ssh-keygen are refused by name."""
    key = make_key_file(tmp_path / "key", kind)
    command = [ssh_keygen(), "-q", "-Y", "sign", "-f", str(key), "-n", LIVE]
    signed = subprocess.run(command, input=MESSAGE, capture_output=True, check=True)
    with pytest.raises(SshsigError, match=f"{kind}.*not admitted"):
        verify(signed.stdout.decode(), MESSAGE, LIVE)


@pytest.mark.system
@pytest.mark.parametrize("signer", [KEY, SECURITY], ids=["ed25519", "sk-ed25519"])
def test_ssh_keygen_agrees_with_our_signatures(signer: SoftKey, tmp_path: Path) -> None:
    """``ssh-keygen -Y verify`` accepts what we armour, security key included."""
    (tmp_path / "allowed").write_text(f"director-1 {signer.public}\n")
    (tmp_path / "message.sig").write_text(signer.sign(LIVE, MESSAGE))
    command = [ssh_keygen(), "-Y", "verify", "-f", str(tmp_path / "allowed"), "-I", "director-1", "-n", LIVE]
    command += ["-s", str(tmp_path / "message.sig")]
    checked = subprocess.run(command, input=MESSAGE, capture_output=True, check=False)
    assert (checked.returncode, b"Good" in checked.stdout) == (0, True), checked.stderr


@pytest.mark.system
def test_signatures_of_ssh_keygen_hold_here(tmp_path: Path) -> None:
    """What ``ssh-keygen -Y sign`` writes verifies under the fingerprint that ``ssh-keygen -l`` prints."""
    key = make_key_file(tmp_path / "key")
    command = [ssh_keygen(), "-q", "-Y", "sign", "-f", str(key), "-n", LIVE]
    signed = subprocess.run(command, input=MESSAGE, capture_output=True, check=True)
    listed = subprocess.run([ssh_keygen(), "-l", "-f", str(key)], capture_output=True, check=True).stdout.decode()
    assert verify(signed.stdout.decode(), MESSAGE, LIVE).fingerprint in listed


@pytest.mark.system
def test_our_armour_is_byte_for_byte_that_of_ssh_keygen(tmp_path: Path) -> None:
    """Ed25519 is deterministic, so the two texts are the same when read and armoured again."""
    key = make_key_file(tmp_path / "key")
    command = [ssh_keygen(), "-q", "-Y", "sign", "-f", str(key), "-n", LIVE]
    text = subprocess.run(command, input=MESSAGE, capture_output=True, check=True).stdout.decode()
    assert armour(parse_public_line(key.with_suffix(".pub").read_text()).blob, LIVE, blob_of(text)[-83:]) == text

"""A hand-off packet: one HTML file that a registered device opens offline, with its secret and a release code.

Rules
  1. The file asks for nothing from outside: style, script and data are in it, and its content policy allows no
     request, no other script and no other style.
  2. What it holds is canonical JSON under AES-256-GCM. Nothing about the message can be read without both secrets.
  3. The key: PBKDF2-HMAC-SHA256, 600,000 iterations (OWASP Password Storage Cheat Sheet), 128-bit random salt, over
     ``device secret (32 bytes) NUL release code (10 characters)``. The device secret has 256 bits of entropy, the
     code 50. Who lacks the device secret faces 2^256; who stole it still faces 2^50 codes of 600,000 HMACs each.
  4. The header (packet, device, task, exercise, times, KDF and cipher parameters) is the additional data: a
     packet with a changed header does not open.
  5. Sealing happens when the code is issued, for ten minutes at most and never beyond the window. The page refuses
     by the device's clock before and after, and takes the captions away when the time is over.

What no file can do: prove to its reader that its script is ours. The device's isolation, the way the file is carried
and the receipt's time answer for that. One packet, from issue to post::

    code = release_code(os.urandom)                                # the gate said yes
    html = seal(contents, device=…, device_secret=…, code=code, random_bytes=os.urandom, issued_at=…, expires_at=…)
    # the file goes to the device, the code is read across to the second operator, they post, both sign the receipt
    receipt_is_late(issued_at, receipt_at)                         # True raises an alarm
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode, b64encode
from datetime import datetime
from importlib import resources

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from channels.contract import Json, Secret
from channels.tiktok import codes
from channels.tiktok.handoff import ContentsError, PacketContents, format_time

SCHEMA = "tiktok-packet/v1"
KDF = "PBKDF2-HMAC-SHA256"
KDF_ITERATIONS = 600_000
CIPHER = "AES-256-GCM"
SALT_BYTES = 16
NONCE_BYTES = 12
PACKET_ID_BYTES = 16

_POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_DATA = re.compile(rb'<script type="application/json" id="packet">([^<]*)</script>')
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


class PacketError(ValueError):
    """The packet cannot be sealed, or does not open. The message says why, and holds no secret."""


def seal(
    contents: PacketContents,
    *,
    device: str,
    device_secret: Secret,
    code: str,
    random_bytes: codes.RandomBytes,
    issued_at: datetime,
    expires_at: datetime,
) -> bytes:
    """Return the HTML file that shows ``contents`` to who holds the device's secret and the code.

    ``device`` is the device's id in the register, shown on the locked page. Raises PacketError for a life that is
    not within ten minutes or outlasts the window, and CodeError for a malformed secret or code.
    """
    _check_life(contents, issued_at, expires_at)
    salt, nonce = random_bytes(SALT_BYTES), random_bytes(NONCE_BYTES)
    header = _encode(
        {
            "schema": SCHEMA,
            "packet": random_bytes(PACKET_ID_BYTES).hex(),
            "device": device,
            "reference": contents.reference,
            "exercise": contents.exercise,
            "issued_at": format_time(issued_at),
            "expires_at": format_time(expires_at),
            "kdf": {"name": KDF, "iterations": KDF_ITERATIONS, "salt": _base64(salt)},
            "cipher": {"name": CIPHER, "nonce": _base64(nonce)},
        }
    )
    sealed = AESGCM(_key(device_secret, code, salt)).encrypt(nonce, _encode(contents.document()), header)
    return _page(_encode({"header": _base64(header), "sealed": _base64(sealed)}))


def open_packet(html: bytes, device_secret: Secret, code: str) -> PacketContents:
    """Return what a packet holds, as the page would show it; the clock is the caller's affair.

    Raises PacketError where the file is not a packet, was changed, or the secret or code is another one, and
    CodeError for a malformed secret or code.
    """
    header_bytes, sealed, salt, nonce = _read(html)
    try:
        plain = AESGCM(_key(device_secret, code, salt)).decrypt(nonce, sealed, header_bytes)
    except InvalidTag:
        raise PacketError("the packet does not open: wrong code, wrong device secret, or a changed file") from None
    try:
        return PacketContents.from_document(json.loads(plain))
    except ContentsError as error:
        raise PacketError(str(error)) from error


def _check_life(contents: PacketContents, issued_at: datetime, expires_at: datetime) -> None:
    if not issued_at < expires_at <= issued_at + codes.CODE_LIFE:
        raise PacketError("a packet opens for ten minutes at most, from the issue of its code")
    if expires_at > contents.not_after:
        raise PacketError("a packet must expire within the plan's window: shorten its life, or renew the plan")


def _key(device_secret: Secret, code: str, salt: bytes) -> bytes:
    password = codes.secret_bytes(device_secret) + b"\0" + codes.normalise_code(code).encode()
    return PBKDF2HMAC(algorithm=SHA256(), length=32, salt=salt, iterations=KDF_ITERATIONS).derive(password)


def _read(html: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    found = _DATA.findall(html)
    if len(found) != 1:
        raise PacketError("this file is not a hand-off packet")
    try:
        data = json.loads(found[0])
        header_bytes, sealed = b64decode(data["header"], validate=True), b64decode(data["sealed"], validate=True)
        header = json.loads(header_bytes)
        kdf, cipher = header["kdf"], header["cipher"]
        known = (header["schema"], kdf["name"], kdf["iterations"], cipher["name"])
        salt, nonce = b64decode(kdf["salt"], validate=True), b64decode(cipher["nonce"], validate=True)
    except (KeyError, TypeError, ValueError) as error:
        raise PacketError("the packet's header cannot be read: the file was changed or cut") from error
    if known != (SCHEMA, KDF, KDF_ITERATIONS, CIPHER) or (len(salt), len(nonce)) != (SALT_BYTES, NONCE_BYTES):
        raise PacketError("the packet was sealed in a way that this version does not know")
    return header_bytes, sealed, salt, nonce


def _page(data: bytes) -> bytes:
    here = resources.files(__package__)
    page, script = (here / "page.html").read_text("utf-8"), (here / "page.js").read_text("utf-8")
    style = _STYLE.search(page)
    if style is None:
        raise PacketError("page.html has no style block: the installation is damaged")
    policy = _POLICY.format(script=_source(script), style=_source(style[1]))
    parts = {"POLICY": policy, "PACKET": data.decode(), "SCRIPT": script}
    return re.sub(r"\{\{(POLICY|PACKET|SCRIPT)\}\}", lambda match: parts[match[1]], page).encode()


def _source(text: str) -> str:
    return f"sha256-{_base64(hashlib.sha256(text.encode()).digest())}"


def _encode(value: Json) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _base64(data: bytes) -> str:
    return b64encode(data).decode()

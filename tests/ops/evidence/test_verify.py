"""The verifier: alone on a machine, a good pack is good, and a bad one is bad at its first broken entry."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nacl
import pytest
from nacl.signing import SigningKey

from dispatcher.domain.statement import StatementKind
from dispatcher.service.pack import LeftOut, line
from ops.evidence import verify
from tests import cast
from tests.ops.evidence import made

PACKAGES = Path(nacl.__file__).parents[1]


def alone(folder: Path, *words: object, pynacl: bool = True) -> subprocess.CompletedProcess[str]:
    """Run verify.py as an auditor does: a Python without site packages, and PyNaCl's folder where it is there."""
    program = shutil.copy(verify.__file__, folder)
    wanted = ("nacl", "cffi", "_cffi_backend*", "pycparser")
    for path in (found for name in wanted for found in PACKAGES.glob(name)) if pynacl else ():
        if not (folder / path.name).exists():
            (folder / path.name).symlink_to(path)
    run = f"import sys, runpy; sys.path.insert(0, {str(folder)!r}); sys.argv = sys.argv[1:]\n"
    run += "try:\n import dispatcher\nexcept ImportError: runpy.run_path(sys.argv[0], run_name='__main__')"
    command = [sys._base_executable, "-I", "-S", "-c", run, program, *words]  # type: ignore[attr-defined]
    environment = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def first_fault(parts: dict[str, bytes], tmp_path: Path, *outside: str, left_out: tuple[LeftOut, ...] = ()) -> str:
    """What is wrong first with a pack whose manifest fits these members."""
    found = made.checked(made.zipped(tmp_path / "bad.zip", parts, left_out).read_bytes(), *outside)
    assert found.wrong, "the pack passed for good"
    return found.broken or found.wrong[0]


def test_it_finds_a_good_pack_good_without_the_project(good: Path, tmp_path: Path) -> None:
    """With PyNaCl alone beside it; the program could not even import the dispatcher."""
    done = alone(tmp_path, good)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("GOOD: all that could be checked holds\n")
    assert "8 entries are in the tree at size 11" in done.stdout
    assert "1 entries: nothing yet, no checkpoint had taken them in" in done.stdout


def test_without_pynacl_it_does_not_say_that_signatures_hold(good: Path, tmp_path: Path) -> None:
    """Exit code 2; only whoever asks for it gets a verdict on the rest, which says so."""
    assert alone(tmp_path, good, pynacl=False).returncode == 2
    done = alone(tmp_path, good, "--no-signatures", pynacl=False)
    assert done.stdout.endswith("SIGNATURES WERE NOT CHECKED\n")


def test_what_is_no_pack_or_no_checkpoint_is_wrong_input(good: Path, tmp_path: Path) -> None:
    """One line that says so, exit code 2, and no verdict."""
    (tmp_path / "empty").touch()
    for words in (("nowhere.zip",), (tmp_path / "empty",), (good, "--checkpoint", tmp_path / "empty")):
        done = alone(tmp_path, *words)
        assert (done.returncode, done.stdout, "cannot be checked" in done.stderr) == (2, "", True)


def test_it_names_the_first_broken_entry(tmp_path: Path) -> None:
    """Line, position and what is wrong, with exit code 1."""
    bad = made.edited("ledger.jsonl", 3, lambda one: one.update(entry=one["entry"].replace("plan", "plot", 1)))
    done = alone(tmp_path, made.zipped(tmp_path / "bad.zip", bad))
    assert done.returncode == 1
    assert "BAD: ledger.jsonl line 3, position 5: its text, or the leaf before it, was changed" in done.stdout


@pytest.mark.parametrize(
    ("name", "number", "change", "fault"),
    [
        ("ledger.jsonl", 4, lambda one: one.update(leaf="00" * 32), "line 4, position 6: its proof does not lead"),
        ("ledger.jsonl", 4, lambda one: one.update(position=7), "line 4, position 7: its proof does not lead"),
        ("ledger.jsonl", 4, lambda one: one.update(position=1), "line 4, position 1: it does not stand in the order"),
        ("ledger.jsonl", 4, lambda one: one.update(prev="00" * 32), "line 4, position 6: its text, or the leaf"),
        (
            "ledger.jsonl",
            4,
            lambda one: one.pop("entry"),
            "line 4, position 6: its text is missing, and the manifest",
        ),
        ("ledger.jsonl", 4, lambda one: one.pop("prev"), "line 4, position 6: it is not in the form of an entry"),
        ("ledger.jsonl", 9, lambda one: one.update(entry="{}"), "line 9, unproved: its text, or the leaf"),
        (
            "statements.jsonl",
            2,
            lambda one: one.update(payload=one["payload"].replace("Bore", "Hwyr")),
            "was changed",
        ),
        ("statements.jsonl", 2, lambda one: one.update(signature=one["signature"][:-40]), "not an armoured SSH"),
        ("statements.jsonl", 3, lambda one: one.pop("payload"), "line 3: its text is missing, and the manifest"),
    ],
)
def test_a_changed_line_is_named(
    name: str, number: int, change: Callable[[dict[str, Any]], Any], fault: str, tmp_path: Path
) -> None:
    """Whatever part of it was changed, by somebody who made the manifest fit."""
    assert fault in first_fault(made.edited(name, number, change), tmp_path)


def test_entries_that_changed_places_are_named(tmp_path: Path) -> None:
    """The first that stands where it does not belong."""
    lines = made.members()["ledger.jsonl"].splitlines(keepends=True)
    lines[5], lines[6] = lines[6], lines[5]
    parts = {**made.members(), "ledger.jsonl": b"".join(lines)}
    assert "ledger.jsonl line 7, position 8: it does not stand in the order of the tree" in first_fault(
        parts, tmp_path
    )


@pytest.mark.parametrize(
    ("name", "number", "fault"),
    [
        ("ledger.jsonl", 4, "signed by checker-1"),
        ("statements.jsonl", 2, "by checker-1 is not in the pack"),
    ],
)
def test_a_removed_signature_is_missed(name: str, number: int, fault: str, tmp_path: Path) -> None:
    """From the ledger or from the statements: each needs the other."""
    lines = made.members()[name].splitlines(keepends=True)
    parts = {**made.members(), name: b"".join(lines[: number - 1] + lines[number:])}
    assert fault in first_fault(parts, tmp_path)


def test_a_removed_entry_shows_in_the_chains(tmp_path: Path) -> None:
    """One more of the writer's entries is not here; that it was about the incident, no pack can prove."""
    lines = made.members()["ledger.jsonl"].splitlines(keepends=True)
    parts = {**made.members(), "ledger.jsonl": b"".join(lines[:5] + lines[6:])}
    found = made.checked(made.zipped(tmp_path / "less.zip", parts).read_bytes())
    assert "2 writers' chains; 4 entries between are not here" in found.verified
    assert found.unknown[0].startswith("that no entry about the incident was left out")


def test_a_statement_signed_by_another_key_is_named(tmp_path: Path) -> None:
    """The ledger says with which key it was signed."""
    one = json.loads(made.members()["statements.jsonl"].splitlines()[1])
    forged = cast.SIGNERS["author-1"].sign("dispatcher-exercise-v1", one["payload"].encode())
    parts = made.edited("statements.jsonl", 2, lambda line_: line_.update(signature=forged))
    assert "statements.jsonl line 2: signed by checker-1 with SHA256:" in first_fault(parts, tmp_path)


@pytest.mark.parametrize("point", made.SMALL)
def test_a_small_order_key_signs_nothing(point: str) -> None:
    """One signature by such a key would hold over many messages."""
    identity = bytes([1]) + bytes(31)
    assert not verify.holds(bytes.fromhex(point), b"anything", identity + bytes(32))


def test_a_checkpoint_by_another_key_is_refused(tmp_path: Path) -> None:
    """Only the trust root's status key signs them."""
    forged = made.note(made.leaves(), 11, SigningKey(bytes(32))).encode()
    parts = {**made.members(), "checkpoint.txt": forged, "checkpoints.txt": forged}
    assert "size 11 is not signed by this deployment's status key" in first_fault(parts, tmp_path)


def test_checkpoints_of_two_histories_are_refused(tmp_path: Path) -> None:
    """Both signed by the deployment itself: one of them it would rather not have."""
    other = made.note([*made.leaves()[:6], bytes(32)], 7).encode()
    parts = {**made.members(), "checkpoints.txt": other + made.members()["checkpoint.txt"]}
    assert "size 7 is not of the history in leaves.bin" in first_fault(parts, tmp_path)


def test_an_outside_checkpoint_anchors_what_is_below_it(good: Path, tmp_path: Path) -> None:
    """And says how far; what comes after rests on the deployment's own."""
    kept = tmp_path / "kept.txt"
    kept.write_text(made.note(made.leaves(), 9))
    done = alone(tmp_path, good, "--checkpoint", kept)
    assert done.returncode == 0
    assert "the first 9 of 11 places in the ledger: a checkpoint from outside" in done.stdout
    assert "the last 2 of 11 places in the ledger: this pack's own checkpoint" in done.stdout


def test_an_outside_checkpoint_of_another_history_is_told(good: Path) -> None:
    """Whoever kept it knows that something was rewritten."""
    found = made.checked(good.read_bytes(), made.note([bytes(32), *made.leaves()[1:]], 9))
    assert found.wrong == ["the outside checkpoint of size 9 is of another history: something before it was changed"]


def test_what_a_signer_saw_must_be_of_this_history(tmp_path: Path) -> None:
    """An approver's signature holds the head they had seen: they are witnesses."""
    book = made.Book([bytes([n]) * 32 for n in range(4)])
    said = book.say("checker-1", StatementKind.APPROVE, "ab" * 32)
    entry = {**book.lines[0], "position": None, "proof": None}
    written = {"id": entry["entry"].split('"statement":"')[1][:64], **said.document()}
    parts = {**made.members(), "ledger.jsonl": line(entry), "statements.jsonl": line(written)}
    assert "checker-1 saw another history: at size 3" in first_fault(parts, tmp_path)


@pytest.mark.parametrize("folder", ["plans/", "renderings/", "media/"])
def test_edited_and_missing_files_are_named(folder: str, tmp_path: Path) -> None:
    """A plan, a rendering and a picture are what their names say, and whatever is named is there."""
    (name,) = (one for one in made.members() if one.startswith(folder))
    edited = {**made.members(), name: made.members()[name] + b" "}
    assert first_fault(edited, tmp_path) == f"{name}: its bytes are not those that its name says"
    (tmp_path / "bad.zip").unlink()
    gone = {one: body for one, body in made.members().items() if one != name}
    assert first_fault(gone, tmp_path).startswith(f"{name.partition('.')[0]} is not in the pack")


@pytest.mark.parametrize("name", ["roster", "policy"])
def test_what_the_owners_did_not_sign_is_refused(name: str, tmp_path: Path) -> None:
    """A roster or a policy that was changed has no signatures."""
    body = made.members()[f"trust/{name}.json"].replace(b"director", b"dictator")
    assert first_fault({**made.members(), f"trust/{name}.json": body}, tmp_path) == f"{name}: signed by 0 of 2 owners"


def test_each_trust_root_follows_from_the_one_before(tmp_path: Path) -> None:
    """Signed by enough owners of both; each digest is shown, because it is where everything begins."""
    found = made.checked(made.zipped(tmp_path / "good.zip", made.rotated()).read_bytes())
    assert found.wrong == []
    assert found.rests[0].startswith(f"trust root 1 {cast.trust_root().digest}: compare it")
    unsigned = made.rotated(cast._owners_signatures("ab" * 32))
    assert first_fault(unsigned, tmp_path) == "trust root 2: signed by 0 of 2 owners"


def test_a_trust_root_that_skips_one_is_refused(tmp_path: Path) -> None:
    """However well it is signed: steps are taken one at a time."""
    assert "trust root 3 does not follow the one before it" in first_fault(made.rotated(version=3), tmp_path)


def test_an_edited_manifest_is_noticed(tmp_path: Path) -> None:
    """Another digest for a file: then the file is not the one it names."""
    parts = {**made.members(), "deliveries.csv": b"id\r\nnone\r\n"}
    (first, second) = (made.zipped(tmp_path / f"{n}.zip", one) for n, one in enumerate((made.members(), parts)))
    digest = [made.checked(one.read_bytes()).pack.digests["deliveries.csv"] for one in (first, second)]
    found = made.checked(first.read_bytes().replace(digest[0].encode(), digest[1].encode()))
    assert "deliveries.csv is not the file that the manifest names" in found.wrong


def test_a_redacted_entry_is_proved_unseen(tmp_path: Path) -> None:
    """Its place and its leaf hold, and the report says that its text was not seen, and why."""
    one = json.loads(made.members()["ledger.jsonl"].splitlines()[5])
    parts = made.edited("ledger.jsonl", 6, lambda line_: line_.pop("entry"))
    why = (LeftOut(f"entry {one['leaf']}", "s40", "junior staff"),)
    found = made.checked(made.zipped(tmp_path / "redacted.zip", parts, why).read_bytes())
    assert found.wrong == []
    assert "1 entries are redacted: they are proved unseen" in found.verified
    assert f"entry {one['leaf']}: left out, s40: junior staff" in found.unknown


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ({"keys.json": b'{"people":[],"roster":3}'}, "keys.json is not what the signed roster says"),
        ({"ledger.jsonl": b"", "statements.jsonl": b""}, "no entry is about inc-1"),
        ({"ledger.jsonl": b"[" * 200_000}, "ledger.jsonl line 1, unproved: it is not in the form of an entry"),
        ({"trust/root.json": b"[" * 200_000}, "trust: not in a pack's form"),
    ],
)
def test_what_a_careful_forger_could_change_is_noticed(parts: dict[str, bytes], fault: str, tmp_path: Path) -> None:
    """Keys beside the signed roster, an emptied ledger, and nesting that no reader survives."""
    assert first_fault({**made.members(), **parts}, tmp_path) == fault


def test_another_incidents_entries_are_no_evidence_of_this_one(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest cannot give the record another name."""
    monkeypatch.setitem(made.ABOUT, "incident", "inc-2")
    assert "it is of another incident" in first_fault(dict(made.members()), tmp_path)


@pytest.mark.parametrize("name", sorted(verify.NEEDED))
def test_a_file_that_is_gone_is_said_to_be_left_out_or_missed(name: str, tmp_path: Path) -> None:
    """Nobody vouches for a report, but nobody may drop one silently."""
    parts = {one: body for one, body in made.members().items() if one != name}
    assert first_fault(parts, tmp_path) == f"{name} is not in the pack, nor left out"
    (tmp_path / "bad.zip").unlink()
    left = made.zipped(tmp_path / "left.zip", parts, (LeftOut(name, "s40", "junior staff"),))
    assert made.checked(left.read_bytes()).wrong == []


def test_what_nothing_vouches_for_is_named(tmp_path: Path) -> None:
    """Whatever no check had read: reports, typed trust files, and any file that somebody put in."""
    parts = {**made.members(), "orders.txt": b"from above"}
    found = made.checked(made.zipped(tmp_path / "more.zip", parts).read_bytes())
    (said,) = (one for one in found.unknown if one.endswith("say: nothing vouches for them"))
    assert set(said.removeprefix("what ").partition(" say:")[0].split(", ")) == verify.NEEDED | {"orders.txt"}


def test_nothing_that_a_terminal_would_obey_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest's escapes and broken characters are spelled out."""
    monkeypatch.setitem(made.ABOUT, "incident", "\x1b[2J\ud800")
    done = alone(tmp_path, made.zipped(tmp_path / "bad.zip", made.members()))
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("Evidence of \\u{1b}[2J\\u{d800} of ")


def test_checkpoints_newer_than_the_pack_are_counted_in_one_line(good: Path) -> None:
    """A file of many says so once; the JSON that the dispatcher prints is taken as well."""
    newer = [*made.leaves(), bytes(32), bytes(32)]
    printed = json.dumps({"schema": "dispatcher/checkpoint/v1", "note": made.note(made.leaves(), 9)})
    found = made.checked(good.read_bytes(), made.note(newer, 12), made.note(newer, 13), printed)
    assert "that outside checkpoints fit: the pack is older than 2 of them" in found.unknown
    assert "the first 9 of 11 places in the ledger: a checkpoint from outside" in found.rests
    assert not [one for one in found.rests if " 0 " in one]


def test_a_thousand_flipped_bytes_are_all_noticed(good: Path) -> None:
    """Anywhere in the file: in a text, in a proof, in the zip's own bookkeeping."""
    data, chance = good.read_bytes(), random.Random(6)
    for _ in range(1_000):
        at, flip = chance.randrange(len(data)), chance.randrange(1, 256)
        assert made.checked(data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]).wrong, f"byte {at}, bits {flip}"


def test_the_same_record_gives_the_same_bytes(good: Path, tmp_path: Path) -> None:
    """Two people who export at one time have one file."""
    assert made.zipped(tmp_path / "again.zip", made.members()).read_bytes() == good.read_bytes()

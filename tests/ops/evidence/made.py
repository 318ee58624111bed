"""A small evidence pack made by hand, without a database, and what a forger would make of it.

Two writers write about two incidents; the slice is about one of them. A careful forger zips again, with a manifest
that fits; the leaves, the proofs and the signatures they cannot make.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

from dispatcher.domain import canonical, documents
from dispatcher.domain.merkle import Tree
from dispatcher.domain.people import Roster
from dispatcher.domain.statement import Envelope, Mode, Statement, StatementKind
from dispatcher.service.pack import LeftOut, line, pretty, written
from dispatcher.statements.root import Step, write_steps
from dispatcher.statements.signing import sign
from dispatcher.statements.toml import parse_toml
from dispatcher.statements.trust import read_envelopes
from ops.evidence import verify
from tests import cast
from tests.statements.support import SecurityKey, SoftKey

INCIDENT = "inc-1"
TOKEN = SecurityKey(77)
PICTURE = b"\x89PNG not really"
STATUS = SigningKey(hashlib.sha256(b"8999").digest())
ORIGIN = f"dispatcher-ledger/{cast.DEPLOYMENT}"
ABOUT = {"deployment": cast.DEPLOYMENT, "incident": INCIDENT, "mode": "exercise", "made_at": "2026-11-21T12:00:00Z"}


SMALL = (
    "00" * 32,
    "01" + "00" * 31,
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ec" + "ff" * 30 + "7f",
    "ed" + "ff" * 30 + "7f",
    "ee" + "ff" * 30 + "ff",
)
"""Ed25519 points of small order, and other spellings of them."""


def roster() -> Roster:
    """The cast; the director signs with a security key."""
    director = cast.person("director-1")
    return cast.roster(director_1=replace(director, keys=(replace(director.keys[0], public=TOKEN.public),)))


def note(leaves: list[bytes], size: int, key: SigningKey = STATUS) -> str:
    """The checkpoint of the first ``size`` leaves, as a C2SP signed note."""
    root = base64.b64encode(Tree(b"".join(leaves[:size])).root).decode()
    text = f"{ORIGIN}\n{size}\n{root}\ntime 2026-11-21T12:00:{size:02}.000000Z\n"
    key_id = hashlib.sha256(ORIGIN.encode() + b"\n\x01" + bytes(key.verify_key)).digest()[:4]
    signature = base64.b64encode(key_id + key.sign(text.encode()).signature).decode()
    return f"{text}\n— {ORIGIN} {signature}\n"


@dataclass
class Book:
    """The ledger being written: leaves in tree order, and the lines of those that are about the incident."""

    leaves: list[bytes] = field(default_factory=list)
    heads: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)

    def write(self, writer: str, kind: str, incident: str = INCIDENT, **facts: Any) -> None:
        """One entry, in its writer's chain."""
        sequence, prev = self.heads.get(writer, (0, hashlib.sha256(writer.encode()).digest()))
        at = f"2026-11-21T12:00:{len(self.leaves):02}.000000Z"
        body = {"facts": {"incident": incident, **facts}, "kind": kind, "recorded_at": at}
        entry = canonical.encode({**body, "schema": "ledger-entry/v1", "sequence": sequence + 1, "writer": writer})
        leaf = hashlib.sha256(b"\0" + prev + entry).digest()
        self.heads[writer] = (sequence + 1, leaf)
        if incident == INCIDENT:
            place = {"position": len(self.leaves), "prev": prev.hex(), "leaf": leaf.hex()}
            self.lines.append({**place, "entry": entry.decode()})
        self.leaves.append(leaf)

    def say(self, person: str, kind: StatementKind, subject: str, signer: SoftKey | None = None) -> Envelope:
        """Somebody signs, having seen the newest checkpoint, and it is recorded."""
        seen = f"3:{Tree(b''.join(self.leaves[:3])).root.hex()}" if len(self.leaves) > 3 else None
        role, key = str(cast.CAST[person]), signer or cast.SIGNERS[person]
        said = Statement(
            kind,
            subject,
            cast.DEPLOYMENT,
            Mode.EXERCISE,
            person,
            role,
            3,
            cast.NOW,
            cast.NOW + cast.DAY,
            "00" * 16,
            seen,
            {"note": "Bore da, Ynys Môn"},
        )
        self.write("desk-1", f"statement.{kind}", statement=said.id, actor=person, key=key.fingerprint)
        return sign(said, key)


@cache
def members() -> Mapping[str, bytes]:
    """A good pack's members, without the manifest."""
    digest = hashlib.sha256(PICTURE).hexdigest()
    rendering = canonical.encode({"media": [{"digest": f"sha256:{digest}"}], "schema": "rendering/v1"})
    rendered = canonical.digest("rendering/v1", rendering)
    plan = canonical.encode({"destinations": [{"renderings": {"publish": rendered}}], "schema": "plan/v1"})
    planned, book = canonical.digest("plan/v1", plan), Book()
    book.write("desk-1", "incident.declared", title="Storm")
    book.write("worker-1", "delivery.moved", incident="inc-2")
    book.write("desk-1", "incident.declared", incident="inc-2")
    book.write("worker-1", "delivery.moved", incident="inc-2")
    said = [book.say("author-1", StatementKind.SUBMIT, planned)]
    book.write("desk-1", "plan.submitted", plan=planned)
    said += [
        book.say("checker-1", StatementKind.APPROVE, planned),
        book.say("director-1", StatementKind.APPROVE, planned, TOKEN),
    ]
    for target in ("leased", "sending", "accepted"):
        book.write("worker-1", "delivery.moved", target=target)
    size = len(book.leaves)
    book.write("desk-1", "review.read", actor="reviewer-1")
    tree = Tree(b"".join(book.leaves[:size]))
    for one in book.lines:
        anchored = one["position"] < size
        proof = [base64.b64encode(step).decode() for step in tree.path(one["position"])] if anchored else None
        one |= {"position": one["position"] if anchored else None, "proof": proof}
    people, policy = documents.to_json(roster())["people"], cast.EXAMPLE_POLICY.read_text()
    assert isinstance(people, list)
    held = [{name: one[name] for name in ("id", "name", "roles", "keys")} for one in people if isinstance(one, dict)]
    rules = canonical.encode(dict(parse_toml(policy, "policy.toml")))
    signed = {
        name: canonical.digest(f"{name}/v1", body)
        for name, body in (("policy", rules), ("roster", roster().encoded()))
    }
    return {
        "ledger.jsonl": b"".join(map(line, book.lines)),
        "leaves.bin": b"".join(book.leaves[:size]),
        "checkpoint.txt": note(book.leaves, size).encode(),
        "checkpoints.txt": "".join(note(book.leaves, n) for n in (3, 7, size)).encode(),
        "statements.jsonl": b"".join(
            line({"id": canonical.digest("statement/v1", one.payload), **one.document()}) for one in said
        ),
        "keys.json": pretty({"roster": 3, "people": held}),
        "trust/root.json": cast.trust_root().encoded(),
        "trust/policy.json": rules,
        "trust/policy.sigs.json": cast._owners_signatures(signed["policy"]),
        "trust/roster.json": roster().encoded(),
        "trust/roster.sigs.json": cast._owners_signatures(signed["roster"]),
        f"plans/{planned}.json": plan,
        f"renderings/{rendered}.json": rendering,
        f"media/{digest}.png": PICTURE,
        "deliveries.csv": b"id\r\n",
        **dict.fromkeys(sorted(verify.NEEDED - {"deliveries.csv"}), b""),
    }


def rotated(signatures: bytes | None = None, version: int = 2) -> dict[str, bytes]:
    """The members under a second trust root, with the signatures of both roots' owners over it, or with others."""
    first = cast.trust_root()
    second = replace(first, version=version)
    signed = read_envelopes(signatures or cast._owners_signatures(second.digest), "signatures")
    steps = {"trust/roots.json": write_steps([Step(first, signed)])}
    return {**members(), "trust/root.json": second.encoded(), **steps}


def leaves() -> list[bytes]:
    """The good pack's leaf hashes."""
    data = members()["leaves.bin"]
    return [data[at : at + 32] for at in range(0, len(data), 32)]


def zipped(path: Path, parts: Mapping[str, bytes], left_out: tuple[LeftOut, ...] = ()) -> Path:
    """A pack of these members, with a manifest that fits."""
    with written(path) as pack:
        for name, body in parts.items():
            pack.add(name, body)
        pack.close(ABOUT, left_out)
    return path


def edited(name: str, number: int, change: Callable[[dict[str, Any]], Any]) -> dict[str, bytes]:
    """The members, with one line (from 1) of a file of lines changed."""
    lines = [json.loads(one) for one in members()[name].splitlines()]
    change(lines[number - 1])
    return {**members(), name: b"".join(map(line, lines))}


def checked(data: bytes, *outside: str) -> verify.Check:
    """What the verifier finds, asked in this process."""
    notes = [one for text in outside for one in verify.read_notes(text)]
    return verify.Check(verify.Pack(data), notes)

"""The cast: people with real keys in memory, the policy and trust root they go by, and their signatures."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import dispatcher.gate
from dispatcher.domain import canonical
from dispatcher.domain.people import DeploymentKind, Key, Owner, Person, Role, RoleHeld, Roster, TrustRoot
from dispatcher.domain.statement import Envelope, Mode, Statement, StatementKind
from dispatcher.gate import policy_file
from dispatcher.gate.policy import Policies
from dispatcher.service.evidence import AssessmentRecord
from dispatcher.statements.roster import roster_toml
from dispatcher.statements.signing import sign
from dispatcher.statements.toml import parse_toml
from dispatcher.statements.trust import policy_digest, write_envelopes
from tests.statements.support import SoftKey

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
RECORD = AssessmentRecord("suitable", "organic only", "lawful speech respected", "enforces its own rules")
"""What an assessment of a channel found for each principle."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DEPLOYMENT = "example-city"
EXAMPLE_POLICY = Path(dispatcher.gate.__file__).with_name("example_policy.toml")

CAST: Mapping[str, Role] = {
    "author-1": Role.AUTHOR,
    "translator-1": Role.TRANSLATOR,
    "checker-1": Role.CHECKER,
    "checker-2": Role.CHECKER,
    "checker-cy": Role.LANGUAGE_CHECKER,
    "director-1": Role.DUTY_DIRECTOR,
    "director-2": Role.DUTY_DIRECTOR,
    "security-1": Role.SECURITY,
    "security-2": Role.SECURITY,
    "minister-1": Role.MINISTER,
    "private-1": Role.PRIVATE_OFFICE,
    "legal-1": Role.LEGAL,
    "propriety-1": Role.PROPRIETY,
    "finance-1": Role.FINANCE,
    "operator-1": Role.OPERATOR,
    "operator-2": Role.OPERATOR,
    "ops-1": Role.OPS,
    "ops-2": Role.OPS,
    "owner-1": Role.POLICY_OWNER,
    "owner-2": Role.POLICY_OWNER,
    "reviewer-1": Role.REVIEWER,
}
"""One person per entry, with the one role they hold from the start of the year."""

SIGNERS: Mapping[str, SoftKey] = {person: SoftKey(9_000 + number) for number, person in enumerate(CAST)}
STATUS_SIGNER = SoftKey(8_999)


def roster(version: int = 3, **changes: Person) -> Roster:
    """The cast as a roster; a keyword (underscores for dashes) puts another person in somebody's place."""
    people = {person_id: person(person_id) for person_id in CAST}
    people |= {name.replace("_", "-"): changed for name, changed in changes.items()}
    return Roster(version, DEPLOYMENT, tuple(people.values()))


def person(person_id: str, *also: Role) -> Person:
    """One of the cast, with more roles if asked."""
    key = SIGNERS[person_id].key
    languages = ("cy",) if person_id == "checker-cy" else ()
    roles = tuple(RoleHeld(role, START) for role in (CAST[person_id], *also))
    held = Key(key.public, START)
    return Person(person_id, person_id.title(), roles, (held,), languages=languages)


def trust_root(kind: DeploymentKind = DeploymentKind.TEST) -> TrustRoot:
    """The trust root: two policy owners of two, and the relay's status key."""
    owners = tuple(Owner(name, (SIGNERS[name].key,)) for name in ("owner-1", "owner-2"))
    return TrustRoot(1, DEPLOYMENT, kind, owners, 2, STATUS_SIGNER.key)


def policy_document() -> dict[str, Any]:
    """The example policy as it is in force at NOW, one version, as a document of one's own to change."""
    return copy.deepcopy(_example_policy())


@cache
def _example_policy() -> dict[str, Any]:
    whole = parse_toml(EXAMPLE_POLICY.read_text(), EXAMPLE_POLICY.name)
    *_, (newest, _) = policy_file.flattened(whole["policy"])
    return {"schema": 1, "policy": [newest]}


def policies(document: dict[str, Any] | None = None) -> Policies:
    """The example policy, or another document, as the gate reads it."""
    return _loaded() if document is None else policy_file.load(document, policy_digest(document))


@cache
def _loaded() -> Policies:
    return policy_file.load(_example_policy(), policy_digest(_example_policy()))


def write_trust(folder: Path, roster_file: Roster | None = None, policy_text: str | None = None) -> Path:
    """Write a trust folder as ``load_trust`` reads it: root, roster and policy with both owners' signatures."""
    chosen_roster, text = roster_file or roster(), policy_text or EXAMPLE_POLICY.read_text()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "root.json").write_bytes(trust_root().encoded())
    (folder / "roster.toml").write_text(roster_toml(chosen_roster))
    (folder / "roster.sigs.json").write_bytes(_owners_signatures(chosen_roster.digest))
    (folder / "policy.toml").write_text(text)
    (folder / "policy.sigs.json").write_bytes(_owners_signatures(policy_digest(parse_toml(text, "policy.toml"))))
    return folder


def _owners_signatures(digest: str) -> bytes:
    owners = ("owner-1", "owner-2")
    return write_envelopes(signed(StatementKind.POLICY, owner, subject=digest, at=START) for owner in owners)


def signed(
    kind: StatementKind,
    person_id: str,
    role: Role | None = None,
    *,
    subject: str = "",
    at: datetime = NOW - HOUR,
    expires: datetime = NOW + 90 * HOUR,
    mode: Mode = Mode.LIVE,
    **body: Any,
) -> Envelope:
    """A statement by one of the cast, in their own role unless another is given; keywords are its body."""
    about = subject or canonical.digest("scope/v1", canonical.encode(dict(body)))
    nonce = hashlib.sha256(f"{kind}{person_id}{about}{at}{body}".encode()).hexdigest()[:32]
    made = Statement(
        kind, about, DEPLOYMENT, mode, person_id, str(role or CAST[person_id]), 3, at, expires, nonce, None, body
    )
    return sign(made, SIGNERS[person_id])

"""Documents that policy owners answer for: trust root, roster, policy. Signed by enough of them, counted as people.

A ``policy`` statement about such a document names its digest as subject, is always of mode live (one policy governs
both modes), in the role ``policy_owner``, with any roster number: the trust root alone says who the owners are.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from dispatcher.domain.people import Key, Owner, Person, Role, RoleHeld, Roster, TrustRoot
from dispatcher.domain.statement import Envelope, Mode, Statement, StatementKind, Verified
from dispatcher.statements.errors import RefusalCode, StatementRefused
from dispatcher.statements.verify import verify

_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_ANY_ROSTER = 2**53 - 1


def verify_owned(
    document_digest: str, envelopes: Iterable[Envelope], root: TrustRoot, *, now: datetime | None = None
) -> tuple[str, ...]:
    """Return the ids of the owners who signed the document, in order, if they are enough people.

    With ``now``, a statement counts only within its own window. Raises StatementRefused (threshold), naming why each
    other signature did not count.
    """
    return tuple(
        sorted({said.statement.person for said in owner_statements(document_digest, envelopes, root, now=now)})
    )


def owner_statements(
    document_digest: str, envelopes: Iterable[Envelope], root: TrustRoot, *, now: datetime | None = None
) -> tuple[Verified, ...]:
    """The statements behind :func:`verify_owned`, one person possibly more than once. Raises StatementRefused."""
    owners = _owners_as_roster(root)
    counted: list[Verified] = []
    reasons: list[str] = []
    for envelope in envelopes:
        try:
            counted.append(_verify_one(envelope, document_digest, owners, now))
        except StatementRefused as refusal:
            reasons.append(f"{refusal.code}: {refusal.message}")
    people = {said.statement.person for said in counted}
    if len(people) < root.threshold:
        why = "".join(f"; not counted ({reason})" for reason in reasons)
        raise StatementRefused(
            RefusalCode.THRESHOLD,
            f"signed by {len(people)} of {root.threshold} policy owners{why}",
            "Have another policy owner sign this version.",
        )
    return tuple(counted)


def _verify_one(envelope: Envelope, document_digest: str, owners: Roster, now: datetime | None) -> Verified:
    verified = verify(envelope, roster=owners, deployment=owners.deployment, mode=Mode.LIVE, now=now)
    _check_about(verified.statement, document_digest)
    if now is not None and not verified.statement.holds_at(now):
        raise StatementRefused(RefusalCode.WINDOW, f"{verified.statement.person}'s signature is not in force now")
    return verified


def _check_about(statement: Statement, document_digest: str) -> None:
    if statement.kind is not StatementKind.POLICY or statement.role != Role.POLICY_OWNER:
        raise StatementRefused(RefusalCode.KIND, f"{statement.person} signed a {statement.kind}, not a policy")
    if statement.subject != document_digest:
        raise StatementRefused(RefusalCode.SUBJECT, f"{statement.person} signed another document or version")


def _owners_as_roster(root: TrustRoot) -> Roster:
    return Roster(_ANY_ROSTER, root.deployment, tuple(_as_person(owner) for owner in root.owners))


def _as_person(owner: Owner) -> Person:
    keys = tuple(Key(key.type, key.fingerprint, key.public, _EVER) for key in owner.keys)
    return Person(owner.person, owner.person, (RoleHeld(Role.POLICY_OWNER, _EVER),), keys)

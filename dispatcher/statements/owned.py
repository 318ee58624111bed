"""Documents that policy owners answer for: trust root, roster and policy. Signed by enough of them, as people.

A ``policy`` statement about such documents names their digests, one as its subject and others in its body, so that an
owner signs all three at once. It is always of mode live (one policy governs both modes), in the role
``policy_owner``, with any roster number: the trust root alone says who the owners are, and no key of theirs has a
window there, so that a key counts until a root without it is installed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from dispatcher.domain.people import Key, Owner, Person, Role, RoleHeld, Roster, TrustRoot
from dispatcher.domain.statement import Envelope, Mode, Statement, StatementKind
from dispatcher.statements.errors import RefusalCode, StatementRefused
from dispatcher.statements.verify import Verifier

SIGNATURE_LIFE = timedelta(days=3_653)
"""How long an owner's signature holds; a new version is signed anew."""

_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_ANY_ROSTER = 2**53 - 1


def owner_statement(
    person: str, root: TrustRoot, roster: Roster, policy_digest: str, now: datetime, nonce: str
) -> Statement:
    """What one owner signs: that these three documents are to be gone by, together."""
    return Statement(
        kind=StatementKind.POLICY,
        subject=roster.digest,
        deployment=root.deployment,
        mode=Mode.LIVE,
        person=person,
        role=str(Role.POLICY_OWNER),
        roster=roster.version,
        not_before=now,
        expires=now + SIGNATURE_LIFE,
        nonce=nonce,
        body={"root": root.digest, "policy": policy_digest},
    )


def owners_of(*roots: TrustRoot) -> Roster:
    """The owners whom these roots name, as a roster on which their keys are found."""
    people = tuple(_as_person(owner) for root in roots for owner in root.owners)
    return Roster(_ANY_ROSTER, roots[0].deployment, people)


def owner_statements(
    document_digest: str, envelopes: Iterable[Envelope], root: TrustRoot, *, now: datetime | None = None
) -> tuple[Statement, ...]:
    """The owners' statements about a document, one person possibly more than once, if they are enough people.

    With ``now``, a statement counts only within its own window. Raises StatementRefused (threshold), naming why each
    other signature did not count.
    """
    verifier = Verifier(owners_of(root), root.deployment, Mode.LIVE)
    counted: list[Statement] = []
    reasons = ""
    for envelope in envelopes:
        try:
            counted.append(_about(verifier.verify(envelope, now).statement, document_digest, now))
        except StatementRefused as refusal:
            reasons += f"; not counted ({refusal.code}: {refusal.message})"
    people = {said.person for said in counted}
    if len(people) < root.threshold:
        raise StatementRefused(
            RefusalCode.THRESHOLD,
            f"signed by {len(people)} of {root.threshold} policy owners{reasons}",
            "Have another policy owner sign this version.",
        )
    return tuple(counted)


def _about(statement: Statement, document_digest: str, now: datetime | None) -> Statement:
    if statement.kind is not StatementKind.POLICY:
        raise StatementRefused(RefusalCode.KIND, f"{statement.person} signed a {statement.kind}, not a policy")
    if document_digest not in (statement.subject, *statement.body.values()):
        raise StatementRefused(RefusalCode.SUBJECT, f"{statement.person} signed another document or version")
    if now is not None and not statement.holds_at(now):
        raise StatementRefused(RefusalCode.WINDOW, f"{statement.person}'s signature is not in force now")
    return statement


def _as_person(owner: Owner) -> Person:
    keys = tuple(Key(key.public, _EVER) for key in owner.keys)
    return Person(owner.person, owner.person, (RoleHeld(Role.POLICY_OWNER, _EVER),), keys)

"""What the gate said, by which policy, and every refusal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.statement import Statement, StatementKind
from dispatcher.gate.decide import decide
from dispatcher.gate.evidence import Case
from dispatcher.gate.mitigations import names, unattested, unmet
from dispatcher.gate.policy import CheckedBy, Policies
from dispatcher.service.desk import Desk
from dispatcher.service.ledger import LedgerLine, line_of
from dispatcher.service.policies import cases_at
from dispatcher.service.reviewing.signed import Signature, recorded
from dispatcher.store import history
from dispatcher.store.database import Work

REFUSALS = ("gate.refused", "submission.refused", "release.refused", "hand_off.refused", "confirmation.refused")
"""Ledger entries that say no."""

MOST_DENIALS = 500

MOMENTS = frozenset(
    {StatementKind.SUBMIT, StatementKind.APPROVE, StatementKind.REJECT, StatementKind.BREAK_GLASS}
    | {StatementKind.DECIDE, StatementKind.CONFIRM, StatementKind.RELEASE, StatementKind.REVOKE}
)
"""After each of these the gate is asked again what it said."""

_Said = tuple[str, str, str | None, str | None, str | None, str | None, str, str]


@dataclass(frozen=True, slots=True)
class Unmet:
    """A clause that said no, of one channel of a plan: the fact that failed it, and who could mend it."""

    channel: str
    clause: str
    fact: str
    mend: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What the gate says of a plan as things stood once ``person`` had signed (``upon``: submit, approve, release …).

    It is worked out again by the policy and the statements of that moment, see ``dispatcher.service.policies``.
    ``policy`` has the versions it was judged under; a clause that is not among ``unmet`` held. ``fault`` says why it
    cannot be worked out, or is None.
    """

    at: datetime
    upon: str
    person: str
    role: str
    policy: tuple[str, ...]
    unmet: tuple[Unmet, ...]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Mitigated:
    """One mitigation that policy asks of one account of a plan, as of its release, or else of now.

    ``checked_by`` is people, software or both. Of an attestation: who, in which role, when, until when it counted,
    and the digest of its evidence. ``fault`` says why the mitigation did not hold, or is None.
    """

    channel: str
    account: str
    code: str
    checked_by: str
    source: str
    fault: str | None
    person: str | None
    role: str | None
    at: datetime | None
    until: datetime | None
    evidence: str | None


@dataclass(frozen=True, slots=True)
class PolicyRead:
    """A policy version that was in force for some of the time from the declaration on."""

    version: str
    digest: str
    effective_from: datetime
    recorded_at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Denial:
    """Refusals that say the same, as one line: how many, when first and last.

    ``kind`` is the ledger's: submission, release, gate, hand_off or confirmation, each with ``.refused``. ``person``
    asked, None where a machine did. ``fact`` is empty where more different facts failed a clause than are listed;
    such a line stands for all the others.
    """

    kind: str
    clause: str
    plan: str | None
    channel: str | None
    account: str | None
    person: str | None
    fact: str
    mend: str
    count: int
    first: datetime
    last: datetime


def judged(desk: Desk, work: Work, plan: str, signatures: Iterable[Signature]) -> tuple[Judged, ...]:
    """What the gate says of a plan after each signature about it that holds."""
    return tuple(_judged(desk, work, plan, at, said) for at, said in recorded(signatures, *MOMENTS))


def mitigations(desk: Desk, work: Work, plan: str, at: datetime) -> tuple[Mitigated, ...]:
    """The mitigations of a plan's accounts at a moment; none where no policy was in force."""
    try:
        return tuple(one for case in cases_at(desk, work, plan, at) for one in _mitigated(case))
    except DispatcherError:
        return ()


def in_force(policies: Policies, since: datetime, until: datetime) -> tuple[PolicyRead, ...]:
    """The versions that were in force for some of this time."""
    first = policies.in_force(since)
    return tuple(
        PolicyRead(one.version, one.digest, one.effective_from, one.recorded_at, one.source)
        for one in policies.versions
        if one is first or since < one.effective_from <= until
    )


def denials(work: Work, incident: str, most: int = MOST_DENIALS) -> tuple[Denial, ...]:
    """Every refusal, those that say the same as one; beyond ``most`` lines, those of one clause."""
    found: dict[_Said, tuple[int, datetime, datetime]] = {}
    for row in history.each(work, incident, REFUSALS):
        for said in _denied(line_of(row)):
            one = said if said in found or len(found) < most else (*said[:6], "", "")
            count, first, last = found.get(one, (0, row.recorded_at, row.recorded_at))
            found[one] = (count + 1, min(first, row.recorded_at), max(last, row.recorded_at))
    lines = (Denial(*said, *times) for said, times in found.items())
    return tuple(sorted(lines, key=lambda one: one.first))


def _denied(entry: LedgerLine) -> Iterator[_Said]:
    """What one entry says no to: a line for each clause that failed."""
    facts = entry.facts
    for failure in facts.get("failures") or [{"fact": facts.get("reason", "")}]:
        channel = failure.get("channel", facts.get("channel"))
        about = (facts.get("plan"), channel, facts.get("account"), facts.get("actor"))
        yield entry.kind, failure.get("clause", ""), *about, failure.get("fact", ""), failure.get("mend", "")


def _judged(desk: Desk, work: Work, plan: str, recorded_at: datetime, said: Statement) -> Judged:
    at = max(recorded_at, said.not_before)
    about = (at, str(said.kind), said.person, said.role)
    try:
        cases = cases_at(desk, work, plan, at)
    except DispatcherError as error:
        return Judged(*about, (), (), error.message)
    decided = [(case.facts.channel, decide(case.evidence, case.facts, at)) for case in cases]
    no = (Unmet(channel, one.clause, one.fact, one.mend) for channel, answer in decided for one in answer.failures)
    return Judged(*about, decided[0][1].policy if decided else (), tuple(dict.fromkeys(no)))


def _mitigated(case: Case) -> Iterator[Mitigated]:
    rule, version = case.rule, case.version
    if rule is None:
        return
    lapsed = unattested(case)
    faults = {code: fault for code, _, fault in (text.partition(" ") for text in unmet(case))}
    attested = list(case.scoped(StatementKind.ATTEST, version.may_attest))
    for code in rule.mitigations:
        checked_by = version.mitigation[code].checked_by
        people = attested if checked_by is not CheckedBy.SOFTWARE else ()
        newest = max((one for one in people if names(one, code)), key=lambda one: one.not_before, default=None)
        yield Mitigated(
            channel=case.facts.channel,
            account=case.facts.account,
            code=code,
            checked_by=str(checked_by),
            source=version.mitigation[code].source,
            fault="nobody attested it, or too long ago" if code in lapsed else faults.get(code),
            person=newest.person if newest else None,
            role=newest.role if newest else None,
            at=newest.not_before if newest else None,
            until=min(newest.expires, newest.not_before + rule.max_age(code)) if newest else None,
            evidence=str(newest.body.get("evidence", "")) if newest else None,
        )

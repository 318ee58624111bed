"""Mitigations M01 to M23: what people attested, and what the gate looks at itself (reference: policy 1.4).

Rules
  1. Policy says per mitigation whether people, software or both see to it; a mitigation that nobody covers fails.
  2. An attestation is about one account, names the mitigations it covers, and ages by the figure of each. One
     signature may cover a whole device profile.
  3. A check below says which fact fails and takes no attestation in its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from dispatcher.domain.message import TextKind
from dispatcher.domain.people import Role
from dispatcher.domain.statement import Statement, StatementKind
from dispatcher.gate.approvals import approvals
from dispatcher.gate.evidence import Case
from dispatcher.gate.policy import CheckedBy

EXEMPTION_LONGEST = timedelta(days=365)
"""No exemption is for longer than a year (reference: policy 1.3)."""

MENDED_BY_SIGNATURE = ("M10", "M13", "M14")
"""The checks that a new attestation or exemption mends; the others want another plan, roster or host."""

OPERATORS = 2
_TRACKER = re.compile(r"[?&](utm_\w+|fbclid|gclid|ttclid|msclkid|mc_eid|igshid)=", re.IGNORECASE)


def unattested(case: Case) -> tuple[str, ...]:
    """The mitigations that people must attest for this account, and that nobody has, or too long ago."""
    if case.rule is None:
        return ()
    attested = _attestations(case)
    return tuple(
        code
        for code in case.rule.mitigations
        if case.version.mitigation[code].checked_by is not CheckedBy.SOFTWARE
        and not any(names(s, code) and case.now - s.not_before < case.rule.max_age(code) for s in attested)
    )


def unmet(case: Case) -> Iterator[str]:
    """What the software's own checks found, each with its code."""
    for code in case.rule.mitigations if case.rule else ():
        if case.version.mitigation[code].checked_by is not CheckedBy.PEOPLE and (fault := CHECKS[code](case)):
            yield f"{code} {fault}"


def exemptions(case: Case) -> list[Statement]:
    """The exemptions that name this very channel and account."""
    return list(case.scoped(StatementKind.EXEMPT, case.version.may_exempt))


def trackers(text: str) -> tuple[str, ...]:
    """Tracking parameters in the links of a text."""
    return tuple(match[1] for match in _TRACKER.finditer(text))


def _attestations(case: Case) -> list[Statement]:
    return list(case.scoped(StatementKind.ATTEST, case.version.may_attest))


def _operators(case: Case) -> str | None:
    """M07: authorised users only. Two people may operate the device, neither with another part in the plan."""
    people = case.evidence.roster.holders(Role.OPERATOR, case.now)
    voices = {case.evidence.roster.voice(person.id, case.now) for person in people}
    busy = case.plan.contributors.keys() | {approval.person for approval in approvals(case)}
    free = [voice for voice in voices if not voice & busy]
    return None if len(free) >= OPERATORS else "two operators without another part in this plan are not on the roster"


def _app_version(case: Case) -> str | None:
    """M10: terms are read again at each update. The newest app version attested is the one they were read for."""
    known = sorted((s for s in _attestations(case) if s.body.get("app_version")), key=lambda s: s.not_before)
    if not known:
        return "no attestation names the version of the app"
    newest = known[-1].body["app_version"]
    reviewed = any(names(s, "M10") and s.body["app_version"] == newest for s in known)
    return None if reviewed else f"the app is now version {newest}; its terms were reviewed for another"


def _unreachable(case: Case) -> str | None:
    """M12: traffic to the platform is blocked from here."""
    return f"this host reaches {', '.join(case.facts.reaches)}" if case.facts.reaches else None


def _one_case(case: Case) -> str | None:
    """M13: no blanket exception. What the exemption says it is needed for is one thing, in words."""
    blanket = [s for s in exemptions(case) if "*" in str(s.body.get("need"))]
    return "an exemption is written for everything" if blanket else None


def _documented(case: Case) -> str | None:
    """M14: the exception is documented and limited in time. That there is one is for G10 to say."""
    standing = exemptions(case)
    for exemption in standing:
        needed = str(exemption.body.get("need", "")).strip()
        if needed and exemption.expires - exemption.not_before <= EXEMPTION_LONGEST:
            return None
    return "no exemption says which need it meets and ends within a year" if standing else None


def _no_alternative(case: Case) -> str | None:
    """M15: no viable alternative. The plan itself says so, and so everybody signs it."""
    said = case.plan.no_alternative.strip()
    return None if said else "the plan does not say which audience no other channel reaches"


def _approvers(case: Case) -> str | None:
    """M16: the right approver. Policy itself asks for the security team, and the minister or a standing clearance."""
    asked = case.tier is not None and Role.SECURITY in case.tier.approvals
    standing = case.rule.standing.values() if case.rule else ()
    cleared = any(case.facts.account in s.accounts and case.plan.purpose in s.purposes for s in standing)
    minister = case.rule is not None and (case.rule.minister or cleared)
    return None if asked and minister else "this policy does not ask the security team and the minister"


def _same_platform(case: Case) -> str | None:
    """M17: web or API is no loophole. The rule is the platform's, whatever the way to it."""
    same = case.destination is not None and case.destination.channel == case.facts.channel
    return None if same else f"account {case.facts.account} was signed for another platform"


def _no_trackers(case: Case) -> str | None:
    """M21: nothing leads back with a tracker."""
    return f"a link carries {', '.join(case.facts.trackers)}" if case.facts.trackers else None


def _disavowal(case: Case) -> str | None:
    """M23: a correction is armed on another channel, in case this one is taken over."""
    others = (d for d in case.plan.destinations if d.channel != case.facts.channel)
    if any(TextKind.CORRECT in other.renderings for other in others):
        return None
    return "no other channel of this plan carries a correction"


CHECKS: Mapping[str, Callable[[Case], str | None]] = {
    "M07": _operators,
    "M10": _app_version,
    "M12": _unreachable,
    "M13": _one_case,
    "M14": _documented,
    "M15": _no_alternative,
    "M16": _approvers,
    "M17": _same_platform,
    "M21": _no_trackers,
    "M23": _disavowal,
}
"""The checks, by mitigation."""


def names(statement: Statement, code: str) -> bool:
    """Whether an attestation covers a mitigation."""
    codes = statement.body.get("mitigations")
    return isinstance(codes, list) and code in codes

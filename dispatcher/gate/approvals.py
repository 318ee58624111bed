"""Quorum and separation of duties, counted over people and never over keys.

Rules (reference: policy 6.2 and 6.4)
  1. Each approval a tier asks for is given by a different person.
  2. Nobody who wrote, edited, translated or submitted approves, and no policy owner under their own policy.
  3. Somebody's deputy and that person are one voice: what bars the one bars the other, and they count once.
  4. Where policy asks for a hardware key, or its PIN, an approval without does not count.
  5. Any rejection stops; one that names no channels stops all of them.
  6. Break-glass: two voices, one of them uninvolved and neither a platform admin's nor a reviewer's, may skip what
     policy names, for as long as it says, where the tier allows it. Every other rule of this list and of the gate
     holds, rule 4 and the bar on policy owners for these two as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations

from dispatcher.domain.people import Role
from dispatcher.domain.statement import Statement, StatementKind, Verified
from dispatcher.gate.evidence import RESUBMIT, Case, Failure, Then
from dispatcher.gate.policy import Sensitivity
from dispatcher.gate.stops import NEVER_RESUME


@dataclass(frozen=True, slots=True)
class Quorum:
    """Who approved in which role, who did not count and why, and the roles still without a person."""

    given: Mapping[Role, frozenset[str]]
    barred: Mapping[str, str]
    missing: tuple[Role, ...]

    def __bool__(self) -> bool:
        return not self.missing


def quorum(case: Case) -> Quorum:
    """Count the approvals of the case's channel."""
    given: dict[Role, set[str]] = {}
    voices: dict[Role, list[frozenset[str]]] = {}
    barred: dict[str, str] = {}
    for verified in _approving(case):
        approval, why = verified.statement, _barred(case, verified)
        if why is not None:
            barred[approval.person] = why
            continue
        given.setdefault(Role(approval.role), set()).add(approval.person)
        voices.setdefault(Role(approval.role), []).append(_voice(case, approval))
    frozen = {role: frozenset(people) for role, people in given.items()}
    return Quorum(frozen, barred, _unfilled(needed_roles(case), voices))


def unapproved(case: Case) -> Failure | None:
    """Why the signatures of submission and approval do not clear the case's channel, or None."""
    submits = list(case.evidence.about_plan(StatementKind.SUBMIT, case.now))
    if not any(s.person in case.plan.contributors for s in submits):
        return Failure("G08", "no contributor signed the submission of this plan", "author")
    refused = rejections(case)
    if refused:
        return Failure("G08", f"rejected by {refused[0].person} ({refused[0].role})", RESUBMIT, Then.CANCEL)
    counted, languages = quorum(case), unchecked_languages(case)
    facts = [f"approval missing: {', '.join(counted.missing)}"] if counted.missing else []
    periods = sensitive(case).items()
    facts += [f"{one.approval} because of {name}" for name, one in periods if one.approval in counted.missing]
    facts += [f"nobody has checked the language: {', '.join(languages)}"] if languages else []
    if not facts:
        return None
    facts += [f"{person} does not count ({why})" for person, why in counted.barred.items()]
    missing = (*counted.missing, *((Role.LANGUAGE_CHECKER,) if languages else ()))
    return Failure("G08", "; ".join(facts), ", ".join(missing))


def approvals(case: Case) -> list[Statement]:
    """Approvals of this plan that name the case's channel and hold now."""
    return [s for s in case.evidence.about_plan(StatementKind.APPROVE, case.now) if _names(s, case.facts.channel)]


def rejections(case: Case) -> list[Statement]:
    """Rejections of this plan that name the case's channel. A rejection does not lapse."""
    digest = case.plan.digest
    return [
        v.statement
        for v in case.evidence.said
        if v.statement.kind is StatementKind.REJECT
        and v.statement.subject == digest
        and (_names(v.statement, case.facts.channel) or not _list(v.statement, "channels"))
    ]


def needed_roles(case: Case) -> tuple[Role, ...]:
    """Who must approve this channel, a role once for each person: the tier's, the incident kind's, the flags'.

    The way back asks for nobody whom the message did not need when it went out.
    """
    needed = list(case.tier.approvals) if case.tier else []
    needs = case.version.evidence.get(case.plan.incident_kind)
    if needs and case.rule and case.rule.exemption:
        needed += needs.approvals
    flagged = [case.version.flags[flag] for flag in case.plan.flags if flag in case.version.flags]
    flagged += [period.approval for period in sensitive(case).values()]
    needed += [role for role in dict.fromkeys(flagged) if role not in needed]
    skipped = case.version.break_glass.skips if case.version.break_glass and broken_glass(case) else ()
    return tuple(role for role in needed if role not in skipped)


def sensitive(case: Case) -> Mapping[str, Sensitivity]:
    """The periods before elections in which this plan's purpose wants another approval now."""
    if case.making_safe:
        return {}
    periods = case.version.sensitive(case.now)
    return {name: one for name, one in periods.items() if case.plan.purpose not in one.exempt_purposes}


def broken_glass(case: Case) -> tuple[Statement, ...]:
    """The signatures that break the glass for this channel now, or none."""
    rule = case.version.break_glass
    if rule is None or case.tier is None or not case.tier.break_glass:
        return ()
    lasting = timedelta(minutes=rule.minutes)
    breaking = {s.id for s in case.evidence.about_plan(StatementKind.BREAK_GLASS, case.now)}
    signed = [
        s
        for v in case.evidence.statements
        if (s := v.statement).id in breaking and _names(s, case.facts.channel) and case.now - s.not_before < lasting
        if s.role not in NEVER_RESUME and _unfit(case, v) is None
    ]
    made = case.plan.contributors.keys()
    pairs = combinations([_voice(case, s) for s in signed], 2)
    return tuple(signed) if any(not one & other and not (one & made and other & made) for one, other in pairs) else ()


def _approving(case: Case) -> Iterable[Verified]:
    """Approvals of the channel, and the signatures of those who broke the glass: they stand for their own role."""
    counted = {s.id for s in (*approvals(case), *broken_glass(case))}
    return (verified for verified in case.evidence.statements if verified.statement.id in counted)


def _voice(case: Case, statement: Statement) -> frozenset[str]:
    return case.evidence.roster.voice(statement.person, statement.not_before)


def _barred(case: Case, verified: Verified) -> str | None:
    """Why an approval does not count, or None."""
    person, voice = verified.statement.person, _voice(case, verified.statement)
    for one in sorted(voice & case.plan.contributors.keys()):
        whose = "" if one == person else f", as {one}, with whom {person} is one voice"
        return f"{', '.join(case.plan.contributors[one])} in this plan{whose}"
    return _unfit(case, verified)


def _unfit(case: Case, verified: Verified) -> str | None:
    """Why a signature does not count, whoever made the plan, or None."""
    role, voice = verified.statement.role, _voice(case, verified.statement)
    if voice & case.evidence.owners:
        return "signs the policy that this is judged under"
    if role in case.version.hardware_roles and not verified.hardware:
        return f"policy wants a hardware key from {role}"
    if role in case.version.pin_roles and not verified.pin:
        return f"policy wants a hardware key with its PIN from {role}"
    return None


def unchecked_languages(case: Case) -> tuple[str, ...]:
    """Languages that policy wants checked by a native reader and that nobody uninvolved has checked.

    Policy and roster name primary tags (cy); people sign for the very tag of the plan (cy-GB).
    """
    checked = {
        language
        for verified in _approving(case)
        if (s := verified.statement).role == Role.LANGUAGE_CHECKER and _barred(case, verified) is None
        for language in _list(s, "languages")
        if _reads(case, s.person, str(language))
    }
    wanted = {tag for tag in case.plan.languages if tag.split("-")[0] in case.version.checked_languages}
    return tuple(sorted(wanted - checked))


def _reads(case: Case, person_id: str, language: str) -> bool:
    """Whether the roster says that this person reads the language as a native."""
    person = case.evidence.roster.person(person_id)
    return person is not None and bool({language, language.partition("-")[0]} & set(person.languages))


def _names(statement: Statement, channel: str) -> bool:
    return channel in _list(statement, "channels")


def _list(statement: Statement, key: str) -> list[object]:
    value = statement.body.get(key)
    return list(value) if isinstance(value, list) else []


def _unfilled(
    needed: Sequence[Role], voices: Mapping[Role, Sequence[frozenset[str]]], heard: frozenset[str] = frozenset()
) -> tuple[Role, ...]:
    """The fewest roles that stay empty when nobody is heard twice, alone or in a voice with others.

    Tries every way: those who approved one plan are few.
    """
    if not needed:
        return ()
    role, rest = needed[0], needed[1:]
    best: tuple[Role, ...] | None = None
    for voice in dict.fromkeys(voices.get(role, ())):
        if voice & heard:
            continue
        found = _unfilled(rest, voices, heard | voice)
        if not found:
            return ()
        best = min(best or found, found, key=len)
    left = (role, *_unfilled(rest, voices, heard))
    return min(best or left, left, key=len)

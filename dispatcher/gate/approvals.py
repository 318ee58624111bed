"""Quorum and separation of duties, counted over people and never over keys.

Rules (reference: policy 6.2)
  1. Each approval a tier asks for is given by a different person.
  2. Nobody who wrote, edited, translated or submitted approves.
  3. Any rejection stops; one that names no channels stops all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dispatcher.domain.people import Role
from dispatcher.domain.statement import Statement, StatementKind
from dispatcher.gate.evidence import Case


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
    barred: dict[str, str] = {}
    for approval in approvals(case):
        if approval.person in case.plan.contributors:
            barred[approval.person] = f"{', '.join(case.plan.contributors[approval.person])} in this plan"
            continue
        given.setdefault(Role(approval.role), set()).add(approval.person)
    needed = needed_roles(case)
    frozen = {role: frozenset(people) for role, people in given.items()}
    return Quorum(frozen, barred, _unfilled(needed, frozen))


def approvals(case: Case) -> list[Statement]:
    """Approvals of this plan that name the case's channel and hold now."""
    return [s for s in case.evidence.about_plan(StatementKind.APPROVE, case.now) if _names(s, case.facts.channel)]


def rejections(case: Case) -> list[Statement]:
    """Rejections of this plan that name the case's channel. A rejection does not lapse."""
    digest = case.plan.digest
    return [
        v.statement
        for v in case.evidence.statements
        if v.statement.kind is StatementKind.REJECT
        and v.statement.subject == digest
        and (_names(v.statement, case.facts.channel) or not _list(v.statement, "channels"))
    ]


def needed_roles(case: Case) -> tuple[Role, ...]:
    """The roles that must approve this channel: the tier's, and those that the plan's flags call for."""
    tier = case.tier.approvals if case.tier else ()
    flagged = tuple(case.version.flags[flag] for flag in case.plan.flags if flag in case.version.flags)
    return tuple(dict.fromkeys((*tier, *flagged)))


def unchecked_languages(case: Case) -> tuple[str, ...]:
    """Languages that policy wants checked by a native reader and that nobody uninvolved has checked.

    Policy and roster name primary tags (cy); people sign for the very tag of the plan (cy-GB).
    """
    checked = {
        language
        for s in approvals(case)
        if s.role == Role.LANGUAGE_CHECKER and s.person not in case.plan.contributors
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


def _unfilled(needed: Sequence[Role], given: Mapping[Role, frozenset[str]]) -> tuple[Role, ...]:
    """The fewest roles that stay empty when every person fills at most one (augmenting paths)."""
    filled: dict[str, Role] = {}
    return tuple(role for role in needed if not _place(role, given, filled, set()))


def _place(role: Role, given: Mapping[Role, frozenset[str]], filled: dict[str, Role], tried: set[str]) -> bool:
    for person in sorted(given.get(role, frozenset()) - tried):
        tried.add(person)
        if person not in filled or _place(filled[person], given, filled, tried):
            filled[person] = role
            return True
    return False

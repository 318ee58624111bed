"""The roster file: TOML that people edit, read strictly.

Rules
  1. Unknown keys, unknown roles, a person or a key named twice, and windows that never open are refused.
  2. Keys are admitted here, once: type, curve point, application (``dispatcher.statements.keys``).
  3. A deputy stands in for another person on the roster who holds that very role in their own right for some of that
     time. On call is who holds the role for all of it (reference: policy 6.2, delegation is a dated record).
  4. Nobody holds, at one time, roles that no case may find in one person: ops, reviewer and console go with no
     other, policy owner with none that approves (reference: policy 6.2; within a case the gate counts).
  5. Names and contacts read as they are written (``dispatcher.domain.lookalikes``).
  6. Two policy owners sign the digest of the document, so comments and spelling in the file are free.

The file::

    schema = "roster/v1"
    version = 3
    deployment = "example"

    [[people]]
    id = "director-1"
    name = "Duty director"
    roles = [{ role = "duty_director", not_before = 2026-01-01T00:00:00Z }]
    keys = [{ public = "ssh-ed25519 AAAA…", not_before = 2026-01-01T00:00:00Z }]

What may be left out: contacts, languages and on_call (written like roles) of a person; expires of a role or a key;
deputy_for of a role, revoked_at of a key.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import permutations

from channels.contract import Json
from dispatcher.domain import documents
from dispatcher.domain.documents import DocumentError
from dispatcher.domain.ids import is_name
from dispatcher.domain.lookalikes import fault
from dispatcher.domain.people import ROSTER_SCHEMA, Key, Person, Role, RoleHeld, Roster
from dispatcher.statements.errors import TrustError
from dispatcher.statements.keys import admitted
from dispatcher.statements.toml import parse_toml

_APART: Mapping[Role, frozenset[Role]] = {
    Role.OPS: frozenset(Role) - {Role.OPS},
    Role.REVIEWER: frozenset(Role) - {Role.REVIEWER},
    Role.CONSOLE: frozenset(Role) - {Role.CONSOLE},
    Role.POLICY_OWNER: frozenset(
        {Role.CHECKER, Role.LANGUAGE_CHECKER, Role.DUTY_DIRECTOR, Role.SECURITY, Role.MINISTER}
    )
    | {Role.PRIVATE_OFFICE, Role.LEGAL, Role.PROPRIETY, Role.FINANCE},
}


def parse_roster(text: str, where: str = "roster.toml") -> Roster:
    """Read a roster. Raises TrustError naming the place and what to do."""
    try:
        document = parse_toml(text, where)
        roster = documents.from_document(Roster, ROSTER_SCHEMA, document, where, defaults=True)
        check_head(roster.version, roster.deployment, where)
        people = tuple(_checked(person, f"{where}.people[{n}]") for n, person in enumerate(roster.people))
        for person in people:
            _check_deputy(person, roster, where)
    except DocumentError as error:
        raise TrustError(str(error), "Mend it and have two policy owners sign again.") from error
    refuse_repeats((person.id for person in people), f"{where}: person", "Give each person one entry.")
    fingerprints = (key.fingerprint for person in people for key in person.keys)
    refuse_repeats(fingerprints, f"{where}: key", "A key speaks for one person; remove it from the other.")
    return replace(roster, people=people)


def roster_toml(roster: Roster) -> str:
    """Write a roster as the file that :func:`parse_roster` reads."""
    lines = [f'schema = "{ROSTER_SCHEMA}"', f"version = {roster.version}", f'deployment = "{roster.deployment}"']
    for person in roster.people:
        lines += ["", "[[people]]", *(f"{key} = {_toml(value)}" for key, value in documents.to_json(person).items())]
    return "\n".join([*lines, ""])


def clashing(roles: Iterable[RoleHeld]) -> str | None:
    """The first two roles, held at one time, that nobody may have together, in words; None where there are none."""
    for one, other in permutations(roles, 2):
        if other.role in _APART.get(one.role, ()) and _overlap(one, other):
            return f"{one.role} and {other.role} at one time"
    return None


def refuse_repeats(values: Iterable[str], what: str, mend: str) -> None:
    """Raise TrustError for the first value that comes twice."""
    for value, count in Counter(values).items():
        if count > 1:
            raise TrustError(f"{what} {value} stands there {count} times", mend)


def check_head(version: int, deployment: str, where: str) -> None:
    """What root and roster begin with. Raises DocumentError."""
    if version < 1:
        raise DocumentError(f"{where}.version: count from 1")
    check_name(deployment, f"{where}.deployment")


def check_name(value: str, where: str) -> None:
    """Raise DocumentError unless ``value`` can name a person or a deployment."""
    if not is_name(value):
        raise DocumentError(f"{where}: use lower case letters, digits, dot, dash, underscore; 63 at most")


def _checked(person: Person, where: str) -> Person:
    check_name(person.id, f"{where}.id")
    if not person.roles:
        raise DocumentError(f"{where}.roles: {person.id} has no role; give one or remove the person")
    for text in (person.name, *person.contacts, *person.languages):
        if found := fault(text):
            raise DocumentError(f"{where}: {person.id}'s name, contacts or languages have {found}; type it anew")
    _check_windows(person, where)
    if clash := clashing(person.roles):
        raise DocumentError(f"{where}.roles: {person.id} holds {clash}; give one to another, or at another time")
    return replace(person, keys=admitted(person.keys, f"{where}.keys"))


def _check_windows(person: Person, where: str) -> None:
    windows: dict[str, tuple[RoleHeld | Key, ...]]
    windows = {"roles": person.roles, "on_call": person.on_call, "keys": person.keys}
    for name, held in windows.items():
        for n, one in enumerate(held):
            if one.expires is not None and one.expires <= one.not_before:
                raise DocumentError(f"{where}.{name}[{n}].expires: not after not_before, so it would never hold")
    for n, shift in enumerate(person.on_call):
        if shift.deputy_for or not any(own.role is shift.role and _covers(own, shift) for own in person.roles):
            raise DocumentError(f"{where}.on_call[{n}]: {person.id} does not hold {shift.role} for all of that time")


def _check_deputy(person: Person, roster: Roster, where: str) -> None:
    for held in person.roles:
        if held.deputy_for is None:
            continue
        other = roster.person(held.deputy_for) if held.deputy_for != person.id else None
        own = (one for one in (other.roles if other else ()) if one.role is held.role and one.deputy_for is None)
        if not any(_overlap(one, held) for one in own):
            raise DocumentError(
                f"{where}: {person.id} is {held.role} for {held.deputy_for}, who must be another person on the "
                "roster and hold that role in their own right at that time"
            )


def _overlap(one: RoleHeld, other: RoleHeld) -> bool:
    return all(a.expires is None or b.not_before < a.expires for a, b in ((one, other), (other, one)))


def _covers(one: RoleHeld, other: RoleHeld) -> bool:
    ends = one.expires is None or (other.expires is not None and other.expires <= one.expires)
    return ends and one.not_before <= other.not_before


def _toml(value: Json) -> str:
    match value:
        case dict():
            pairs = (f"{key} = {_toml(item)}" for key, item in value.items() if item is not None)
            return f"{{ {', '.join(pairs)} }}"
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case _:
            return json.dumps(value, ensure_ascii=False)

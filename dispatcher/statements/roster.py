"""The roster file: TOML that people edit, read strictly.

Rules
  1. Unknown keys, unknown roles, a person or a key named twice, and windows that never open are refused.
  2. Keys are admitted here, once: type, curve point, application (``dispatcher.statements.keys``).
  3. Two policy owners sign the digest of the document, so comments and spelling in the file are free.

The file::

    schema = "roster/v1"
    version = 3
    deployment = "example"

    [[people]]
    id = "director-1"
    name = "Duty director"
    contacts = ["mailto://director@example.gov.uk"]               # optional, as is languages
    roles = [{ role = "duty_director", not_before = 2026-01-01T00:00:00Z }]        # expires is optional
    keys = [{ public = "ssh-ed25519 AAAA…", not_before = 2026-01-01T00:00:00Z }]   # so are expires, revoked_at
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from channels.contract import Json
from dispatcher.domain import documents
from dispatcher.domain.documents import DocumentError
from dispatcher.domain.ids import is_name
from dispatcher.domain.people import ROSTER_SCHEMA, Key, Person, RoleHeld, Roster
from dispatcher.statements.errors import TrustError
from dispatcher.statements.keys import admitted
from dispatcher.statements.toml import parse_toml


def parse_roster(text: str, where: str = "roster.toml") -> Roster:
    """Read a roster. Raises TrustError naming the place and what to do."""
    try:
        document = parse_toml(text, where)
        roster = documents.from_document(Roster, ROSTER_SCHEMA, document, where, defaults=True)
        check_head(roster.version, roster.deployment, where)
        people = tuple(_checked(person, f"{where}.people[{n}]") for n, person in enumerate(roster.people))
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
    held: Iterable[tuple[str, RoleHeld | Key]] = [
        *((f"roles[{n}]", role) for n, role in enumerate(person.roles)),
        *((f"keys[{n}]", key) for n, key in enumerate(person.keys)),
    ]
    for name, one in held:
        if one.expires is not None and one.expires <= one.not_before:
            raise DocumentError(f"{where}.{name}.expires: not after not_before, so it would never hold")
    return replace(person, keys=admitted(person.keys, f"{where}.keys"))


def _toml(value: Json) -> str:
    match value:
        case dict():
            pairs = (f"{key} = {_toml(item)}" for key, item in value.items() if item is not None)
            return f"{{ {', '.join(pairs)} }}"
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case _:
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

"""The roster file: TOML that people edit, read strictly.

Rules
  1. Unknown keys, unknown roles, a person or a key named twice, and windows that never open are refused.
  2. Keys are admitted here, once: type, curve point, application (``dispatcher.statements.keys``).
  3. Two policy owners sign the digest of the flattened document, so comments and order in the file are free.

The file::

    schema = "roster/v1"
    version = 3
    deployment = "example"

    [[person]]
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
from datetime import datetime

from channels.contract import Json
from dispatcher.domain.canonical import format_time, parse_time
from dispatcher.domain.documents import DocumentError, Reader
from dispatcher.domain.ids import is_name
from dispatcher.domain.people import ROSTER_SCHEMA, Key, Person, Role, RoleHeld, Roster
from dispatcher.statements.errors import SshsigError, TrustError
from dispatcher.statements.keys import parse_public_line
from dispatcher.statements.toml import parse_toml


def parse_roster(text: str, where: str = "roster.toml") -> Roster:
    """Read a roster. Raises TrustError naming the place and what to do."""
    try:
        roster = _roster(parse_toml(text, where), where)
    except DocumentError as error:
        raise TrustError(str(error), "Mend it and have two policy owners sign again.") from error
    refuse_repeats((person.id for person in roster.people), f"{where}: person", "Give each person one entry.")
    fingerprints = (key.fingerprint for person in roster.people for key in person.keys)
    refuse_repeats(fingerprints, f"{where}: key", "A key speaks for one person; remove it from the other.")
    return roster


def roster_toml(roster: Roster) -> str:
    """Write a roster as the file that :func:`parse_roster` reads."""
    lines = [f'schema = "{ROSTER_SCHEMA}"', f"version = {roster.version}", f'deployment = "{roster.deployment}"']
    for person in roster.people:
        lines += ["", "[[person]]", f"id = {_quoted(person.id)}", f"name = {_quoted(person.name)}"]
        lines += [f"contacts = {_list(map(_quoted, person.contacts))}"]
        lines += [f"languages = {_list(map(_quoted, person.languages))}"]
        lines += [f"roles = {_list(_role_line(held) for held in person.roles)}"]
        lines += [f"keys = {_list(_key_line(key) for key in person.keys)}"]
    return "\n".join([*lines, ""])


def refuse_repeats(values: Iterable[str], what: str, mend: str) -> None:
    """Raise TrustError for the first value that comes twice."""
    for value, count in Counter(values).items():
        if count > 1:
            raise TrustError(f"{what} {value} stands there {count} times", mend)


def name_in(reader: Reader, key: str, where: str) -> str:
    """A text that can name a person or a deployment."""
    value = reader.text(key)
    if not is_name(value):
        raise DocumentError(f"{where}.{key}: use lower case letters, digits, dot, dash, underscore; 63 at most")
    return value


def version_in(reader: Reader, where: str) -> int:
    """A document's version, from 1 up."""
    version = reader.integer("version")
    if version < 1:
        raise DocumentError(f"{where}.version: count from 1")
    return version


def _roster(document: dict[str, Json], where: str) -> Roster:
    reader = Reader(document, where)
    reader.schema(ROSTER_SCHEMA)
    roster = Roster(version_in(reader, where), name_in(reader, "deployment", where), reader.each("person", _person))
    reader.done()
    return roster


def _person(value: Json, where: str) -> Person:
    reader = _with_optional(value, where, contacts=[], languages=[], keys=[])
    person = Person(
        id=name_in(reader, "id", where),
        name=reader.text("name"),
        roles=reader.each("roles", _role),
        keys=reader.each("keys", _key),
        contacts=reader.texts("contacts"),
        languages=reader.texts("languages"),
    )
    reader.done()
    if not person.roles:
        raise DocumentError(f"{where}.roles: {person.id} has no role; give one or remove the person")
    return person


def _role(value: Json, where: str) -> RoleHeld:
    reader = _with_optional(value, where, expires=None)
    name = reader.text("role")
    if name not in set(Role):
        raise DocumentError(f"{where}.role: {name!r} is no role; the roles are {', '.join(Role)}")
    held = RoleHeld(Role(name), reader.time("not_before"), _time_or_none(reader, "expires", where))
    reader.done()
    _check_window(held, where)
    return held


def _key(value: Json, where: str) -> Key:
    reader = _with_optional(value, where, expires=None, revoked_at=None)
    try:
        public = parse_public_line(reader.text("public"))
    except SshsigError as error:
        raise DocumentError(f"{where}.public: {error.message}. {error.next_step}") from error
    key = Key(
        public.type,
        public.fingerprint,
        public.public,
        reader.time("not_before"),
        _time_or_none(reader, "expires", where),
        _time_or_none(reader, "revoked_at", where),
    )
    reader.done()
    _check_window(key, where)
    if key.revoked_at is not None and key.revoked_at < key.not_before:
        raise DocumentError(f"{where}.revoked_at: before the key begins; remove the key instead")
    return key


def _check_window(held: RoleHeld | Key, where: str) -> None:
    if held.expires is not None and held.expires <= held.not_before:
        raise DocumentError(f"{where}.expires: not after not_before, so it would never hold")


def _with_optional(value: Json, where: str, **defaults: Json) -> Reader:
    return Reader({**defaults, **value} if isinstance(value, dict) else value, where)


def _time_or_none(reader: Reader, key: str, where: str) -> datetime | None:
    value = reader.raw(key)
    try:
        return None if value is None else parse_time(value)
    except ValueError as error:
        raise DocumentError(f"{where}.{key}: {error}") from error


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(items: Iterable[str]) -> str:
    return "[" + ", ".join(items) + "]"


def _role_line(held: RoleHeld) -> str:
    return f'{{ role = "{held.role}", {_window(held)} }}'


def _key_line(key: Key) -> str:
    revoked = "" if key.revoked_at is None else f", revoked_at = {format_time(key.revoked_at)}"
    return f'{{ public = "{key.public}", {_window(key)}{revoked} }}'


def _window(held: RoleHeld | Key) -> str:
    expires = "" if held.expires is None else f", expires = {format_time(held.expires)}"
    return f"not_before = {format_time(held.not_before)}{expires}"

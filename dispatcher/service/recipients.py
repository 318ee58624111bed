"""Recipient lists: a CSV file of telephone numbers becomes encrypted rows under one signed root.

Rules
  1. Numbers are normalised to E.164; only those that can get a text message are taken. Of two equal ones the first
     stays. Ofcom's numbers for drama (07700 900000 to 900999), which GOV.UK Notify uses for its tests, are taken
     too: they reach nobody.
  2. A row that cannot be used is reported by its number in the file, with the reason, never with what it holds.
  3. What is stored opens with the recipients' sender's key only. The ledger gets name, root and count.

The file needs a header with a column ``phone``, ``number`` or ``phone_number``; ``language`` is optional.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from channels.contract import Secret
from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.ids import is_name
from dispatcher.domain.statement import Mode
from dispatcher.sending.lists import ListKey, Row, SealedRow, tree_of
from dispatcher.service.desk import Desk
from dispatcher.store import accounts

NUMBER_COLUMNS = ("phone", "number", "phone_number")
LANGUAGE_COLUMN = "language"
ROLE = "recipients"

_DRAMA = re.compile(r"\+447700900\d{3}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_TEXTABLE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out, by its line in the file."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """A list as it was stored, and what was left out of it."""

    name: str
    mode: Mode
    count: int
    root: str
    duplicates: int
    bad: tuple[BadRow, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A list as everybody may see it."""

    name: str
    mode: Mode
    count: int
    root: str
    created_at: datetime
    created_by: str


def import_csv(
    desk: Desk,
    name: str,
    path: Path,
    mode: Mode,
    person: str,
    default_region: str = "GB",
    language: str = "en-GB",
) -> Imported:
    """Import a list. Raises Invalid for a file that is no such CSV or holds no usable row, NotFound for no file."""
    if not is_name(name):
        raise Invalid(
            f"{name!r} cannot name a list", "use lower case letters, digits, dot, dash, underscore; 63 at most"
        )
    rows, duplicates, bad = _read(path, default_region, language)
    if not rows:
        raise Invalid(f"{path.name} has no usable row", _first_reason(bad))
    key = ListKey(desk.random_bytes(32))
    sealed = [key.seal(row, desk.random_bytes) for row in rows]
    root = tree_of([row.leaf for row in sealed]).root.hex()
    header = {
        "id": name,
        "mode": str(mode),
        "root": root,
        "count": len(sealed),
        "sealed_key": key.sealed_to(desk.settings.vault(mode, ROLE).recipient()),
        "created_by": person,
    }
    with desk.store.write() as work:
        accounts.add_list(work, header, _stored(name, rows, sealed))
        work.record("recipients.imported", actor=person, list=name, mode=str(mode), root=root, count=len(sealed))
    return Imported(name, mode, len(sealed), root, duplicates, tuple(bad))


def listed(desk: Desk, mode: Mode | None = None) -> list[Listed]:
    """The recipient lists of one mode, or of both."""
    with desk.store.read() as work:
        return [
            Listed(row.id, Mode(row.mode), row.count, row.root, row.created_at, row.created_by)
            for row in accounts.lists(work, mode)
        ]


def _stored(name: str, rows: list[Row], sealed: list[SealedRow]) -> Iterator[dict[str, object]]:
    for position, (row, at_rest) in enumerate(zip(rows, sealed, strict=True)):
        yield {
            "list": name,
            "position": position,
            "leaf": at_rest.leaf,
            "language": row.language,
            "sealed": at_rest.sealed,
        }


def _read(path: Path, region: str, language: str) -> tuple[list[Row], int, list[BadRow]]:
    rows: dict[str, Row] = {}
    bad: list[BadRow] = []
    duplicates = 0
    with _table(path) as table:
        column = _number_column(table)
        for record in table:
            address, fault = _address(record.get(column) or "", region)
            tag = (record.get(LANGUAGE_COLUMN) or "").strip() or language
            if address is None or not _LANGUAGE.fullmatch(tag):
                bad.append(BadRow(table.line_num, fault or "the language is no tag such as en-GB or cy"))
            elif address in rows:
                duplicates += 1
            else:
                rows[address] = Row(Secret(address), tag)
    return list(rows.values()), duplicates, bad


@contextmanager
def _table(path: Path) -> Iterator[csv.DictReader[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            table.fieldnames = [name.strip().lower() for name in table.fieldnames or ()]
            yield table
    except OSError as error:
        raise NotFound(f"{path}: cannot be read ({error.strerror})", "name the CSV file") from error
    except UnicodeDecodeError as error:
        raise Invalid(f"{path.name} is not UTF-8", "save it as CSV UTF-8 and import it again") from error
    except csv.Error as error:
        raise Invalid(f"{path.name} is not a CSV file: {error}", "save it as CSV UTF-8") from error


def _number_column(table: csv.DictReader[str]) -> str:
    found = [name for name in table.fieldnames or () if name in NUMBER_COLUMNS]
    if len(found) != 1:
        raise Invalid(
            f"one column of telephone numbers is needed, the file has {len(found)}",
            f"the first row names the columns; call that one {' or '.join(NUMBER_COLUMNS)}",
        )
    return found[0]


def _address(text: str, region: str) -> tuple[str | None, str]:
    """The number in E.164, or None and what is wrong with it."""
    if not text.strip():
        return None, "there is no number"
    try:
        parsed = phonenumbers.parse(text, region)
    except NumberParseException:
        return None, "this is not a telephone number"
    if not phonenumbers.is_possible_number(parsed):
        return None, "the number is too short or too long"
    address = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    if _DRAMA.fullmatch(address):
        return address, ""
    if not phonenumbers.is_valid_number(parsed):
        return None, "no such number is in use"
    if phonenumbers.number_type(parsed) not in _TEXTABLE:
        return None, "this is not a mobile number"
    return address, ""


def _first_reason(bad: list[BadRow]) -> str:
    return f"row {bad[0].row}: {bad[0].reason}" if bad else "the file has a header only"

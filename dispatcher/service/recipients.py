"""Recipient lists: a CSV file of telephone numbers becomes encrypted rows under one signed root.

Rules
  1. Numbers are normalised to E.164; only those that can get a text message are taken. Of two equal ones the first
     stays. Ofcom's numbers for drama (07700 900000 to 900999), which GOV.UK Notify uses for its tests, are taken
     too: they reach nobody.
  2. A row that cannot be used is reported by its number in the file, with the reason, never with what it holds.
  3. What is stored opens with the recipients' sender's key only. The ledger gets name, root and count.
  4. Rows are sealed one by one into a spool on disk, then copied: a long list is never in memory, and the database is
     not locked while its numbers are read.

The file needs a header with a column ``phone``, ``number`` or ``phone_number``; ``language`` is optional.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from channels.contract import Secret
from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.ids import RandomBytes, is_name
from dispatcher.domain.merkle import Tree, block_roots, leaf_hash
from dispatcher.domain.statement import Mode
from dispatcher.sending.lists import ListKey, Row
from dispatcher.service.desk import Desk
from dispatcher.store import recipients
from dispatcher.store.spool import Spool

NUMBER_COLUMNS = ("phone", "number", "phone_number")
LANGUAGE_COLUMN = "language"
ROLE = "recipients"
SHOWN = ("mode", "count", "root", "created_at", "created_by")

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
    key, bad = ListKey(desk.random_bytes(32)), list[BadRow]()
    with Spool() as spool:
        duplicates = _fill(spool, _read(path, default_region, language, bad), key, desk.random_bytes)
        if not spool.count:
            raise Invalid(f"{path.name} has no usable row", _first_reason(bad))
        roots = block_roots(leaf_hash(bytes.fromhex(row["leaf"])) for row in spool.rows())
        root = Tree(roots).root.hex()
        known: dict[str, Any] = {"mode": str(mode), "root": root, "count": spool.count}
        sealed_key = key.sealed_to(desk.settings.vault(mode, ROLE).recipient())
        header = {"id": name, **known, "sealed_key": sealed_key, "block_roots": roots, "created_by": person}
        with desk.store.write() as work:
            recipients.add_list(work, header, ({"list": name, **row} for row in spool.rows()))
            work.record("recipients.imported", actor=person, list=name, **known)
        return Imported(name, mode, spool.count, root, duplicates, tuple(bad))


def listed(desk: Desk, mode: Mode | None = None) -> list[dict[str, Any]]:
    """The recipient lists of one mode, or of both: name, mode, count, root, created_at, created_by."""
    with desk.store.read() as work:
        return [{"name": row.id, **{key: getattr(row, key) for key in SHOWN}} for row in recipients.lists(work, mode)]


def _fill(spool: Spool, rows: Iterable[tuple[str, str]], key: ListKey, random_bytes: RandomBytes) -> int:
    """Seal addresses with their languages into the spool; returns how many were there already."""
    salt, duplicates = random_bytes(32), 0
    for address, language in rows:
        made = key.seal(Row(Secret(address), language), random_bytes)
        once = hashlib.blake2b(address.encode(), key=salt, digest_size=32).digest()
        duplicates += not spool.add(once, made.leaf, language, made.sealed)
    return duplicates


def _read(path: Path, region: str, language: str, bad: list[BadRow]) -> Iterator[tuple[str, str]]:
    """Each usable row's address and language; what is not usable goes to ``bad``."""
    with _table(path) as table:
        column = _number_column(table)
        for record in table:
            address, fault = _address(record.get(column) or "", region)
            tag = (record.get(LANGUAGE_COLUMN) or "").strip() or language
            if address is None or not _LANGUAGE.fullmatch(tag):
                bad.append(BadRow(table.line_num, fault or "the language is no tag such as en-GB or cy"))
            else:
                yield address, tag


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

"""A CSV file of telephone numbers or e-mail addresses, read row by row: whatever a spreadsheet saved it as.

Rules
  1. The encoding is never guessed: a byte order mark says UTF-8 or UTF-16, and without one it is UTF-8. Where it is
     not (Windows-1252, as older spreadsheets save), a number with a byte that cannot be read is a bad row; in other
     columns it does no harm, because only numbers and languages are taken, and those are ASCII.
  2. The separator is the one by which the first row has a column of what is wanted: comma, semicolon or tab. Numbers
     or e-mail addresses, a list is of one kind: whoever imports it says which, because files of contacts have both.
  3. Numbers are normalised to E.164; only those that can get a text message are taken. Ofcom's numbers for drama
     (07700 900000 to 900999), which GOV.UK Notify uses for its tests, are taken too: they reach nobody.
  4. An e-mail address is taken as it is, but for its domain, which is written small: a server may tell a capital from
     a small letter before the @ (RFC 5321, 2.4).
  5. What is wrong with a row is said by its line in the file, never with what it holds.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from channels.text import mailbox_fault
from dispatcher.domain.errors import Invalid, NotFound

NUMBER_COLUMNS = ("phone", "number", "phone_number")
EMAIL_COLUMNS = ("email", "e_mail", "email_address")
LANGUAGE_COLUMN = "language"
SEPARATORS = (",", ";", "\t")
AGAIN = "save it as CSV UTF-8 and import it again"
LOOKED_AT = 4_096
"""Bytes at the beginning of a file by which a text is told from something else."""

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_TEXTABLE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
_DRAMA = "+447700900"
_UNREAD = re.compile("[\udc80-\udcff]")
_ROUNDED = re.compile(r"[0-9][.,][0-9]+[Ee]\+?[0-9]+")
_PLAIN_GB = re.compile(r"(?:\+44 ?|0044 ?|0)?(7[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3})")
"""How numbers of British mobiles are mostly written; they are read without the library, by its own verdicts."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the file, by its line: an address in E.164 with a language, or what is wrong with it."""

    row: int
    address: str = ""
    language: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a list is of: the words for it, what its column may be called, and how a field of that column is read.

    ``read`` takes the field and a region, and gives the address and no fault, or none and what is wrong with it.
    """

    one: str
    many: str
    columns: tuple[str, ...]
    read: Callable[[str, str], tuple[str, str]]


def entries(path: Path, kind: Kind, region: str, language: str) -> Iterator[Entry]:
    """Each row in order. Raises Invalid for a file that is no such CSV, NotFound for no file."""
    with _opened(path) as file:
        head = file.readline()
        separator, column, tags = _columns(head, kind)
        table = csv.reader(file, delimiter=separator, strict=True)
        try:
            for record in table:
                if record:
                    field = record[column] if column < len(record) else ""
                    tag = record[tags].strip() if tags is not None and tags < len(record) else ""
                    yield _entry(table.line_num + 1, kind.read(field, region), tag, language)
        except csv.Error as error:
            at = f"{path.name}, row {table.line_num + 1}"
            raise Invalid(
                f"{at}: a quotation mark is not closed, or not doubled ({error})", "mend it there"
            ) from error


def _entry(row: int, found: tuple[str, str], tag: str, language: str) -> Entry:
    address, fault = found
    if address and tag and not _LANGUAGE.fullmatch(tag):
        return Entry(row, fault="the language is no tag such as en-GB or cy")
    return Entry(row, address, tag or language, fault)


@contextmanager
def _opened(path: Path) -> Iterator[io.TextIOWrapper]:
    try:
        with path.open("rb") as raw:
            encoding, errors = _encoding(path.name, raw.peek(LOOKED_AT)[:LOOKED_AT])
            yield io.TextIOWrapper(raw, encoding, errors, newline="")
    except OSError as error:
        raise NotFound(f"{path}: cannot be read ({error.strerror})", "name the CSV file") from error
    except UnicodeDecodeError as error:
        raise Invalid(f"{path.name} is not whole: it breaks off in a UTF-16 character", AGAIN) from error


def _encoding(name: str, head: bytes) -> tuple[str, str]:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and not head.startswith(codecs.BOM_UTF32_LE):
        return "utf-16", "strict"
    if b"\0" in head:
        raise Invalid(f"{name} is no text file: a spreadsheet's own format, or UTF-16 without its mark", AGAIN)
    return "utf-8-sig", "surrogateescape"


def _columns(head: str, kind: Kind) -> tuple[str, int, int | None]:
    """The separator, and the places of the address and of the language."""
    found = 0
    for separator in SEPARATORS:
        names = [_column(name) for name in next(csv.reader([head], delimiter=separator), [])]
        places = [place for place, name in enumerate(names) if name in kind.columns]
        if len(places) == 1:
            return separator, places[0], names.index(LANGUAGE_COLUMN) if LANGUAGE_COLUMN in names else None
        found = max(found, len(places))
    raise Invalid(
        f"one column of {kind.many} is needed, the file has {found}",
        f"the first row names the columns; call that one {' or '.join(kind.columns)}",
    )


def _column(name: str) -> str:
    return re.sub(r"[ _-]+", "_", name.strip().lower())


def address_of(text: str, region: str) -> tuple[str, str]:
    """The number in E.164 and no fault, or none and what is wrong with it."""
    plain = _PLAIN_GB.fullmatch(text) if region == "GB" else None
    if plain is None:
        return looked_up(text, region)
    address = f"+44{plain[1].replace(' ', '').replace('-', '')}"
    fault = "" if address.startswith(_DRAMA) else _fault_of(address[3:8])
    return ("", fault) if fault else (address, "")


@lru_cache(maxsize=10_000)
def _fault_of(prefix: str) -> str:
    """What the library has against British mobile numbers that begin so; it goes by five digits at most."""
    return looked_up(f"+44{prefix}12345", "GB")[1]


def looked_up(text: str, region: str) -> tuple[str, str]:
    """The same, by the library alone."""
    text = " ".join(text.split())
    if not text:
        return "", "there is no number"
    if _UNREAD.search(text):
        return "", "the number holds a character that cannot be read: save the file as CSV UTF-8"
    if _ROUNDED.fullmatch(text):
        return "", "a spreadsheet rounded this number: have its column saved as text"
    try:
        parsed = phonenumbers.parse(text, region)
    except NumberParseException:
        return "", "this is not a telephone number"
    if not phonenumbers.is_possible_number(parsed):
        return "", "the number is too short or too long"
    address = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    if address.startswith(_DRAMA):
        return address, ""
    if not phonenumbers.is_valid_number(parsed):
        return "", "no such number is in use"
    if phonenumbers.number_type(parsed) not in _TEXTABLE:
        return "", "this is not a mobile number"
    return address, ""


def mailbox_of(text: str, region: str) -> tuple[str, str]:
    """The e-mail address and no fault, or none and what is wrong with it. A region says nothing about it."""
    del region
    address = text.strip()
    if not address:
        return "", "there is no e-mail address"
    local, at, domain = address.rpartition("@")
    fault = mailbox_fault(address)
    return ("", fault) if fault else (f"{local}{at}{domain.lower()}", "")


NUMBERS = Kind("number", "telephone numbers", NUMBER_COLUMNS, address_of)
EMAILS = Kind("e-mail address", "e-mail addresses", EMAIL_COLUMNS, mailbox_of)

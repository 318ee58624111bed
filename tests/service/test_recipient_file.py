"""Reading a CSV file of telephone numbers: separators, encodings, and what a number is."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.service.recipient_file import (
    _PLAIN_GB,
    EMAILS,
    NUMBERS,
    Entry,
    Kind,
    address_of,
    entries,
    looked_up,
)

PLAIN = st.from_regex(_PLAIN_GB, fullmatch=True)


def read(folder: Path, content: str | bytes, region: str = "GB", kind: Kind = NUMBERS) -> list[Entry]:
    """The entries of a file with this content."""
    path = folder / "numbers.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(entries(path, kind, region, "en-GB"))


def told(folder: Path, content: str | bytes) -> list[tuple[int, str, str]]:
    """Row, address and fault of each."""
    return [(entry.row, entry.address, entry.fault) for entry in read(folder, content)]


ONE = [(2, "+447700900001", "")]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_separator_is_known_by_the_first_row(tmp_path: Path, separator: str) -> None:
    """Comma, semicolon or tab, whatever stands in the other columns."""
    assert told(tmp_path, f'name{separator}phone\n"A, B; C"{separator}07700900001\n') == ONE


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_file_is_read_as_any_spreadsheet_saved_it(tmp_path: Path, encoding: str, end: str) -> None:
    """Numbers are the same in each, and nobody's name is looked at."""
    assert told(tmp_path, f"name,phone{end}Zoë,07700900001{end}".encode(encoding)) == ONE


@pytest.mark.parametrize("name", ["phone", "Number", "phone_number", "Phone Number", " PHONE-NUMBER "])
def test_the_column_of_numbers_has_a_name(tmp_path: Path, name: str) -> None:
    """As GOV.UK Notify's own files have it, among others."""
    assert told(tmp_path, f"{name}\n07700900001\n") == ONE


def test_a_number_with_a_byte_of_another_encoding_is_a_bad_row(tmp_path: Path) -> None:
    """A hard space of Windows-1252 might as well be a letter of another: it is not guessed."""
    fault = "the number holds a character that cannot be read: save the file as CSV UTF-8"
    assert told(tmp_path, b"phone\n07911\xa0123456\n07700900001\n") == [(2, "", fault), (3, "+447700900001", "")]


def test_marks_that_people_copy_with_a_number_do_no_harm(tmp_path: Path) -> None:
    """Direction marks, hard and narrow spaces, tabs, a bracketed zero."""
    spelled = ["\u202a+447911123456\u202c", "07911\u00a0123456", "07911\u202f123 456", "+44 (0)7911 123456"]
    assert told(tmp_path, "phone\n" + "\n".join(spelled)) == [(row, "+447911123456", "") for row in range(2, 6)]


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        ("", "there is no number"),
        ("call me", "this is not a telephone number"),
        ("+4477", "the number is too short or too long"),
        ("020 7946 0000 0000", "the number is too short or too long"),
        ("020 7219 3000", "this is not a mobile number"),
        ("+44 7000 000000", "this is not a mobile number"),
        ("07000 000000", "this is not a mobile number"),
        ("4.47911E+11", "a spreadsheet rounded this number: have its column saved as text"),
    ],
)
def test_a_bad_number_is_told_by_its_row(tmp_path: Path, number: str, fault: str) -> None:
    """Row and reason, never the number."""
    assert told(tmp_path, f'phone,note\n"{number}",bad\n') == [(2, "", fault)]


def test_a_row_that_is_too_short_has_no_number(tmp_path: Path) -> None:
    """An empty line is no row; one with a comma too few is reported."""
    assert told(tmp_path, "name,phone\nA\n\nB,07700900001\n") == [
        (2, "", "there is no number"),
        (4, "+447700900001", ""),
    ]


def test_a_bad_language_is_told(tmp_path: Path) -> None:
    """A word that is no tag is not sent anything; an empty one means the list's own language."""
    made = read(tmp_path, "phone,language\n07700900001,Welsh!\n07700900002,cy\n07700900003, \n")
    assert [(entry.language, entry.fault) for entry in made] == [
        ("", "the language is no tag such as en-GB or cy"),
        ("cy", ""),
        ("en-GB", ""),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"telephone\n07700900001\n", "the file has 0"),
        (b"phone,number\n07700900001,07700900002\n", "the file has 2"),
        (b"", "the file has 0"),
        (b"PK\x03\x04\x00\x00", "no text file"),
        ("phone\n07700900001\n".encode("utf-16-le"), "no text file"),
        ("phone\n07700900001\n".encode("utf-32"), "no text file"),
        ("phone\n07700900001\n".encode("utf-16")[:-1], "not whole"),
        (b'phone\n07700900001\n"07700900002\n07700900003\n', "row 4: a quotation mark is not closed"),
        (b'phone,name\n07700900001,"A "B" C"\n', "row 2: a quotation mark is not closed, or not doubled"),
    ],
)
def test_a_file_that_cannot_be_read_safely_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """Each with what is wrong: an open quotation mark would swallow the rows after it."""
    with pytest.raises(Invalid, match=message):
        read(tmp_path, content)


def test_a_missing_file_is_not_found() -> None:
    """The message names it."""
    with pytest.raises(NotFound, match=r"nowhere\.csv"):
        list(entries(Path("nowhere.csv"), NUMBERS, "GB", "en-GB"))


def test_a_national_number_is_read_by_its_region(tmp_path: Path) -> None:
    """One and the same spelling is somebody else's in another country."""
    (french,) = read(tmp_path, "phone\n0612345678\n", "FR")
    (british,) = read(tmp_path, "phone\n0612345678\n")
    assert (french.address, british.address) == ("+33612345678", "")


@settings(max_examples=500, deadline=None)
@given(PLAIN)
def test_the_quick_way_says_what_the_library_says(text: str) -> None:
    """Of any number that it takes, in any of the spellings that it takes."""
    assert address_of(text, "GB") == looked_up(text, "GB")


def test_the_quick_way_agrees_for_every_beginning_of_a_number() -> None:
    """All ten thousand beginnings of five digits, with any end: the library goes by no more of a number than that."""
    ends = random.Random(7)
    wrong = []
    for beginning in range(70_000, 80_000):
        text = f"0{beginning}{ends.randrange(100_000):05}"
        if address_of(text, "GB") != looked_up(text, "GB"):
            wrong.append(text)
    assert wrong == []


@pytest.mark.parametrize("name", ["email", "Email", "E-mail", "email address", "Email_Address"])
def test_the_column_of_e_mail_addresses_has_a_name(tmp_path: Path, name: str) -> None:
    """It is found beside a column of numbers, which is not looked at."""
    made = read(tmp_path, f"phone;{name};language\nnone; news@Paper.Example ;cy\n", kind=EMAILS)
    assert made == [Entry(2, "news@paper.example", "cy")]


@pytest.mark.parametrize(
    ("field", "fault"),
    [
        ("", "there is no e-mail address"),
        ("07700 900001", "this is no e-mail address (name@domain in unaccented letters)"),
        ("News <news@paper.example>", "this is no e-mail address (name@domain in unaccented letters)"),
        ("news@paper.example, desk@paper.example", "this is no e-mail address (name@domain in unaccented letters)"),
        ("Zoë@paper.example", "this is no e-mail address (name@domain in unaccented letters)"),
        (f"{'a' * 65}@paper.example", "the e-mail address is too long"),
    ],
)
def test_a_bad_e_mail_address_is_told_by_its_row(tmp_path: Path, field: str, fault: str) -> None:
    """Row and reason, never the address."""
    (entry,) = read(tmp_path, f'email,note\n"{field}",bad\n', kind=EMAILS)
    assert (entry.row, entry.address, entry.fault) == (2, "", fault)


def test_an_e_mail_address_with_a_byte_of_another_encoding_is_a_bad_row(tmp_path: Path) -> None:
    """It is not guessed."""
    (entry,) = read(tmp_path, b"email\nzo\xeb@paper.example\n", kind=EMAILS)
    assert "no e-mail address" in entry.fault


def test_a_file_without_e_mail_addresses_is_refused(tmp_path: Path) -> None:
    """The message says what the column may be called."""
    with pytest.raises(Invalid, match="one column of e-mail addresses is needed, the file has 0"):
        read(tmp_path, "phone\n07700900001\n", kind=EMAILS)

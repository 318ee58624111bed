"""Recipient lists: from a CSV file to encrypted rows under a signed root."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import delete, select

from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.plan import SignedList
from dispatcher.domain.statement import Mode
from dispatcher.sending.lists import open_key, prove, tree_of
from dispatcher.sending.order import RecipientProof
from dispatcher.service import recipients
from dispatcher.service.submitting import Wish
from dispatcher.store import deliveries
from dispatcher.store.tables import RecipientListRow, RecipientRow
from tests.office import Office


def imported(office: Office, text: str | bytes, **more: str) -> recipients.Imported:
    """Import a file of this text."""
    path = office.desk.settings.path("numbers.csv")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return recipients.import_csv(office.desk, "residents", path, Mode.EXERCISE, "ops-1", **more)


def opened(office: Office) -> list[tuple[str, str]]:
    """Address and language of every stored row, proved against the stored root by the sender's own code."""
    with office.desk.store.read() as work:
        head = work.execute(select(RecipientListRow.__table__)).one()
        rows = work.execute(select(RecipientRow.__table__).order_by(RecipientRow.position)).all()
    key = open_key(head.sealed_key, office.desk.settings.vault(Mode.EXERCISE, "recipients").identity())
    signed, tree = SignedList(head.id, head.root, head.count), tree_of([row.leaf for row in rows])
    found = []
    for row in rows:
        path = tuple(step.hex() for step in tree.path(row.position))
        _, plain = prove(RecipientProof(head.id, row.position, row.sealed, path), key, signed)
        found.append((plain.address.reveal(), plain.language))
    return found


def test_numbers_are_normalised_and_keep_their_order(office: Office) -> None:
    """National and international spellings become E.164, and the sender can prove every row."""
    made = imported(office, "name,phone\nA,07911 123456\nB,+44 7700 900001\nC,0044 7400 123456\n")
    assert opened(office) == [
        ("+447911123456", "en-GB"),
        ("+447700900001", "en-GB"),
        ("+447400123456", "en-GB"),
    ]
    assert (made.count, made.duplicates, made.bad) == (3, 0, ())


def test_a_language_column_says_who_reads_what(office: Office) -> None:
    """An empty field means the list's own language."""
    imported(office, "Phone_Number,Language\n07700900001,cy\n07700900002,\n", language="en")
    assert opened(office) == [("+447700900001", "cy"), ("+447700900002", "en")]


def test_two_spellings_of_a_number_are_one_recipient(office: Office) -> None:
    """The first stays."""
    made = imported(office, "number\n07700 900001\n+447700900001\n")
    assert (made.count, made.duplicates) == (1, 1)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("", "there is no number"),
        ("call me", "this is not a telephone number"),
        ("+4477", "the number is too short or too long"),
        ("020 7946 0000 0000", "the number is too short or too long"),
        ("020 7219 3000", "this is not a mobile number"),
        ("+44 7000 000000", "this is not a mobile number"),
    ],
)
def test_a_bad_number_is_reported_by_its_line_and_left_out(office: Office, number: str, reason: str) -> None:
    """The report has line and reason, never the number."""
    made = imported(office, f'phone,note\n07700900001,ok\n"{number}",bad\n')
    assert made.count == 1
    assert [(row.row, row.reason) for row in made.bad] == [(3, reason)]


def test_a_bad_language_is_reported(office: Office) -> None:
    """A word that is no tag is not sent anything."""
    made = imported(office, "phone,language\n07700900001,Welsh!\n07700900002,cy\n")
    assert [(row.row, row.reason) for row in made.bad] == [(2, "the language is no tag such as en-GB or cy")]


def test_a_file_saved_with_a_byte_order_mark_is_read(office: Office) -> None:
    """As spreadsheets save it."""
    assert imported(office, "\ufeffphone\r\n07700900001\r\n").count == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"phone\n07700900001,\xff\n", "not UTF-8"),
        (b"telephone\n07700900001\n", "one column of telephone numbers"),
        (b"phone,number\n07700900001,07700900002\n", "one column of telephone numbers"),
        (b"", "one column of telephone numbers"),
        (b"phone\n", "no usable row"),
        (b"phone\nnobody\n", "no usable row"),
    ],
)
def test_a_file_that_is_no_list_is_refused(office: Office, content: bytes, message: str) -> None:
    """Each with what is wrong, and nothing is stored."""
    with pytest.raises(Invalid, match=message):
        imported(office, content)
    assert recipients.listed(office.desk) == []


def test_a_missing_file_is_not_found(office: Office) -> None:
    """The message names it."""
    with pytest.raises(NotFound, match=r"nowhere\.csv"):
        recipients.import_csv(office.desk, "residents", Path("nowhere.csv"), Mode.EXERCISE, "ops-1")


def test_a_list_is_imported_once(office: Office) -> None:
    """A second import of the name is refused: what people signed stays what it was."""
    first = imported(office, "phone\n07700900001\n")
    with pytest.raises(Invalid, match="exists already"):
        imported(office, "phone\n07700900002\n")
    assert [made["root"] for made in recipients.listed(office.desk)] == [first.root]


def test_no_number_is_in_the_database(office: Office) -> None:
    """Rows, ledger and everything else hold it encrypted only."""
    made = imported(office, "phone\n07911123456\n")
    database = office.desk.settings.path("data", "dispatcher.db")
    stored = database.read_bytes() + database.with_name("dispatcher.db-wal").read_bytes()
    assert b"7911123456" not in stored
    (entry,) = office.ledger("recipients.imported")
    assert (entry.facts["root"], entry.facts["count"]) == (made.root, 1)


def test_a_long_list_is_stored_whole(office: Office) -> None:
    """More rows than one batch, in order."""
    numbers = [f"+447911{number:06}" for number in range(123_456, 125_056)]
    made = imported(office, "phone\n" + "\n".join(numbers) + "\n")
    assert made.count == 1_600
    assert [address for address, _ in opened(office)] == numbers


def test_a_list_named_twice_reaches_everybody_once(office: Office) -> None:
    """One delivery for each of its recipients, in the order of the list."""
    imported(office, "phone\n07700900001\n07700900002\n")
    office.account("notify")
    plan = office.plan(Wish(lists={"": ["residents", "residents"]}))
    with office.desk.store.read() as work:
        assert sorted(row.position for row in deliveries.listed(work, plan=plan)) == [0, 1]


def test_a_list_that_lost_a_row_is_not_submitted(office: Office) -> None:
    """Somebody would silently not be warned."""
    imported(office, "phone\n07700900001\n07700900002\n")
    office.account("notify")
    with office.desk.store.write() as work:
        work.execute(delete(RecipientRow).where(RecipientRow.position == 1))
    with pytest.raises(Invalid, match="not whole"):
        office.plan(Wish(lists={"": ["residents"]}))

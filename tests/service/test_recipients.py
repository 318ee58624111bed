"""Recipient lists: from a CSV file to encrypted rows under a signed root."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from dispatcher.domain.errors import Forbidden, Invalid, NotFound, Unavailable
from dispatcher.domain.plan import SignedList
from dispatcher.domain.statement import Mode
from dispatcher.sending.lists import open_key, prove, tree_of
from dispatcher.sending.order import RecipientProof
from dispatcher.service import recipients
from dispatcher.service.recipient_file import EMAILS
from dispatcher.service.releasing import release
from dispatcher.service.submitting import Wish
from dispatcher.store import deliveries, records
from dispatcher.store import recipients as stored
from dispatcher.store.tables import RECIPIENT_LISTS, RECIPIENTS
from tests.office import Office


def imported(office: Office, text: str | bytes, **more: Any) -> recipients.Imported:
    """Import a file of this text."""
    path = office.desk.settings.path("numbers.csv")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return recipients.import_csv(office.desk, "residents", path, Mode.EXERCISE, "ops-1", **more)


def rows(office: Office) -> int:
    """How many recipients are stored."""
    with office.desk.store.read() as work:
        return int(work.execute(select(func.count()).select_from(RECIPIENTS)).scalar_one())


def opened(office: Office) -> list[tuple[str, str]]:
    """Address and language of every stored row, proved against the stored root by the sender's own code."""
    with office.desk.store.read() as work:
        head = work.execute(select(RECIPIENT_LISTS)).one()
        rows = work.execute(select(RECIPIENTS).order_by(RECIPIENTS.c.position)).all()
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
    assert (made.count, made.duplicates, made.bad, made.report) == (3, 0, 0, None)


def test_a_language_column_says_who_reads_what(office: Office) -> None:
    """An empty field means the list's own language."""
    imported(office, "Phone_Number,Language\n07700900001,cy\n07700900002,\n", language="en")
    assert opened(office) == [("+447700900001", "cy"), ("+447700900002", "en")]


def test_two_spellings_of_a_number_are_one_recipient(office: Office) -> None:
    """The first stays."""
    made = imported(office, "number\n07700 900001\n+447700900001\n")
    assert (made.count, made.duplicates) == (1, 1)


def test_what_is_left_out_is_reported_by_row_and_reason(office: Office) -> None:
    """Bad rows and repeated numbers, in a file beside the list's own that never holds a number."""
    made = imported(office, "phone,language\n07911123456,\n020 7219 3000,\n07911123457,Welsh!\n07911 123456,cy\n")
    assert (made.count, made.duplicates, made.bad) == (1, 1, 2)
    assert made.reasons == {"this is not a mobile number": 1, "the language is no tag such as en-GB or cy": 1}
    assert made.report == str(office.desk.settings.path("residents.bad-rows.csv"))
    assert Path(made.report).read_text() == (
        "row,reason\n"
        "3,this is not a mobile number\n"
        "4,the language is no tag such as en-GB or cy\n"
        "5,the same number as in an earlier row\n"
    )


def test_a_press_list_is_of_e_mail_addresses(office: Office) -> None:
    """Stored and proved as numbers are; two that differ in capitals only are one recipient."""
    text = "name,email,language\nA,News@Paper.example,cy\nB,news@paper.example,\nC,desk,\n"
    made = imported(office, text, kind=EMAILS)
    assert opened(office) == [("News@paper.example", "cy")]
    assert (made.count, made.duplicates, made.bad) == (1, 1, 1)
    assert Path(made.report or "").read_text() == (
        "row,reason\n"
        "3,the same e-mail address as in an earlier row\n"
        "4,this is no e-mail address (name@domain in unaccented letters)\n"
    )


def test_a_report_that_cannot_be_written_imports_nothing(office: Office) -> None:
    """Somebody would be left out and nobody could say who."""
    with pytest.raises(Unavailable, match="report of bad rows cannot be written"):
        imported(office, "phone\n07911123456\nnobody\n", report=Path("/proc/nowhere/report.csv"))
    assert recipients.listed(office.desk) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
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


def test_a_list_whose_import_broke_off_is_not_submitted(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no key: neither a plan nor another import takes its name, and it can be purged."""

    def broken(*_: Any) -> None:
        raise Unavailable("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(stored, "finish", broken)
        with pytest.raises(Unavailable):
            imported(office, "phone\n07700900001\n")
    office.account("notify")
    for act in (
        lambda: office.plan(Wish(lists={"": ["residents"]})),
        lambda: imported(office, "phone\n07700900001\n"),
    ):
        with pytest.raises(Invalid, match="broken off"):
            act()
    recipients.purge(office.desk, "residents", "ops-1", "broken off")
    assert rows(office) == 0


def test_a_list_that_lost_a_row_is_not_submitted(office: Office) -> None:
    """Somebody would silently not be warned."""
    imported(office, "phone\n07700900001\n07700900002\n")
    office.account("notify")
    with office.desk.store.write() as work:
        work.execute(delete(RECIPIENTS).where(RECIPIENTS.c.position == 1))
    with pytest.raises(Invalid, match="not whole"):
        office.plan(Wish(lists={"": ["residents"]}))


def sending(office: Office) -> str:
    """A released plan to a list of two."""
    imported(office, "phone\n07700900001\n07700900002\n")
    office.account("notify")
    plan = office.approved(wish=Wish(lists={"": ["residents"]}))
    release(office.desk, plan, office.pen("director-1"))
    return plan


def test_a_list_says_when_it_is_purged(office: Office) -> None:
    """Thirty days after its import, unless the deployment says otherwise."""
    imported(office, "phone\n07700900001\n")
    (known,) = recipients.listed(office.desk)
    assert known["purge_at"] == office.clock.now + timedelta(days=30)


def test_a_purged_list_leaves_its_name_root_and_count(office: Office) -> None:
    """Key and rows are gone, the ledger says who and why, and the name is not used again."""
    made = imported(office, "phone\n07700900001\n07700900002\n")
    known = recipients.purge(office.desk, "residents", "ops-1", "asked by the council")
    assert (known["root"], known["count"], known["purged_at"], rows(office)) == (made.root, 2, office.clock.now, 0)
    with office.desk.store.read() as work:
        head = work.execute(select(RECIPIENT_LISTS)).one()
    assert (head.sealed_key, head.block_roots) == ("", None)
    (entry,) = office.ledger("recipients.purged")
    assert (entry.facts["reason"], entry.facts["root"], entry.facts["count"]) == (
        "asked by the council",
        made.root,
        2,
    )
    with pytest.raises(Invalid, match="exists already"):
        imported(office, "phone\n07700900003\n")
    with pytest.raises(Invalid, match="purged already"):
        recipients.purge(office.desk, "residents", "ops-1", "again")


def test_a_purged_list_is_not_submitted(office: Office) -> None:
    """The author hears that it is gone, before anybody is asked to sign."""
    imported(office, "phone\n07700900001\n")
    recipients.purge(office.desk, "residents", "ops-1", "asked by the council")
    office.account("notify")
    with pytest.raises(Invalid, match="was purged"):
        office.plan(Wish(lists={"": ["residents"]}))


def test_a_list_that_a_released_plan_sends_to_is_not_purged(office: Office) -> None:
    """Neither by hand nor when its time is up."""
    sending(office)
    (known,) = recipients.listed(office.desk)
    assert (known["sending"], known["purge_at"]) == (True, None)
    with pytest.raises(Forbidden, match="still sends"):
        recipients.purge(office.desk, "residents", "ops-1", "tidying up")
    office.clock.now += timedelta(days=60)
    assert (purged_now(office), rows(office)) == (0, 2)


def test_a_list_is_purged_when_its_time_is_up_and_its_plans_have_settled(office: Office) -> None:
    """Not before its last plan can no longer be corrected."""
    plan = sending(office)
    with office.desk.store.write() as work:
        stored_plan = records.plan(work, plan).plan
        records.move_plan(work, plan, stored_plan.incident, "released", "settled")
    (known,) = recipients.listed(office.desk)
    assert known["purge_at"] == max(office.clock.now + timedelta(days=30), stored_plan.armed_not_after)
    office.clock.now = known["purge_at"] - timedelta(seconds=1)
    assert purged_now(office) == 0
    office.clock.now = known["purge_at"]
    assert (purged_now(office), rows(office)) == (1, 0)
    (entry,) = office.ledger("recipients.purged")
    assert (entry.facts["reason"], entry.facts["list"]) == ("kept for 30 days", "residents")


def purged_now(office: Office) -> int:
    """What the relay does about lists, until nothing is left to do."""
    with office.desk.store.write() as work:
        count = stored.purge_due(work, Mode.EXERCISE, office.desk.settings.keep_lists)
        while stored.delete_rows(work):
            pass
    return count


def test_rows_of_a_long_list_are_deleted_in_turns(office: Office) -> None:
    """A transaction deletes a bounded number of them, so that others write meanwhile."""
    numbers = "\n".join(f"+447911{number:06}" for number in range(stored.TURN + 1))
    imported(office, f"phone\n{numbers}\n")
    deleted = []
    with office.desk.store.write() as work:
        stored.purge(work, "residents", reason="a test")
        while count := stored.delete_rows(work):
            deleted.append(count)
    assert deleted == [stored.TURN, 1]


PEAK = """
import resource, sys
from pathlib import Path
from dispatcher.bootstrap import open_desk
from dispatcher.domain.statement import Mode
from dispatcher.service import recipients
recipients.import_csv(open_desk(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3]), Mode.EXERCISE, "ops-1")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_kib(office: Office, name: str, count: int) -> int:
    """The most memory that a process of its own takes to import so many rows, every second one bad."""
    path = office.desk.settings.path(f"{name}.csv")
    with path.open("w") as file:
        file.write("phone\n")
        file.writelines(f"079110{number:05}\nnobody {number}\n" for number in range(count // 2))
    words = [sys.executable, "-c", PEAK, str(office.desk.settings.root), name, str(path)]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def test_memory_does_not_grow_with_the_list(office: Office) -> None:
    """Forty times the rows, half of them bad, in at most 16 MB more."""
    small, large = peak_kib(office, "small", 1_000), peak_kib(office, "large", 40_000)
    assert large - small < 16 * 1024

"""Whatever is done to the record is seen, given one head kept elsewhere; and where nothing was done, nothing is."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from dispatcher.domain.canonical import format_time
from dispatcher.domain.merkle import Tree
from dispatcher.ledger.chain import Chain, Entry, Record, beginning, entry_of, leaf_of
from dispatcher.ledger.verifying import MOST_FAULTS, Chains, Head, Verifier
from tests.cast import NOW

WRITERS = ("accounts:w-1", "cli:w-2", "relay:w-3")
KINDS = ("delivery.moved", "statement.approve", "plan.released")
SAVED = "the saved checkpoint"


def a_ledger(length: int = 30, chance: random.Random | None = None) -> list[Record]:
    """Entries of three writers, one after another; some name an incident and some none."""
    chance = chance or random.Random(1)
    chains, records = {writer: Chain(writer) for writer in WRITERS}, []
    for id_ in range(1, length + 1):
        writer, incident = chance.choice(WRITERS), chance.choice([None, "inc-1", "inc-2"])
        facts = {"number": chance.randrange(1000)} | ({"incident": incident} if incident else {})
        at = NOW + timedelta(seconds=id_)
        rows, chains[writer] = chains[writer].extend([Entry(chance.choice(KINDS), at, incident, facts)])
        row = rows[0]
        entry = entry_of(writer, row["sequence"], row["kind"], format_time(at), row["body"])
        place = (id_, writer, row["sequence"], "", row["leaf"], row["kind"], incident)
        records.append(Record(*place, entry, format_time(at)))
    return records


def head_of(records: Sequence[Record], size: int, *, outside: bool = True) -> Head:
    """The head over the first ``size`` entries."""
    leaves = b"".join(bytes.fromhex(record.leaf) for record in records[:size])
    return Head(size, Tree(leaves).root, SAVED if outside else "the database", outside)


def verified(records: Sequence[Record], heads: Sequence[Head], page: int = 7, ids: Sequence[int] = ()) -> Verifier:
    """What verification finds when these are checked in parts that ask the database for what was before."""
    stored = {(record.writer, record.sequence): record.leaf for record in records}
    verifier = Verifier(heads)
    expected = list(ids) or [record.id for record in records]
    for start in range(0, len(expected), page):
        mine = expected[start : start + page]
        chains = Chains(start, (lambda *place: stored.get(place)) if start else None)
        chains.take(
            mine, [record for record in records if record.id in mine] if ids else records[start : start + page]
        )
        verifier.add(chains.part)
    verifier.done()
    return verifier


def chained_again(records: Sequence[Record], writer: str) -> list[Record]:
    """What an intruder does who can compute hashes: the writer's chain made to fit what now stands in it."""
    prev, again = beginning(writer), []
    for record in records:
        if record.writer == writer:
            prev = leaf_of(prev, record.entry)
            again.append(record._replace(leaf=prev))
        else:
            again.append(record)
    return again


# --- what an intruder may do, each by chance ------------------------------------------------------------------------


def edit_entry(records: list[Record], chance: random.Random) -> list[Record]:
    at = chance.randrange(len(records))
    entry = bytearray(records[at].entry)
    entry[chance.randrange(len(entry))] ^= chance.randrange(1, 256)
    return [*records[:at], records[at]._replace(entry=bytes(entry)), *records[at + 1 :]]


def edit_column(records: list[Record], chance: random.Random) -> list[Record]:
    at = chance.randrange(len(records))
    record = records[at]
    change: dict[str, object] = chance.choice(
        [
            {"sequence": record.sequence + chance.choice([-1, 1, 7])},
            {"leaf": chance.randbytes(32).hex()},
            {"prev": chance.randbytes(32).hex()},
            {"incident": chance.choice([one for one in (None, "inc-1", "inc-2", "inc-9") if one != record.incident])},
            {"writer": chance.choice([writer for writer in WRITERS if writer != record.writer])},
        ]
    )
    return [*records[:at], record._replace(**change), *records[at + 1 :]]  # type: ignore[arg-type]


def edit_and_chain_again(records: list[Record], chance: random.Random) -> list[Record]:
    edited = edit_entry(records, chance)
    changed = next(new for old, new in zip(records, edited, strict=True) if old != new)
    return chained_again(edited, changed.writer)


def pose_as_old(records: list[Record], chance: random.Random) -> list[Record]:
    """A row in the form of older versions, whose leaf says nothing of its columns, with another time or kind."""
    at = chance.randrange(len(records))
    writer = records[at].writer
    before = [record.leaf for record in records[:at] if record.writer == writer]
    change = chance.choice([{"kind": "plan.revoked"}, {"recorded_at": format_time(NOW)}])
    old = records[at]._replace(prev=[beginning(writer), *before][-1], **change)
    return [*records[:at], old, *records[at + 1 :]]


def remove(records: list[Record], chance: random.Random) -> list[Record]:
    at = chance.randrange(len(records))
    return [*records[:at], *records[at + 1 :]]


def remove_and_chain_again(records: list[Record], chance: random.Random) -> list[Record]:
    at = chance.randrange(len(records))
    writer = records[at].writer
    number, left = 0, []
    for record in [*records[:at], *records[at + 1 :]]:
        if record.writer == writer:
            number += 1
            facts, rest = record.entry.split(f'"sequence":{record.sequence},'.encode())
            record = record._replace(sequence=number, entry=facts + f'"sequence":{number},'.encode() + rest)  # noqa: PLW2901
        left.append(record)
    return chained_again(left, writer)


def insert(records: list[Record], chance: random.Random) -> list[Record]:
    at = chance.randrange(len(records))
    return [*records[:at], chance.choice(records)._replace(id=1_000), *records[at:]]


def swap(records: list[Record], chance: random.Random) -> list[Record]:
    one, other = chance.sample(range(len(records)), 2)
    swapped = list(records)
    swapped[one], swapped[other] = records[other], records[one]
    return swapped


def cut_off(records: list[Record], chance: random.Random) -> list[Record]:
    return records[: chance.randrange(len(records))]


def roll_back(records: list[Record], chance: random.Random) -> list[Record]:
    """A snapshot was put back, and work went on from there."""
    kept = chance.randrange(len(records))
    return [*records[:kept], *a_ledger(len(records) + 5, random.Random(chance.random()))[kept:]]


TAMPERINGS: tuple[Callable[[list[Record], random.Random], list[Record]], ...] = (
    edit_entry,
    edit_column,
    edit_and_chain_again,
    pose_as_old,
    remove,
    remove_and_chain_again,
    insert,
    swap,
    cut_off,
    roll_back,
)


@pytest.mark.parametrize("seed", range(4))
def test_every_tampering_is_seen(seed: int) -> None:
    """Ten thousand in all, each against one head that was kept elsewhere."""
    chance = random.Random(seed)
    records = a_ledger(24, chance)
    saved = head_of(records, len(records))
    for _ in range(2_500):
        tampering = chance.choice(TAMPERINGS)
        found = verified(tampering(records, chance), [saved])
        assert found.faults, tampering.__name__


def test_nothing_is_seen_where_nothing_was_done() -> None:
    """Whatever the writers, the pages and the heads."""
    chance = random.Random(5)
    for _ in range(300):
        records = a_ledger(chance.randrange(1, 40), chance)
        heads = [
            head_of(records, chance.randrange(1, len(records) + 1), outside=chance.random() < 0.5) for _ in range(3)
        ]
        found = verified(records, heads, page=chance.randrange(1, 40))
        assert found.faults == []
        assert found.size == len(records)
        assert found.anchored == max((head.size for head in heads if head.outside), default=0)


def test_an_edited_entry_is_named() -> None:
    """By its place and its row, and nothing that only follows from it."""
    records = a_ledger()
    records[4] = records[4]._replace(entry=records[4].entry.replace(b"number", b"Number"))
    (fault,) = verified(records, [head_of(a_ledger(), 30)]).faults
    assert (fault.position, fault.id, "was changed" in fault.what) == (4, 5, True)


def test_a_removed_entry_is_named() -> None:
    """Its id was taken in, and it is not there."""
    records = a_ledger()
    found = verified([*records[:9], *records[10:]], [], ids=[record.id for record in records])
    assert (found.faults[0].position, found.faults[0].id, found.faults[0].what) == (9, 10, "the entry is gone")
    assert (found.size, found.gone) == (30, 1)


def test_what_was_cut_off_is_counted() -> None:
    """The saved head knows how many there were."""
    records = a_ledger()
    (fault,) = verified(records[:20], [head_of(records, 30)]).faults
    assert fault.position == 20
    assert fault.what == (
        "the head of the saved checkpoint does not fit, of 30 entries; the last 10 entries are gone: entries were "
        "changed, or are of another past"
    )


def test_several_heads_beyond_the_end_are_one_fault() -> None:
    """With the first and the last of them, and how much is gone at the most."""
    records = a_ledger()
    (fault,) = verified(records[:20], [head_of(records, 25), head_of(records, 30)]).faults
    assert (
        "2 heads of the saved checkpoint do not fit, of 25 to 30 entries; the last 10 entries are gone" in fault.what
    )


def test_a_past_that_was_made_again_is_told_once_with_its_bounds() -> None:
    """All hashes fit, and only the saved heads know better: one fits, the next ones do not."""
    records = a_ledger()
    changed = records[14]._replace(entry=records[14].entry.replace(b'"number":', b'"number":1'))
    again = chained_again([*records[:14], changed, *records[15:]], changed.writer)
    found = verified(again, [head_of(records, 10), head_of(records, 20), head_of(records, 30)])
    (fault,) = found.faults
    assert fault.position == 10
    assert fault.what == (
        "2 heads of the saved checkpoint do not fit, of 20 to 30 entries: entries were changed, or are of another "
        "past"
    )
    assert found.anchored == 10


def test_after_a_past_that_was_lost_a_new_change_is_still_told() -> None:
    """Heads of a past before a restore never fit again: each place where heads are kept has a fault of its own."""
    lost, records = a_ledger(30, random.Random(9)), a_ledger()
    copied = [head_of(lost, size) for size in (20, 25)] + [head_of(records, 30)]
    own = head_of(records, 30, outside=False)
    assert [fault.what[:20] for fault in verified(records, [*copied, own]).faults] == ["2 heads of the saved"]
    changed = records[27]._replace(entry=records[27].entry.replace(b'"number":', b'"number":1'))
    again = chained_again([*records[:27], changed, *records[28:]], changed.writer)
    told = [fault.what for fault in verified(again, [*copied, own]).faults]
    assert [re.split(" do(?:es)? not", what)[0] for what in told] == [
        "3 heads of the saved checkpoint",
        "the head of the database",
    ]


def test_what_only_the_database_vouches_for_is_not_anchored() -> None:
    """Whoever wrote the entries could have written its heads too."""
    records = a_ledger()
    found = verified(records, [head_of(records, 12), head_of(records, 30, outside=False)])
    assert (found.size, found.anchored, found.faults) == (30, 12, [])


def test_an_entry_that_waits_has_to_follow_its_writers_last() -> None:
    """It is in no tree yet, and still in its chain."""
    records = a_ledger()
    chains = Chains(ends=verified(records[:25], []).ends)
    chains.look_at(records[25:])
    assert chains.part.faults == []
    chains.look_at([records[29]])
    assert chains.part.faults[0].position is None


def test_a_row_of_an_older_version_is_held_to_the_leaf_it_names() -> None:
    """It keeps the leaf before it in a column of its own."""
    records = a_ledger(1)
    old = records[0]._replace(prev=beginning(records[0].writer))
    assert verified([old], []).faults == []
    assert verified([old._replace(prev="00" * 32)], []).faults


@pytest.mark.parametrize(
    "change",
    [
        {"entry": None},
        {"leaf": "no hex"},
        {"leaf": "00" * 64},
        {"sequence": None},
        {"writer": 5},
        {"entry": "text"},
        {"kind": 7},
    ],
)
def test_a_row_that_cannot_be_read_is_a_fault_like_any_other(change: dict[str, object]) -> None:
    """SQLite keeps anything in any column."""
    records = a_ledger()
    records[3] = records[3]._replace(**change)  # type: ignore[arg-type]
    found = verified(records, [])
    assert found.faults[0].position == 3
    assert found.size == 30


def test_a_name_that_could_pass_for_more_is_no_name() -> None:
    """A kind or a writer with a quote in it could hide another part of the entry."""
    chain = Chain('cli","writer":"x')
    rows, _ = chain.extend([Entry("plan.released", NOW, None, {})])
    entry = entry_of(chain.writer, 1, "plan.released", format_time(NOW), rows[0]["body"])
    record = Record(1, chain.writer, 1, "", rows[0]["leaf"], "plan.released", None, entry, format_time(NOW))
    assert verified([record], []).faults[0].what == "its kind or its writer is no name"


def test_a_fact_named_like_the_incident_is_no_incident() -> None:
    """What is said deeper down is about something else."""
    chain = Chain("cli:1")
    facts = {"incident": "inc-1", "of": {"incident": "inc-2"}}
    rows, _ = chain.extend([Entry("k", NOW, "inc-1", facts), Entry("k", NOW, "inc-1", facts)])
    entries = [entry_of("cli:1", number, "k", format_time(NOW), row["body"]) for number, row in enumerate(rows, 1)]
    records = [
        Record(number, "cli:1", number, "", row["leaf"], "k", "inc-1", entry, format_time(NOW))
        for number, (row, entry) in enumerate(zip(rows, entries, strict=True), 1)
    ]
    assert verified(records, []).faults == []
    assert verified([records[0]._replace(incident="inc-2"), records[1]], []).faults[0].position == 0


def test_of_a_record_that_was_rewritten_not_every_fault_is_listed() -> None:
    """There would be millions."""
    records = [record._replace(entry=b"{}") for record in a_ledger(MOST_FAULTS + 20)]
    assert len(verified(records, []).faults) == MOST_FAULTS


def test_places_are_counted_through_a_part() -> None:
    """From its own beginning, over all that it is handed; alone, it is the first."""
    records = a_ledger(12)
    records[9] = records[9]._replace(leaf="00" * 32)
    chains = Chains()
    for start in (0, 4, 8):
        chains.take(range(start + 1, start + 5), records[start : start + 4])
    assert chains.part.faults[0].position == 9


def test_a_part_lists_no_more_faults_than_the_whole() -> None:
    """It may be all of a record of millions."""
    chains = Chains()
    chains.look_at([record._replace(entry=b"{}") for record in a_ledger(MOST_FAULTS + 20)])
    assert len(chains.part.faults) == MOST_FAULTS


def test_a_part_that_took_a_chain_to_stand_elsewhere_is_told() -> None:
    """The writer's entry before is in the table, and in no checkpoint: it was taken out of the order."""
    records = a_ledger()
    last = next(record for record in reversed(records[:20]) if record.writer == records[20].writer)
    stored = {(record.writer, record.sequence): record.leaf for record in records}
    left = [record for record in records[:20] if record != last]
    parts = [Chains(), Chains(19, lambda *place: stored.get(place))]
    parts[0].take([record.id for record in left], left)
    parts[1].take([record.id for record in records[20:]], records[20:])
    verifier = Verifier([])
    for chains in parts:
        verifier.add(chains.part)
    assert (19, f"{last.writer} does not go on where it stood") in [(f.position, f.what) for f in verifier.faults]


def test_no_head_that_fits_means_that_it_begins_at_the_first_entry() -> None:
    """Nobody can say where it went wrong."""
    (fault,) = verified(a_ledger(20), [head_of(a_ledger(30, random.Random(9)), 20)]).faults
    assert fault.position == 0
    assert fault.what == (
        "the head of the saved checkpoint does not fit, of 20 entries: entries were changed, or are of another past"
    )


def test_an_entry_about_no_incident_is_not_one_about_none() -> None:
    """However its column and a careless comparison would read."""
    chain = Chain("cli:1")
    now = format_time(NOW)
    rows, _ = chain.extend([Entry("k", NOW, "None", {"incident": "None"})] * 2)
    records = [
        Record(n, "cli:1", n, "", row["leaf"], "k", None, entry_of("cli:1", n, "k", now, row["body"]), now)
        for n, row in enumerate(rows, 1)
    ]
    assert [fault.position for fault in verified(records, [], page=2).faults] == [0, 1]

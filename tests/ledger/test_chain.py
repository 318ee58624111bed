"""A writer's chain: every entry is tied to the one before, and no byte of it can change unseen."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain import canonical
from dispatcher.domain.canonical import format_time
from dispatcher.ledger.chain import Chain, Entry, beginning, entry_of, facts_of, leaf_of
from tests.cast import NOW

ENTRIES = [
    Entry("plan.submitted", NOW, "inc-1", {"plan": "ab", "note": "ŵ"}),
    Entry("delivery.moved", NOW + timedelta(seconds=1), "inc-1", {"to": "sending"}),
    Entry("refused", NOW + timedelta(seconds=2), None, {"clauses": ["G03", "G08"]}),
]


def holds(rows: list[dict[str, Any]], writer: str) -> bool:
    """Check a chain from its first entry, as rule 2 says."""
    prev = hashlib.sha256(writer.encode()).hexdigest()
    for number, row in enumerate(rows, 1):
        entry = {
            "schema": "ledger-entry/v1",
            "writer": writer,
            "sequence": number,
            "kind": row["kind"],
            "recorded_at": format_time(row["recorded_at"]),
            "facts": canonical.decode(row["body"]),
        }
        expected = hashlib.sha256(b"\x00" + bytes.fromhex(prev) + canonical.encode(entry)).hexdigest()
        if (row["writer"], row["sequence"], row["leaf"]) != (writer, number, expected):
            return False
        prev = row["leaf"]
    return True


def chained(*groups: list[Entry]) -> list[dict[str, Any]]:
    """The rows of entries written group by group."""
    chain, rows = Chain("relay-1"), list[dict[str, Any]]()
    for group in groups:
        made, chain = chain.extend(group)
        rows += made
    return rows


def test_a_chain_holds() -> None:
    """What is written can be checked with nothing but a hash function."""
    assert holds(chained(ENTRIES), "relay-1")


@given(st.lists(st.integers(0, 3), max_size=6))
def test_grouping_does_not_change_the_chain(sizes: list[int]) -> None:
    """One transaction or many, the same entries make the same leaves."""
    entries = [ENTRIES[number % 3] for number in range(sum(sizes))]
    rest, groups = list(entries), []
    for size in sizes:
        groups.append(rest[:size])
        rest = rest[size:]
    assert chained(*groups) == chained(entries)


def test_extending_leaves_the_head_before_as_it_was() -> None:
    """A transaction that is rolled back costs no place in the chain."""
    head = Chain("relay-1")
    first, _ = head.extend(ENTRIES)
    again, _ = head.extend(ENTRIES)
    assert first == again


def test_a_chain_goes_on_from_its_stored_head() -> None:
    """After a restart the next entry names the last one."""
    rows = chained(ENTRIES[:2])
    more, _ = Chain("relay-1", rows[-1]["sequence"], rows[-1]["leaf"]).extend(ENTRIES[2:])
    assert rows + more == chained(ENTRIES)


@given(st.integers(0, 2), st.data())
def test_a_changed_byte_breaks_the_chain(index: int, draw: st.DataObject) -> None:
    """Wherever it stands in the facts."""
    rows = chained(ENTRIES)
    row, prev = rows[index], rows[index - 1]["leaf"] if index else beginning("relay-1")
    body = bytearray(row["body"])
    at = draw.draw(st.integers(0, len(body) - 1))
    body[at] ^= draw.draw(st.integers(1, 255))
    entry = entry_of("relay-1", row["sequence"], row["kind"], format_time(row["recorded_at"]), bytes(body))
    assert leaf_of(prev, entry) != row["leaf"]


@pytest.mark.parametrize("damage", ["drop first", "drop middle", "swap", "insert"])
def test_a_missing_moved_or_added_entry_breaks_the_chain(damage: str) -> None:
    """Each names its place and the one before it."""
    first, second, third = chained(ENTRIES)
    damaged = {
        "drop first": [second, third],
        "drop middle": [first, third],
        "swap": [second, first, third],
        "insert": [first, first, second, third],
    }[damage]
    assert not holds(damaged, "relay-1")


def test_two_writers_share_no_leaf() -> None:
    """The same entry by another writer is another entry."""
    ours, _ = Chain("relay-1").extend(ENTRIES[:1])
    theirs, _ = Chain("relay-2").extend(ENTRIES[:1])
    assert ours[0]["leaf"] != theirs[0]["leaf"]


def test_a_row_of_an_older_version_holds_its_whole_entry() -> None:
    """And names the leaf before it; today's rows keep each part once."""
    row = chained(ENTRIES[:1])[0]
    whole = entry_of("relay-1", 1, row["kind"], format_time(row["recorded_at"]), row["body"])
    assert facts_of(beginning("relay-1"), whole) == facts_of("", row["body"]) == ENTRIES[0].facts


def test_a_row_keeps_each_part_of_an_entry_once() -> None:
    """What is in a column is not in the facts as well, but for the incident; the leaf before is in the row before."""
    row = chained(ENTRIES[:1])[0]
    assert list(row) == ["writer", "sequence", "prev", "leaf", "kind", "incident", "recorded_at", "body"]
    assert (row["prev"], row["incident"]) == ("", "inc-1")

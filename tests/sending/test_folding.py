"""What the events of one destination add up to."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from channels.capabilities import Idempotency, IdempotencyKind
from dispatcher.sending.spent import Account, Opened, SpentEvent, SpentFile, absent_twice
from tests.cast import NOW

LATER = NOW + timedelta(minutes=1)
EVENTS = [str(event) for event in SpentEvent]


def folded(*events: SpentEvent) -> Account:
    """Attempts a, b, c … in turn, each event a minute after NOW."""
    account, names = Account(), iter("abc")
    for event in events:
        account.fold(event, next(names) if event is SpentEvent.OPEN else "", LATER, {})
    return account


def test_a_look_is_about_the_last_attempt_and_leaves_the_others() -> None:
    """Nothing is forgotten of those before it, and nothing counted twice."""
    account = folded(SpentEvent.OPEN, SpentEvent.OPEN, SpentEvent.OPEN, SpentEvent.ABSENT)
    assert account.opens == (Opened("a", LATER), Opened("b", LATER), Opened("c", LATER, (LATER,)))


def test_what_was_not_sent_takes_back_one_attempt() -> None:
    """The last; those before it may still be out."""
    account = folded(SpentEvent.OPEN, SpentEvent.OPEN, SpentEvent.OPEN, SpentEvent.UNSENT)
    assert [opened.job for opened in account.opens] == ["a", "b"]


def test_a_code_is_remembered_beside_what_settled_the_destination() -> None:
    """Each stays, whichever came first."""
    account = folded(SpentEvent.OPEN, SpentEvent.HANDED_OVER, SpentEvent.CODE_ISSUED)
    assert (account.settled, account.code_issued) == (SpentEvent.HANDED_OVER, True)


def test_events_are_stored_in_these_words() -> None:
    """A file of years ago reads as it was meant."""
    assert EVENTS == ["open", "unsent", "absent", "found", "accepted", "handed_over", "code_issued"]


def test_lines_are_written_one_batch_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one batch is being flushed nothing else is: the file's order is the order asked for."""
    flushing, go_on, flush, at_once = threading.Event(), threading.Event(), os.writev, []

    def slow(descriptor: int, lines: Sequence[memoryview]) -> int:
        at_once.append(1)
        flushing.set()
        assert go_on.wait(10)
        return flush(descriptor, lines)

    async def main() -> list[int]:
        spent = SpentFile(tmp_path / "spent.jsonl")
        monkeypatch.setattr(os, "writev", slow)
        first = asyncio.create_task(spent.append("k1", SpentEvent.OPEN, "dlv-1 t", NOW))
        assert await asyncio.to_thread(flushing.wait, 10)
        second = asyncio.create_task(spent.append("k2", SpentEvent.OPEN, "dlv-2 t", NOW))
        await asyncio.wait({second}, timeout=0.05)
        meanwhile = list(at_once)
        go_on.set()
        await asyncio.gather(first, second)
        return meanwhile

    assert asyncio.run(main()) == [1]


TWICE = Account((Opened("a", NOW, (NOW + timedelta(minutes=1), NOW + timedelta(minutes=2))),))


@pytest.mark.parametrize("kind", IdempotencyKind)
def test_looks_count_only_where_the_record_can_be_asked(kind: IdempotencyKind) -> None:
    """Two looks a minute apart say nothing on a channel whose record answers nobody."""
    assert absent_twice(TWICE, Idempotency(kind)) is (kind is IdempotencyKind.QUERY)


@pytest.mark.parametrize("kind", IdempotencyKind)
def test_where_nothing_was_tried_nothing_was_found_absent(kind: IdempotencyKind) -> None:
    """There is no attempt that a look could be about."""
    assert not absent_twice(Account(), Idempotency(kind))


@pytest.mark.parametrize("kind", IdempotencyKind)
def test_only_a_channel_that_knows_its_keys_takes_a_repeat(tmp_path: Path, kind: IdempotencyKind) -> None:
    """However long a key is said to live elsewhere, a repeat there is a second post."""

    async def main() -> str | None:
        spent = SpentFile(tmp_path / "spent.jsonl")
        await spent.append("k", SpentEvent.OPEN, "dlv-1 t", NOW)
        return spent.fault("k", "dlv-1 t", Idempotency(kind, ttl_s=600.0), NOW, resend=False, resolved=False)

    assert (asyncio.run(main()) is None) is (kind is IdempotencyKind.IDEMPOTENT)

"""A press counts once, however often its form arrives."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ops.console import once
from ops.console.once import Once


def test_the_same_press_acts_once_though_it_arrives_ten_times_at_the_same_time() -> None:
    """All are told what it came to."""
    presses, acts, gate = Once(), [], threading.Barrier(10)

    def act() -> str:
        acts.append(1)
        return "/halted/stm-1"

    def press() -> str:
        gate.wait(10)
        return presses.do("a", act)

    with ThreadPoolExecutor(10) as pool:
        said = {future.result(10) for future in [pool.submit(press) for _ in range(10)]}
    assert (said, len(acts)) == ({"/halted/stm-1"}, 1)


def test_other_presses_do_not_wait() -> None:
    """One that takes long holds up none but itself."""
    presses, free = Once(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(presses.do, "a", lambda: str(free.wait(10)))
        assert presses.do("b", lambda: "done") == "done"
        free.set()
        assert slow.result(10) == "True"


def test_what_failed_may_be_tried_again() -> None:
    """Under the same name: nothing was done."""
    presses = Once()

    def fail() -> str:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        presses.do("a", fail)
    assert presses.do("a", lambda: "done") == "done"


def test_only_so_many_presses_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is forgotten first."""
    monkeypatch.setattr(once, "MOST", 2)
    presses = Once()
    for name in "abc":
        presses.do(name, lambda name=name: name)
    assert [presses.do(name, lambda: "again") for name in "cba"] == ["c", "b", "again"]

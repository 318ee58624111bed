"""Random bytes that are drawn many at a time: as good as drawn one by one."""

from __future__ import annotations

from dispatcher.domain.ids import drawn_ahead


class Source:
    """Counts up, so that every byte that was drawn is known; and remembers how many were asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self._next = 0

    def __call__(self, count: int) -> bytes:
        self.asked.append(count)
        self._next += count
        return bytes(number % 251 for number in range(self._next - count, self._next))


def test_nothing_is_handed_out_twice() -> None:
    """Every draw goes on where the one before ended, or begins on fresh bytes."""
    draw = drawn_ahead(Source(), 20)
    assert [draw(8), draw(8), draw(8)] == [bytes(range(8)), bytes(range(8, 16)), bytes(range(20, 28))]


def test_many_draws_are_one_question() -> None:
    """The source is asked when nothing is left."""
    source = Source()
    draw = drawn_ahead(source, 32)
    assert (b"".join(draw(8) for _ in range(4)), source.asked) == (bytes(range(32)), [32])


def test_more_than_is_drawn_ahead_can_be_asked_for() -> None:
    """It is drawn for this one."""
    source = Source()
    assert (len(drawn_ahead(source, 4)(100)), source.asked) == (100, [100])

"""The bars of a review: where the minutes went, latency by channel, retries and failures.

Each has the sentence that it states, worked out from what it shows, and the same values as a table. Where there is
nothing to show there is no chart, and the sentence says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dispatcher.domain.message import SPOKEN, TextKind
from dispatcher.service.reviewing.minutes import MACHINE, Path
from dispatcher.service.reviewing.sent import Tally
from dispatcher.service.reviewing.timed import Latency
from ops.drawing import bars, drawn, lettered
from ops.review.document import Figure, Table
from ops.review.words import HOUR_S, MINUTE_MS, counted, milliseconds, spaced, took

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAR_IN, FRAME_IN = 0.34, 0.9
"""The height of a bar, and of what stands around all of them, in inches."""

GONE_WRONG = ("rejected", "in_doubt", "held", "missing", "cancelled", "expired")
"""States in which a delivery did not do what was wanted of it."""

UNITS = ((1000 * HOUR_S, "hours"), (MINUTE_MS, "minutes"), (1000, "seconds"))


def minutes(path: Path, name: str) -> Figure:
    """Who was waited for on the way of one message, person by role and machine, in order of their first turn."""
    waits: dict[str, int] = defaultdict(int)
    for span in path.spans:
        waits["machines" if span.role == MACHINE else f"{span.who} ({span.role.replace('_', ' ')})"] += milliseconds(
            span.end - span.start
        )
    title, rows = (
        _minutes_title(path, waits),
        [(who, took(ms), _share(ms, sum(waits.values()))) for who, ms in waits.items()],
    )
    twin = Table(f"Waited for, on the way of {path.message}", ("Who", "How long", "Share"), tuple(rows))

    def draw(axes: Axes) -> None:
        unit, unit_name = unit_of(max(waits.values()))
        for y, (who, ms) in enumerate(waits.items()):
            axes.bar_label(bars(axes, [y], [ms / unit], who == "machines"), [took(ms)], padding=4)
        _rows(axes, list(waits), f"time waited, in {unit_name}")

    svg = drawn(name, title, aloud(twin), FRAME_IN + BAR_IN * len(waits), draw) if sum(waits.values()) else ""
    return Figure(title, svg, twin)


def _minutes_title(path: Path, waits: dict[str, int]) -> str:
    whole = sum(waits.values())
    if not whole:
        return f"Nothing has been waited for on the way of {path.message} yet"
    end = "its first public post" if path.public_at else "the last act so far, and nothing was public"
    who, most = max(waits.items(), key=lambda wait: wait[1])
    way = f"Of the {took(whole)} from the start of {path.message} to {end}"
    return f"{way}, {took(most)} went by waiting for {who}"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "–"


LEGS = ("queue", "adapter", "platform")


def latency(found: Sequence[Latency], name: str) -> Figure:
    """How the median delivery of each channel spent its time, in our queue, in our adapter and at the platform."""
    rows = [
        (of(one.channel, one.kind), leg, f"{s.count:,}", took(s.median), took(s.p95), took(s.most))
        for one in found
        for leg in LEGS
        if (s := getattr(one, leg)) is not None
    ]
    heads = ("Channel and text", "Where", "Measured", "Median", "95 % within", "Longest")
    twin = Table("Latency by channel", heads, tuple(rows))
    medians = {
        of(one.channel, one.kind): [s.median if (s := getattr(one, leg)) else 0 for leg in LEGS] for one in found
    }
    medians = {row: legs for row, legs in medians.items() if any(legs)}
    title = _latency_title(medians)

    def draw(axes: Axes) -> None:
        unit, unit_name = unit_of(max(map(sum, medians.values())))
        begins = [0.0] * len(medians)
        for look, leg in enumerate(LEGS):
            widths = [legs[look] / unit for legs in medians.values()]
            bars(axes, range(len(medians)), widths, look, left=begins, label=leg)
            begins = [begin + width for begin, width in zip(begins, widths, strict=True)]
        for y, (legs, end) in enumerate(zip(medians.values(), begins, strict=True)):
            axes.annotate(took(sum(legs)), (end, y), (4, 0), textcoords="offset points", va="center")
        _rows(axes, list(medians), f"median time, in {unit_name}")
        _legend(axes, len(LEGS))

    svg = drawn(name, title, aloud(twin), FRAME_IN + 0.3 + BAR_IN * len(medians), draw) if medians else ""
    return Figure(title, svg, twin)


def _latency_title(medians: dict[str, list[int]]) -> str:
    if not medians:
        return "No latency was measured: nothing was sent"
    slowest = max(medians, key=lambda row: sum(medians[row]))
    legs = dict(zip(("in our queue", "in our adapter", "at the platform"), medians[slowest], strict=True))
    leg = max(legs, key=lambda word: legs[word])
    return f"Slowest was {slowest}: {took(sum(legs.values()))} at the median, {took(legs[leg])} of it {leg}"


def retries(tallies: Sequence[Tally], name: str) -> Figure:
    """How many deliveries of each channel took more than one attempt, and how many did not end well."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for tally in tallies:
        row = counts[tally.channel]
        row[0] += tally.total
        row[1] += tally.retried
        row[2] += sum(number for state, number in tally.states.items() if state in GONE_WRONG)
    heads = ("Channel", "Deliveries", "More than one attempt", "Did not end well")
    rows = tuple((spaced(channel), *(f"{number:,}" for number in row)) for channel, row in counts.items())
    twin = Table("Retries and failures by channel", heads, rows)
    total, retried, failed = (sum(row[i] for row in counts.values()) for i in range(3))
    whole = counted(total, "delivery", "deliveries")
    title = f"{retried:,} of {whole} took more than one attempt; {failed:,} did not end well"

    def draw(axes: Axes) -> None:
        for look, word in ((1, heads[2]), (2, heads[3])):
            places = [y + 0.4 * look - 0.6 for y in range(len(counts))]
            widths = [row[look] for row in counts.values()]
            made = bars(axes, places, widths, look, height=0.38, label=word)
            axes.bar_label(made, [f"{width:,}" for width in widths], padding=4)
        _rows(axes, list(map(spaced, counts)), "deliveries")
        axes.locator_params(axis="x", integer=True)
        _legend(axes, 2)

    height = FRAME_IN + 0.3 + 1.4 * BAR_IN * len(counts)
    return Figure(title, drawn(name, title, aloud(twin), height, draw) if retried + failed else "", twin)


def aloud(twin: Table) -> str:
    """What a screen reader says of a chart beyond its title."""
    return f"The table after this chart, {twin.caption}, has the same values."


def of(channel: str, kind: TextKind) -> str:
    """A text of a channel, in words."""
    return f"{spaced(channel)}, {SPOKEN[kind]}"


def unit_of(longest_ms: float) -> tuple[int, str]:
    """What an axis that reaches so far is counted in."""
    return next(((unit, name) for unit, name in UNITS if longest_ms >= 2 * unit), (1, "milliseconds"))


def _rows(axes: Axes, names: Sequence[str], label: str) -> None:
    """Name the bars, first on top, and leave room for the values at their ends."""
    axes.set(xlabel=label, yticks=range(len(names)), yticklabels=map(lettered, names))
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.15 * axes.get_xlim()[1])
    axes.grid(axis="x")


def _legend(axes: Axes, columns: int) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0)

"""The charts along a time axis: the swim-lanes of an incident, and deliveries as they were accepted.

Each has the sentence that it states, worked out from what it shows, and the same values as a table. Where there is
nothing to show there is no chart, and the sentence says so. Times are UTC, and the axis says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dispatcher.areas.drawing import FAINT, LINE
from dispatcher.domain.message import SPOKEN
from dispatcher.service.reviewing.events import Event
from dispatcher.service.reviewing.sent import Tally
from dispatcher.service.reviewing.timed import Progress
from ops.drawing import COLOURS, MARKERS, WIDTH_IN, drawn, lettered
from ops.review.bars import aloud, unit_of
from ops.review.document import Figure, Table
from ops.review.words import counted, millisecond, milliseconds, second, spaced, took

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW_IN, FRAME_IN, MARGIN_IN = 0.22, 0.8, 1.3
LETTER_IN, MARK_IN = 0.078, 0.16
"""How wide a letter of a label is, at most on average, and a mark with the gap after it."""

LETTERS_AT_MOST, MOST_LABELS = 60, 80
"""How many letters stand beside a mark; with more marks than this all words stand in the table alone."""

CURVE, CURVE_IN = 0.85, 0.42
"""How much of its row a curve takes at most, and how high a row is in inches."""

TICKS = (
    (timedelta(minutes=10), "%H:%M:%S"),
    (timedelta(hours=20), "%H:%M"),
    (timedelta(days=5), "%-d %b %H:%M"),
)
"""How a time axis is marked that is shorter than so long."""

STEPS_IN_TABLE = 12


def timeline(events: Sequence[Event], name: str) -> Figure:
    """What happened in which lane, each mark with its words."""
    tracks = tuple(dict.fromkeys(event.track for event in events))
    rows = tuple((millisecond(e.at), spaced(e.track), spaced(e.kind), e.label) for e in events)
    twin = Table("The incident in marks", ("Time (UTC)", "Lane", "Mark", "What happened"), rows)
    title = _timeline_title(events)
    if not events:
        return Figure(title, "", twin)
    placed, heights = _placed(events, tracks)

    def draw(axes: Axes) -> None:
        top, ticks = 0, []
        for look, track in enumerate(tracks):
            ticks.append(top + (heights[track] - 1) / 2)
            axes.axhline(top - 0.6, color=LINE, linewidth=0.8)
            for event, row, on_left in placed[track]:
                at, y = _dates().date2num(event.at), top + row
                axes.plot(at, y, MARKERS[look % 6], color=COLOURS[look % 6], markersize=6, zorder=3)
                axes.annotate(
                    lettered(event.label, LETTERS_AT_MOST) if len(events) <= MOST_LABELS else "",
                    (at, y),
                    (-6 if on_left else 6, 0),
                    textcoords="offset points",
                    ha="right" if on_left else "left",
                    va="center",
                    size=9,
                )
            top += heights[track]
        axes.set(yticks=ticks, yticklabels=[lettered(spaced(track)) for track in tracks], ylim=(top - 0.4, -0.6))
        axes.tick_params(axis="y", length=0)
        _time_axis(axes, *_span([event.at for event in events]))

    return Figure(title, drawn(name, title, aloud(twin), FRAME_IN + ROW_IN * sum(heights.values()), draw), twin)


def _timeline_title(events: Sequence[Event]) -> str:
    if not events:
        return "Nothing has happened yet"
    first, last = events[0], events[-1]
    public = next((event.at for event in events if event.track == "public"), None)
    if public is None:
        return f"Nothing was public in {took(milliseconds(last.at - first.at))} from the first mark to the last"
    return f"{took(milliseconds(public - first.at))} from the first mark to the first public post; last: {last.label}"


Placed = Mapping[str, Sequence[tuple[Event, int, bool]]]


def _placed(events: Sequence[Event], tracks: Sequence[str]) -> tuple[Placed, Mapping[str, int]]:
    """Each lane's marks with a row in which their words run into no others, and whether they stand to the left."""
    start, end = _span([event.at for event in events])
    width = WIDTH_IN - MARGIN_IN
    placed: dict[str, list[tuple[Event, int, bool]]] = {track: [] for track in tracks}
    taken: dict[str, list[list[tuple[float, float]]]] = {track: [[]] for track in tracks}
    for event in events:
        x = width * ((event.at - start) / (end - start))
        words = MARK_IN + LETTER_IN * len(lettered(event.label, LETTERS_AT_MOST)) if len(events) <= MOST_LABELS else 0
        on_left = x + words > width and x > width / 2
        needs = (x - words, x + MARK_IN) if on_left else (x - MARK_IN, x + words)
        rows = taken[event.track]
        row = next((n for n, row in enumerate(rows) if all(needs[1] < a or b < needs[0] for a, b in row)), len(rows))
        row = row if words else 0
        rows.extend([[]] * (row == len(rows)))
        rows[row] = [*rows[row], needs]
        placed[event.track].append((event, row, on_left))
    return placed, {track: len(rows) for track, rows in taken.items()}


def accepted(progress: Progress, tallies: Sequence[Tally], name: str) -> Figure:
    """What share of each channel's deliveries of one kind of text had been accepted, as time went by."""
    made: dict[str, int] = defaultdict(int)
    for tally in tallies:
        if (tally.plan, tally.kind) == (progress.plan, progress.kind):
            made[tally.channel] += tally.total
    known = {curve.channel: curve.counts for curve in progress.curves}
    curves = {channel: known.get(channel, (0,) * len(progress.ends)) for channel in made} if progress.ends else {}
    title, twin = _accepted_title(progress, made), _accepted_table(progress, curves)
    if not curves:
        return Figure(title, "", twin)

    def draw(axes: Axes) -> None:
        unit, unit_name = unit_of(milliseconds(progress.ends[-1] - progress.start))
        moments = [0.0, *(max(1, milliseconds(end - progress.start)) / unit for end in progress.ends)]
        floors = range(len(curves) - 1, -1, -1)
        for floor, (channel, counts) in zip(floors, curves.items(), strict=True):
            rises = [n for n, count in enumerate(counts) if n == 0 or count != counts[n - 1]]
            heights = [floor, *(floor + CURVE * counts[n] / made[channel] for n in rises)]
            edges = [0.0, *(moments[n + 1] for n in rises), 1.001 * moments[-1]]
            axes.stairs(
                heights, edges, baseline=floor, fill=True, facecolor=FAINT, edgecolor=COLOURS[0], linewidth=1.2
            )
            axes.axhline(floor, color=LINE, linewidth=0.8)
            last = progress.ends[counts.index(counts[-1])] - progress.start
            said = f"{counts[-1]:,} of {made[channel]:,}{f', in {took(milliseconds(last))}' if counts[-1] else ''}"
            axes.annotate(said, (moments[-1], floor + CURVE / 2), (4, 0), textcoords="offset points", va="center")
        axes.set(
            xlim=(0, moments[-1]),
            ylim=(-0.1, len(curves)),
            yticks=[floor + CURVE / 2 for floor in floors],
            yticklabels=[lettered(spaced(channel)) for channel in curves],
            xlabel=f"{unit_name} from {second(progress.start)} UTC (+00:00); full height: all deliveries",
        )
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")

    return Figure(title, drawn(name, title, aloud(twin), FRAME_IN + CURVE_IN * len(curves), draw), twin)


def _accepted_title(progress: Progress, made: Mapping[str, int]) -> str:
    whole = counted(sum(made.values()), f"{SPOKEN[progress.kind]} delivery", f"{SPOKEN[progress.kind]} deliveries")
    totals = [sum(counts) for counts in zip(*(curve.counts for curve in progress.curves), strict=True)]
    if not totals or not totals[-1]:
        return f"None of {whole} was accepted"
    half, last = (
        next(end for end, total in zip(progress.ends, totals, strict=True) if total >= share * totals[-1])
        for share in (0.5, 1)
    )
    after = [took(milliseconds(end - progress.start)) for end in (half, last)]
    return f"{totals[-1]:,} of {whole} were accepted, half of these within {after[0]} and the last within {after[1]}"


def _accepted_table(progress: Progress, curves: Mapping[str, Sequence[int]]) -> Table:
    """The steps in which something was accepted, thinned out evenly; the last is always there."""
    counts = list(zip(*curves.values(), strict=True))
    steps = [n for n, row in enumerate(counts) if n == 0 or row != counts[n - 1]]
    every = -(-len(steps) // STEPS_IN_TABLE) or 1
    rows = tuple(
        (took(milliseconds(progress.ends[n] - progress.start)), *(f"{count:,}" for count in counts[n]))
        for n in sorted({*steps[::every], *steps[-1:]})
    )
    caption = f"Accepted so far, by channel, from {millisecond(progress.start)} UTC"
    return Table(caption, ("After", *map(spaced, curves)), rows)


def _span(moments: Sequence[datetime]) -> tuple[datetime, datetime]:
    """From the first to the last, and never nothing."""
    return min(moments), max(*moments, min(moments) + timedelta(seconds=1))


def _dates() -> Any:
    """matplotlib's dates, of which it has no types."""
    from matplotlib import dates

    return dates


def _time_axis(axes: Axes, start: datetime, end: datetime) -> None:
    dates, margin = _dates(), (end - start) / 50
    axes.set_xlim(dates.date2num(start - margin), dates.date2num(end + margin))
    locator = dates.AutoDateLocator(tz=UTC)
    axes.xaxis.set_major_locator(locator)
    shown = next((shown for longest, shown in TICKS if end - start < longest), "%-d %b")
    axes.xaxis.set_major_formatter(dates.DateFormatter(shown, tz=UTC))
    first, last = f"{start:%-d %B %Y}", f"{end:%-d %B %Y}"
    axes.set_xlabel(f"time, UTC (+00:00), {first if first == last else f'{first} to {last}'}")
    axes.grid(axis="x")

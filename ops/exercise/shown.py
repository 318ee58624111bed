"""A scorecard as people read it, and as programs do: one document, from which the text is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from dispatcher.domain.canonical import format_time
from dispatcher.service.exercising import Outcome, Run
from ops.exercise.compare import compared, events
from ops.review.words import counted, spaced, took

WIDTH = 100
OUTCOMES: Mapping[Outcome, str] = {
    Outcome.PASSED: "PASSED: nothing lost, nothing doubled, everything ended where it may",
    Outcome.GAPS: "GAPS: not everything ended as it should",
    Outcome.BROKEN_OFF: "BROKEN OFF",
}


def document(run: Run, known: Sequence[Run]) -> dict[str, Any]:
    """The scorecard of a run beside the runs of its scenario before it, among those ``known``, newest first."""
    before = [one for one in known if one.scenario == run.scenario and one.ended_at < run.ended_at]
    before = [one for one in before if one.outcome is not Outcome.BROKEN_OFF]
    times = run.card["times"]
    beside = [{**asdict(event), "ours_ms": ours} for event, ours in events(times)]
    about = {"run": run.run, "scenario": run.scenario, "outcome": str(run.outcome)}
    return {
        **about,
        "ended_at": format_time(run.ended_at),
        **run.card,
        "compared": [asdict(one) for one in compared(times, before)],
        "events": beside,
        "runs_before": len(before),
    }


def told(card: Mapping[str, Any]) -> str:
    """The same for a person."""
    return "\n".join(_lines(card))


def _lines(card: Mapping[str, Any]) -> Iterator[str]:
    yield f"Exercise {card['scenario']} ({card['run']}), {card['began_at'][:16].replace('T', ' ')} UTC"
    yield OUTCOMES[Outcome(card["outcome"])] + (f": {card['why']}" if card["why"] else "")
    yield ""
    yield from _times(card["compared"], card["runs_before"])
    yield ""
    yield from _spent(card)
    yield ""
    yield from _delivered(card)
    if card["faults"]:
        yield "\nWhat went wrong, and how it was met"
        for fault in card["faults"]:
            times = f" ({fault['count']} times)" if fault["count"] > 1 else ""
            yield from wrap(
                f"{fault['what']}{times}: {fault['how']}", WIDTH, initial_indent="  ", subsequent_indent="    "
            )
    if card["events"]:
        yield "\nBeside real events"
        for event in card["events"]:
            yield f"  {event['name']}: {took(1_000 * event['seconds'])}; here {took(event['ours_ms'])}"


def _times(rows: Sequence[Mapping[str, Any]], before: int) -> Iterator[str]:
    known = [row for row in rows if row["ms"] is not None]
    heads = ["", "now", *(["last", "best", ""] if before else [])]
    cells = [[row["what"], *_row(row, before)] for row in known]
    widths = [max(len(line[column]) for line in [heads, *cells]) for column in range(len(heads))]
    for line in [heads, *cells]:
        first, *rest = line
        aligned = [cell.rjust(width) for cell, width in zip(rest[:3], widths[1:4], strict=False)]
        yield "  ".join([first.ljust(widths[0]), *aligned, *rest[3:]]).rstrip()


def _row(row: Mapping[str, Any], before: int) -> list[str]:
    earlier = [took(row["last_ms"]), took(row["best_ms"]), row["words"]] if before else []
    return [took(row["ms"]), *earlier]


def _spent(card: Mapping[str, Any]) -> Iterator[str]:
    shares = [("people", card["people_ms"]), ("the script in their place", card["script_ms"])]
    waited = ", ".join(f"{took(ms)} for {who}" for who, ms in shares if ms) or "no time for anybody"
    yield f"Waited {waited}; the rest, {took(card['machine_ms'])}, was the machines'."
    for wait in card["waits"]:
        by = "" if wait["played_by"] == "people" else ", played by the script"
        yield f"  {wait['who']}: {took(wait['ms'])} for {counted(wait['count'], 'act')}{by}"


def _delivered(card: Mapping[str, Any]) -> Iterator[str]:
    states = ", ".join(f"{count} {spaced(state)}" for state, count in sorted(card["by_state"].items()))
    whole = counted(card["deliveries"], "delivery", "deliveries")
    yield f"{whole} ({states or 'none'}) in {counted(card['attempts'], 'attempt')}."
    yield f"By the far sides' own count: {card['lost']} lost, {card['doubled']} doubled."

"""The sections about machines: what was sent and answered, what the public saw, the way back, the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from dispatcher.domain.ids import short
from dispatcher.domain.message import SPOKEN
from dispatcher.service.reviewing.minutes import Path
from dispatcher.service.reviewing.review import Review
from dispatcher.service.reviewing.sent import Delivered
from dispatcher.store.history import Tried
from ops.review import bars, times
from ops.review.document import Block, Exact, Notice, Paragraph, Section, Table
from ops.review.words import NONE, counted, listed, millisecond, milliseconds, second, spaced, told, took

ROWS_AT_MOST = 1_000
"""So many rows in each table keep the page of the largest incident under 5 MB; what went wrong comes first."""

FINE = ("accepted", "visible")
T = TypeVar("T")


def sent(found: Review) -> Section:
    """Every attempt and its answer; recipients counted, posts in full."""
    charts = [times.accepted(one, found.tallies, f"accepted-{n}") for n, one in enumerate(found.progress, 1)]
    charts += [bars.latency(found.latency, "latency"), bars.retries(found.tallies, "retries")]
    return Section("Sending", (*charts, *_tallies(found), *_answers(found), *_troubles(found), *_attempts(found)))


def _tallies(found: Review) -> Sequence[Block]:
    shown, left = _first(found.tallies, lambda t: all(state in FINE for state in t.states))
    table = Table.of(
        "Deliveries by account",
        shown,
        {
            "Account": lambda t: f"{t.account} on {spaced(t.channel)}",
            "Text": lambda t: SPOKEN[t.kind],
            "Deliveries": lambda t: f"{t.total:,}",
            "By state": lambda t: listed(f"{number:,} {spaced(state)}" for state, number in t.states.items()),
            "Attempts": lambda t: f"{t.attempts:,}",
            "Retried": lambda t: f"{t.retried:,}",
            "First attempt (UTC)": lambda t: millisecond(t.first_intent_at),
            "Last accepted (UTC)": lambda t: millisecond(t.last_accepted_at),
        },
    )
    return [table, *left]


def _answers(found: Review) -> Sequence[Block]:
    shown, left = _first(found.answers, lambda a: a.verdict == "accepted")
    table = Table.of(
        "Answers of the platforms, alike ones together",
        shown,
        {
            "Account": lambda a: a.account,
            "Text": lambda a: SPOKEN[a.kind],
            "Answer": lambda a: _answer(a.verdict, a.code),
            "What one was told": lambda a: a.reason or NONE,
            "How many": lambda a: f"{a.count:,}",
            "First (UTC)": lambda a: millisecond(a.first),
            "Last (UTC)": lambda a: millisecond(a.last),
        },
    )
    return [table, *left]


def _troubles(found: Review) -> Sequence[Block]:
    table = Table.of(
        "Deliveries to recipients that did not end well, or wait",
        found.troubles,
        {
            "Account": lambda t: t.account,
            "Text": lambda t: SPOKEN[t.kind],
            "State": lambda t: spaced(t.state),
            "How many": lambda t: f"{t.count:,}",
            "What became of them": lambda t: t.sentence,
            "One of them": lambda t: t.example,
        },
    )
    if found.troubled == sum(trouble.count for trouble in found.troubles):
        return [table]
    return [table, Notice(f"There are {found.troubled:,} in all; those listed are the largest groups.")]


def _attempts(found: Review) -> Sequence[Block]:
    shown, left = _first(found.deliveries, _fine)
    table = Table.of(
        "Attempts at posts",
        [(delivered, tried) for delivered in shown for tried in delivered.attempts],
        {
            "Account": lambda one: one[0].account,
            "Text": lambda one: SPOKEN[one[0].kind],
            "Attempt": lambda one: str(one[1].number),
            "Began (UTC)": lambda one: millisecond(one[1].intended_at),
            "Took": lambda one: _took(one[1]),
            "At the platform": lambda one: took(one[1].provider_ms),
            "Answer": lambda one: _answer(one[1].verdict, one[1].code, one[1].status),
            "What it was told": lambda one: one[1].reason or NONE,
        },
    )
    return [table, *left]


def _first(things: Sequence[T], fine: Callable[[T], bool]) -> tuple[Sequence[T], Sequence[Notice]]:
    """As many as a table shows, where there are too many what went wrong first; and what is said of the rest."""
    if len(things) <= ROWS_AT_MOST:
        return things, ()
    left = f"{len(things) - ROWS_AT_MOST:,} more stand in the review's JSON and in the evidence pack."
    return sorted(things, key=fine)[:ROWS_AT_MOST], (Notice(left),)


def _fine(post: Delivered) -> bool:
    return post.state in FINE and post.seen not in ("altered", "missing")


def _took(tried: Tried) -> str:
    return took(milliseconds(tried.ended_at - tried.intended_at)) if tried.ended_at else NONE


def _answer(verdict: str | None, code: str, status: int | None = None) -> str:
    about = ", ".join(word for word in (spaced(code), f"status {status}" if status is not None else "") if word)
    said = spaced(verdict or "nobody knows")
    return f"{said} ({about})" if about else said


def public(found: Review) -> Section:
    """What the public saw, where and since when."""
    shown, left = _first(found.deliveries, _fine)
    first = Table.of(
        "First public, by channel",
        found.first_public,
        {
            "Channel": lambda f: spaced(f.channel),
            "Text": lambda f: SPOKEN[f.kind],
            "Accepted (UTC)": lambda f: millisecond(f.at),
            "Account": lambda f: f.account,
            "Seen as": lambda f: f.public or "nobody looks there",
            "Link": lambda f: f.url or NONE,
        },
    )
    posts = Table.of(
        "Posts",
        shown,
        {
            "Account": lambda d: d.account,
            "Text": lambda d: SPOKEN[d.kind],
            "Accepted (UTC)": lambda d: second(d.accepted_at),
            "What became of it": lambda d: d.sentence,
            "Seen as": lambda d: d.public or "nobody looks there",
            "Last look (UTC)": lambda d: second(d.looked_at),
            "Link or reference": lambda d: d.url or d.reference or NONE,
        },
    )
    altered = [
        Exact(f"{d.account} shows this instead of the {SPOKEN[d.kind]}, since {second(d.since)} UTC", d.shown, "und")
        for d in shown
        if d.shown is not None
    ]
    return Section("What the public saw", (first, posts, *left, *altered))


def ways_back(found: Review) -> Section:
    """Corrections, withdrawals and all-clears, and how long they took."""
    table = Table.of(
        "Corrections, withdrawals and all-clears",
        found.ways_back,
        {
            "Ordered (UTC)": lambda w: second(w.ordered_at),
            "What": lambda w: SPOKEN[w.kind],
            "Plan": lambda w: short(w.plan),
            "By": lambda w: w.ordered_by,
            "Why": lambda w: w.reason or NONE,
            "Message had stood": lambda w: took(w.stood_ms),
            "Took effect": lambda w: f"{w.accepted:,} of {w.made:,}",
            "Tasks done": lambda w: f"{w.done:,} of {w.tasks:,}",
            "First effect after": lambda w: took(w.first_ms),
            "Last effect after": lambda w: took(w.last_ms),
        },
    )
    return Section("Corrections, and how long they took", (table,))


def minutes(found: Review) -> Section:
    """Where the minutes went, of each message; and each wait."""
    blocks = [
        block for n, path in enumerate(found.paths, 1) for block in (bars.minutes(path, f"minutes-{n}"), _waits(path))
    ]
    return Section("Where the minutes went", tuple(blocks) or (Paragraph("No message was written."),))


def _waits(path: Path) -> Table:
    return Table.of(
        f"Each wait on the way of {path.message}",
        path.spans,
        {
            "From (UTC)": lambda s: millisecond(s.start),
            "How long": lambda s: took(milliseconds(s.end - s.start)),
            "Who": lambda s: s.who or "machines",
            "Role": lambda s: spaced(s.role),
            "For what": lambda s: s.what,
        },
    )


def readers(found: Review) -> Section:
    """Who read or exported this record."""
    table = Table.of(
        "Readings",
        found.readings,
        {
            "Who": lambda r: r.person or NONE,
            "What": lambda r: spaced(r.kind),
            "How often": lambda r: f"{r.count:,}",
            "First (UTC)": lambda r: second(r.first),
            "Last (UTC)": lambda r: second(r.last),
        },
    )
    return Section("Who read or exported the record", (table,))


def record(found: Review) -> Section:
    """The ledger's entries, and how anybody can check them."""
    line = found.timeline
    how = (
        "To check the record: dispatcher ledger verify. Held against the ledger are signed statements, messages, "
        "plans, renderings, the incident's title and severity, each post's channel and account, and how many "
        "attempts and states there are. Times of attempts and acceptance, verdicts, reasons, references, addresses "
        "of posts, what was seen of them and what platforms show are not. For a pack that proves itself on another "
        f"machine: dispatcher evidence export {found.incident.id}."
    )
    whole = counted(line.total, "entry", "entries")
    some = (
        f"The {len(line.entries):,} most telling of {whole}."
        if line.total > len(line.entries)
        else f"{whole} in all."
    )
    entries = Table.of(
        "Ledger entries in order",
        line.entries,
        {
            "Recorded (UTC)": lambda e: millisecond(e.at),
            "Kind": lambda e: e.kind,
            "Facts": lambda e: told(e.facts),
            "Leaf": lambda e: short(e.leaf),
        },
    )
    kinds = Table("Ledger entries by kind", ("Kind", "How many"), tuple((k, f"{n:,}") for k, n in line.kinds.items()))
    return Section("The record, and how to verify it", (Paragraph(how), Paragraph(some), kinds, entries))

"""Two drafts of a report, made from the record: one for operations, and one page for ministers.

Rules
  1. Both are drafts and say so. They hold facts of the record and nothing else: no judgement, no forecast.
  2. The ministers' page fits one sheet of A4. What has no room there is counted and said to be in the other; no text
     of the public is cut: it stands whole, or the page says where it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from dispatcher.domain.ids import short
from dispatcher.domain.incident import METHANE
from dispatcher.domain.lifecycle import UNSETTLED
from dispatcher.domain.message import SPOKEN, TextKind
from dispatcher.domain.money import pounds
from dispatcher.service.reviewing.review import Review
from dispatcher.service.reviewing.sent import Tally
from ops.review.document import Block, Document, Exact, Items, Paragraph, Section, Table
from ops.review.summary import OPEN_ENDS, marks, out, problems, summary, total
from ops.review.words import counted, listed, milliseconds, second, spaced, told, took, who

LINES, LINES_OF_WORDS, LETTERS = 4, 12, 95
"""Lines that one page has room for under a heading, and of words to the public; and the letters of a line."""


def operational(found: Review) -> Document:
    """For operations: situation, what was sent, how it goes, problems, what is next, obligations."""
    parts = _parts(found)
    sent = Table.of(
        "By channel and text",
        parts,
        {
            "Channel": lambda p: spaced(p[0].channel),
            "Text": lambda p: SPOKEN[p[0].kind],
            "Accounts": lambda p: f"{len(p):,}",
            "Deliveries": lambda p: f"{sum(tally.total for tally in p):,}",
            "By state": lambda p: listed(f"{number:,} {spaced(state)}" for state, number in total(p).items()),
        },
    )
    return Document(
        title=f"Operational report: {found.incident.title}",
        marks=(*marks(found), "DRAFT for operations, from the record"),
        opening=(Paragraph(_head(found)),),
        sections=(
            Section(
                "Situation", (Paragraph(summary(found)), _items(tuple(_situation(found)), "No more is on record."))
            ),
            Section("What was sent", (sent,)),
            Section("How it is going", (_items(tuple(map(_going, parts)), "Nothing was to be sent."),)),
            Section("Problems", (_items(problems(found), "The record shows none."),)),
            Section("What is next", (_items(tuple(_next(found)), "Nothing is open."),)),
            Section("Obligations", (_items(tuple(_obligations(found)), "None is open."),)),
        ),
    )


def ministers(found: Review) -> Document:
    """For ministers, on one page: what happened, what the public was told, reach, decisions, spend, risks, next."""
    return Document(
        title=f"Report to ministers: {found.incident.title}",
        marks=(*marks(found), "DRAFT for ministers, from the record"),
        opening=(Paragraph(_head(found)),),
        sections=(
            Section("What happened", (Paragraph(summary(found)),)),
            Section("What the public was told", tuple(_public_words(found))),
            Section("Whom it reached", (Paragraph(_reach(found)),)),
            Section("Who decided", (_items(_few(_decisions(found)), "Nothing was released."),)),
            Section("Spend", (Paragraph(_spend(found)),)),
            Section("Risks", (_items(_few(problems(found)), "The record shows none."),)),
            Section("What is next", (_items(_few(_next(found)), "Nothing is open."),)),
        ),
    )


def _head(found: Review) -> str:
    return f"Incident {found.incident.id}, as recorded at {second(found.read_at)} UTC. All times are UTC (+00:00)."


def _items(sentences: tuple[str, ...], none: str) -> Block:
    return Items(sentences) if sentences else Paragraph(none)


def _few(sentences: Iterable[str]) -> tuple[str, ...]:
    """As many as a page has room for, and how many more there are."""
    shown, more, left = list[str](), 0, LINES
    for sentence in sentences:
        left -= _lines(sentence)
        if left >= 0:
            shown.append(sentence)
        else:
            more += 1
    return (*shown, *([f"{more} more in the operational report and the review."] if more else []))


def _lines(text: str) -> int:
    return sum(1 + len(line) // LETTERS for line in text.split("\n"))


def _situation(found: Review) -> Iterator[str]:
    """The area, the items of METHANE and the evidence: the newest of each."""
    newest: dict[str, str] = {}
    for known in found.known:
        facts = {known.item.name: known.item.value} if known.item else known.facts
        for name in facts.keys() & {"area", *METHANE, *([known.item.name] if known.item else [])}:
            newest[name] = (
                f"{spaced(name).capitalize()}: {told(facts[name])} (recorded {second(known.recorded_at)} UTC)."
            )
    yield from (newest[name] for name in sorted(newest))


def _parts(found: Review) -> list[list[Tally]]:
    """The tallies of each channel and text."""
    parts: dict[tuple[str, str], list[Tally]] = {}
    for tally in found.tallies:
        parts.setdefault((tally.channel, tally.kind), []).append(tally)
    return list(parts.values())


def _going(part: list[Tally]) -> str:
    states = total(part)
    whole, waiting = sum(states.values()), sum(number for state, number in states.items() if state in UNSETTLED)
    began = min((tally.first_intent_at for tally in part if tally.first_intent_at), default=None)
    ended = max((tally.last_accepted_at for tally in part if tally.last_accepted_at), default=None)
    within = f" in {took(milliseconds(ended - began))}" if began and ended else ""
    left = f"{waiting:,} not settled yet" if waiting else "nothing is under way"
    name = spaced(part[0].channel).capitalize()
    return f"{name}, {SPOKEN[part[0].kind]}: {out(states):,} of {whole:,} accepted{within}; {left}."


def _next(found: Review) -> Iterator[str]:
    for plan in found.plans:
        name = f"Plan {short(plan.digest)}"
        if plan.state == "submitted":
            waits = listed(f"{spaced(channel)} {spaced(state)}" for channel, state in plan.clearances.items())
            yield f"{name} waits for signatures: {waits}."
        if _open(found, plan.stored.plan.valid_until) and plan.released_at:
            yield f"{name}: its message is valid until {second(plan.stored.plan.valid_until)} UTC."
    counts = total(found.tallies)
    for state in ("in_doubt", "held", "handed_over"):
        if counts.get(state):
            yield f"{OPEN_ENDS[state].capitalize()}: {counted(counts[state], 'delivery', 'deliveries')}."
    for way in found.ways_back:
        if way.done < way.tasks:
            yield f"Tasks of the {SPOKEN[way.kind]} that operators have not done: {way.tasks - way.done:,}."
    if found.incident.state == "active":
        yield "The incident has not been stood down."


def _obligations(found: Review) -> Iterator[str]:
    for plan in found.plans:
        if plan.glass and plan.glass.reviewed_at is None:
            yield f"The breaking of the glass is to be reviewed by {second(plan.glass.review_due_at)} UTC."
        for spend in plan.spends:
            if spend.billed is None and spend.state == "committed":
                yield f"The bill for {spaced(spend.channel)} (case {spend.case}) is to be recorded."
        ends = [(one.until, one.code) for one in plan.mitigations if one.until and _open(found, one.until)]
        if ends:
            first = min(ends)[0]
            codes = listed(code for until, code in ends if until == first)
            yield f"Attestations for plan {short(plan.digest)} end at {second(first)} UTC, first those of {codes}."
    for halt in found.halts:
        if halt.ended_at is None:
            yield f"The halt of {halt.scope} {halt.target} is to be ended, or its reason kept."


def _open(found: Review, until: datetime) -> bool:
    return found.read_at < until


def _public_words(found: Review) -> Iterator[Block]:
    """The message that went out first: whole, or its headlines, whichever a page has room for."""
    first = min((plan for plan in found.plans if plan.public_at), key=lambda plan: str(plan.public_at), default=None)
    if first is None:
        yield Paragraph("Nothing has been public.")
        return
    texts = [
        text
        for written in found.revisions
        if written.digest == first.stored.plan.revision
        for text in written.texts.get(TextKind.PUBLISH, ())
    ]
    if not texts:  # plans of older versions name a revision that was never stored
        yield Paragraph(
            "The revision that the plan names is not stored; an evidence pack holds what was rendered of it."
        )
    whole = {t.language: "\n".join(filter(None, (t.headline, t.body, t.instruction))) for t in texts}
    shown = next(filter(_fits, (whole, {text.language: text.headline for text in texts})), {})
    for language, words in shown.items():
        yield Exact(language, words, language)
    if shown != whole:
        yield Paragraph(f"It was said in {counted(len(texts), 'language')}; the review has every word.")
    if found.ways_back:
        yield Paragraph(f"Ordered since: {listed(SPOKEN[way.kind] for way in found.ways_back)}.")


def _fits(words: Mapping[str, str]) -> bool:
    return sum(2 + _lines(text) for text in words.values()) <= LINES_OF_WORDS


def _reach(found: Review) -> str:
    messages = [tally for tally in found.tallies if tally.kind is TextKind.PUBLISH]
    posts = sum(out(tally.states) for tally in messages if not tally.listed)
    people = sum(out(tally.states) for tally in messages if tally.listed)
    seen = sum(one.seen == "visible" and one.kind is TextKind.PUBLISH for one in found.deliveries)
    channels = listed(spaced(tally.channel) for tally in messages if out(tally.states))
    return (
        f"Accepted: {counted(posts, 'post')}, of which {seen:,} were seen to be up, and "
        f"{counted(people, 'message')} to recipients of lists. Channels: {channels}."
    )


def _decisions(found: Review) -> Iterator[str]:
    for plan in found.plans:
        for one in plan.decisions:
            yield (
                f"The minister {one.decision} {listed(map(spaced, one.channels))} at {second(one.at)} UTC, "
                f"recorded by {who(one.person, one.role)}."
            )
        if plan.released_at:
            approved = [s.said for s in plan.signatures if s.said and s.said.kind == "approve" and s.held]
            people = listed(who(said.person, said.role) for said in approved)
            yield f"Approved by {people}; released by {plan.released_by} at {second(plan.released_at)} UTC."
        if plan.glass:
            yield f"The glass was broken by {listed(plan.glass.people)} at {second(plan.glass.at)} UTC."


def _spend(found: Review) -> str:
    spends = [spend for plan in found.plans for spend in plan.spends]
    if not spends:
        return "Nothing was bought."
    billed = sum(spend.billed for spend in spends if spend.billed is not None)
    return f"Signed for: {pounds(sum(spend.pence for spend in spends))}. Billed so far: {pounds(billed)}."

"""The sections about people: what was known, who decided what and why, the exact words, the rules, the money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from dispatcher.domain.ids import short
from dispatcher.domain.incident import METHANE
from dispatcher.domain.message import SPOKEN, TextKind
from dispatcher.domain.money import pounds, year_name
from dispatcher.service.reviewing.judged import Unmet
from dispatcher.service.reviewing.known import Known
from dispatcher.service.reviewing.plans import Exact as Carried
from dispatcher.service.reviewing.plans import PlanRead
from dispatcher.service.reviewing.review import Review
from dispatcher.service.reviewing.signed import GlassBroken, Signature
from ops.review.document import Block, Exact, Items, Notice, Paragraph, Section, Table
from ops.review.words import NONE, capitalised, counted, listed, second, spaced, told, who

NAMES_AT_MOST = 50
"""With more accounts than this that carry the same words, they are counted; the table of deliveries names them."""


def known(found: Review) -> Section:
    """What was known, version by version."""
    table = Table.of(
        "What became known",
        found.known,
        {
            "Recorded (UTC)": lambda k: second(k.recorded_at),
            "Happened or said (UTC)": lambda k: second(k.said_at),
            "By, in the role of that minute": lambda k: (
                f"{k.person} ({listed(map(spaced, k.roles))})" if k.roles else k.person
            ),
            "How": lambda k: k.how,
            "What became known": _fact,
        },
    )
    said = "Items of the METHANE form are marked. Where two sources say different things, both stand here."
    return Section("What was known, and when", (Paragraph(said), table))


def _fact(known: Known) -> str:
    late = f" (recorded late: {known.late})" if known.late else ""
    severity = {"severity": known.severity} if known.severity else {}
    item = known.item
    if item is None:
        return f"{known.note or told({**severity, **known.facts})}{late}"
    mark = "METHANE, " if item.name in METHANE else ""
    proof = f"; file {item.sha256}" if item.sha256 else ""
    return f"{mark}{spaced(item.name)}: {item.value} (source: {item.source}{proof}){late}"


def decided(found: Review) -> Section:
    """Who wrote, checked, approved, refused and stopped, in which role, and why."""
    wrote = Table.of(
        "Who wrote",
        found.revisions,
        {
            "When (UTC)": lambda w: second(w.at),
            "Who": lambda w: w.person,
            "Revision": lambda w: f"{w.message} revision {w.number}",
            "Digest": lambda w: short(w.digest),
            "Everybody's part so far": lambda w: told(w.contributors),
        },
    )
    signed = [("the incident", signature) for signature in found.signatures]
    signed += [(f"plan {short(plan.digest)}", signature) for plan in found.plans for signature in plan.signatures]
    plans = Table.of(
        "Plans",
        found.plans,
        {
            "Plan": lambda p: short(p.digest),
            "State": lambda p: spaced(p.state),
            "Submitted (UTC)": lambda p: second(p.submitted_at),
            "Clear (UTC)": lambda p: second(p.cleared_at),
            "Released (UTC)": lambda p: second(p.released_at),
            "Released by": lambda p: p.released_by or NONE,
            "Clearance by channel": lambda p: listed(
                f"{spaced(channel)} {spaced(state)}" for channel, state in p.clearances.items()
            ),
        },
    )
    return Section("Who decided what, and why", (plans, wrote, _signatures("Who signed", signed)))


def _signatures(caption: str, signed: list[tuple[str, Signature]]) -> Table:
    """Each with its role, which its signer had by the roster of that minute where it held then."""
    return Table.of(
        caption,
        sorted(signed, key=lambda one: one[1].recorded_at),
        {
            "When (UTC)": lambda one: second(one[1].said.not_before if one[1].said else one[1].recorded_at),
            "Who": lambda one: one[1].said.said_by if one[1].said else NONE,
            "Role": lambda one: spaced(one[1].said.role) if one[1].said else NONE,
            "What": lambda one: spaced(one[1].said.kind) if one[1].said else "unreadable",
            "About": lambda one: one[0],
            "Why": lambda one: one[1].reason or NONE,
            "Held then": lambda one: "yes" if one[1].held else "NO",
            "Holds now": lambda one: f"NO: {one[1].refused}" if one[1].refused else "yes",
        },
    )


def words(found: Review) -> Section:
    """The exact words of every plan, by kind and language; accounts that carry the same stand together."""
    plans = tuple(
        Section(f"Plan {short(plan.digest)}", tuple(_carried(plan)) or (Paragraph("It has no texts."),))
        for plan in found.plans
    )
    said = "To the character, as it was signed. A character that cannot be seen is written as its code, like U+202E."
    return Section("The exact words", (Paragraph(said),), plans)


def _carried(plan: PlanRead) -> Iterator[Block]:
    alike: dict[Any, list[Carried]] = {}
    for exact in plan.texts:
        alike.setdefault((exact.kind, exact.parts, exact.media), []).append(exact)
    for (kind, parts, media), carried in sorted(alike.items(), key=lambda one: list(TextKind).index(one[0][0])):
        name, by = SPOKEN[kind].capitalize(), _accounts(carried)
        if not parts and not media:
            yield Notice(f"{name}: not the bytes that were signed. {by}")
        for part in parts:
            language = "several languages" if part.language == "mul" else part.language
            yield Exact(f"{name}, {language}. {by}", part.text, part.language)
        for medium in media:
            yield Paragraph(f"{name}: {medium.kind} {medium.digest}, {medium.width} × {medium.height} pixels. {by}")
            for part in medium.alt:
                yield Exact(f"What the {medium.kind} shows, {part.language}", part.text, part.language)
            for caption in medium.captions:
                yield Paragraph(f"Its captions, {caption.language}: {caption.digest}.")


def _accounts(carried: Sequence[Carried]) -> str:
    if len(carried) <= NAMES_AT_MOST:
        return f"Carried by {listed(f'{one.account} on {spaced(one.channel)}' for one in carried)}."
    channels = Counter(spaced(one.channel) for one in carried)
    numbers = listed(f"{counted(number, 'account')} on {channel}" for channel, number in channels.items())
    return f"Carried by {numbers}."


def rules(found: Review) -> Section:
    """The policy, what its clauses said at each step, and every refusal."""
    judged = [(plan, one) for plan in found.plans for one in plan.judged]
    versions = Table.of(
        "Policy versions in force",
        found.policies,
        {
            "Version": lambda p: p.version,
            "Digest": lambda p: short(p.digest),
            "In force from (UTC)": lambda p: second(p.effective_from),
            "Recorded (UTC)": lambda p: second(p.recorded_at),
            "Source": lambda p: p.source,
        },
    )
    refusals = Table.of(
        "Refusals",
        found.denials,
        {
            "First (UTC)": lambda d: second(d.first),
            "Last (UTC)": lambda d: second(d.last),
            "How many": lambda d: f"{d.count:,}",
            "What": lambda d: spaced(d.kind),
            "Clause": lambda d: d.clause,
            "Who asked": lambda d: d.person or "a machine",
            "Channel": lambda d: spaced(d.channel or NONE),
            "Why": lambda d: d.fact or "more facts than are listed",
            "Who could mend it": lambda d: d.mend,
        },
    )
    gate = Table.of(
        "The gate after each signature",
        judged,
        {
            "When (UTC)": lambda j: second(j[1].at),
            "Plan": lambda j: short(j[0].digest),
            "After": lambda j: f"{spaced(j[1].upon)} by {who(j[1].person, j[1].role)}",
            "Policy": lambda j: listed(j[1].policy),
            "All clauses held": lambda j: j[1].fault or _unmet(j[1].unmet) or "yes",
        },
    )
    asked = Table("What each clause asks", ("Clause", "What it asks"), tuple(found.clauses.items()))
    return Section("Policy, clauses and refusals", (versions, refusals, gate, asked))


def _unmet(unmet: tuple[Unmet, ...]) -> str:
    by_clause = {
        clause: listed(spaced(u.channel) for u in unmet if u.clause == clause) for clause in {u.clause for u in unmet}
    }
    return f"no: {'; '.join(f'{clause} on {by_clause[clause]}' for clause in sorted(by_clause))}" if unmet else ""


def safeguards(found: Review) -> Section:
    """The minister's decision, mitigations with their evidence, and what stood before the incident."""
    decisions = Table.of(
        "The minister's decision",
        [(plan, one) for plan in found.plans for one in plan.decisions],
        {
            "When (UTC)": lambda d: second(d[1].at),
            "Plan": lambda d: short(d[0].digest),
            "Channels": lambda d: listed(map(spaced, d[1].channels)),
            "Decision": lambda d: d[1].decision,
            "Recorded by": lambda d: who(d[1].person, d[1].role),
            "Confirmed by": lambda d: d[1].confirmed_by or NONE,
            "Confirmed (UTC)": lambda d: second(d[1].confirmed_at),
        },
    )
    mitigations = Table.of(
        "Mitigations",
        [one for plan in found.plans for one in plan.mitigations],
        {
            "Code": lambda m: m.code,
            "Account": lambda m: f"{m.account} on {spaced(m.channel)}",
            "Held": lambda m: f"NO: {m.fault}" if m.fault else "yes",
            "Checked by": lambda m: m.checked_by,
            "Attested by": lambda m: who(m.person, m.role or "") if m.person else NONE,
            "When (UTC)": lambda m: second(m.at),
            "Until (UTC)": lambda m: second(m.until),
            "Evidence": lambda m: m.evidence or NONE,
        },
    )
    standing = _signatures(
        "Assessments, exemptions and attestations that counted", [("standing", one) for one in found.standing]
    )
    return Section("Mitigations, and the minister's decision", (decisions, mitigations, standing))


def spend(found: Review) -> Section:
    """What was signed for, and what was billed."""
    table = Table.of(
        "Spend",
        [one for plan in found.plans for one in plan.spends],
        {
            "Channel": lambda s: spaced(s.channel),
            "Case": lambda s: s.case,
            "Financial year": lambda s: year_name(s.year),
            "Signed for": lambda s: pounds(s.pence),
            "State": lambda s: spaced(s.state),
            "Billed": lambda s: NONE if s.billed is None else pounds(s.billed),
            "Invoice": lambda s: s.invoice or NONE,
        },
    )
    return Section("Spend", (table,))


def stops(found: Review) -> Section:
    """Halts, and whether the glass was broken."""
    halts = Table.of(
        "Halts",
        found.halts,
        {
            "When (UTC)": lambda h: second(h.at),
            "Who": lambda h: h.by if h.through else who(h.person, h.role),
            "What": lambda h: f"{h.scope} {h.target}".strip(),
            "Why": lambda h: h.reason,
            "Ended (UTC)": lambda h: second(h.ended_at) if h.ended_at else "stands",
            "Ended by": lambda h: listed(h.resumed_by),
        },
    )
    broken: list[Block] = [Items(_glass(plan.digest, plan.glass)) for plan in found.plans if plan.glass]
    return Section("Halts and break-glass", (halts, *(broken or [Paragraph("The glass was not broken.")])))


def _glass(plan: str, glass: GlassBroken) -> tuple[str, ...]:
    reviewed = f"reviewed at {second(glass.reviewed_at)} UTC by {glass.reviewed_by}: {glass.finding}"
    broken = f"The glass was broken for plan {short(plan)} at {second(glass.at)} UTC by {listed(glass.people)}"
    due = f"not reviewed; a review is due by {second(glass.review_due_at)} UTC"
    return (
        f"{broken}, until {second(glass.until)} UTC, for {listed(map(spaced, glass.channels))}.",
        *map(capitalised, glass.reasons),
        capitalised(reviewed if glass.reviewed_at else due),
    )

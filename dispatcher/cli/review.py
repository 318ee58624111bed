"""``dispatcher review``: an incident's whole trail."""

from __future__ import annotations

from collections.abc import Iterator

import click

from dispatcher.cli.commands import Verb
from dispatcher.cli.output import facts, next_step, plain, told
from dispatcher.cli.session import Session
from dispatcher.domain.ids import short
from dispatcher.domain.money import pounds
from dispatcher.service.reviewing import review as reviewing
from dispatcher.service.reviewing.plans import PlanRead
from dispatcher.service.reviewing.review import Review
from dispatcher.service.reviewing.sent import Delivered


@click.command(cls=Verb)
@click.argument("incident")
@click.option("--markdown", is_flag=True, help="Print it as a document in Markdown, wherever it goes.")
def review(session: Session, incident: str, markdown: bool) -> None:
    """The whole trail of INCIDENT: signers, exact texts, refusals, every attempt, in order. Your reading is recorded.

    A document on a terminal or with --markdown, else JSON (which holds the document too).
    """
    found = reviewing.review(session.desk, incident, session.person)
    text = "\n".join(_document(found))
    if markdown:
        click.echo(plain(text))
    else:
        session.read_out("review", {**facts(found), "markdown": text}, text)
    next_step(f"dispatcher ledger tail --incident {found.incident.id}")


def _document(found: Review) -> Iterator[str]:
    incident = found.incident
    yield f"# Review of {incident.id}: {incident.title}\n"
    yield f"{incident.mode}, {incident.kind}, {incident.severity.name}, {incident.state}. Times are UTC."
    yield f"Declared {incident.declared_at:%Y-%m-%d %H:%M:%S} by {incident.declared_by}."
    yield "\n## Messages\n"
    for written in found.revisions:
        who = "; ".join(f"{person}: {', '.join(did)}" for person, did in written.contributors.items())
        yield f"- {written.message} revision {written.number} ({short(written.digest)}), {who}"
    for plan in found.plans:
        yield from _plan(plan)
    yield "\n## Refusals\n"
    for denial in found.denials:
        about = " ".join(filter(None, (denial.channel, denial.account, denial.person)))
        times = f"{denial.count} times, first {denial.first:%H:%M:%S.%f}, last {denial.last:%H:%M:%S.%f}"
        yield f"- {denial.kind}: {denial.clause} {about}: {denial.fact} ({times})"
    yield "\n## Deliveries\n"
    for delivery in found.deliveries:
        yield from _delivery(delivery)
    for tally in found.tallies:
        if tally.listed:
            states = ", ".join(f"{count} {state}" for state, count in tally.states.items())
            yield f"- recipients of {tally.account} ({tally.kind}): {states}; {tally.attempts} attempts"
    for trouble in found.troubles:
        yield f"  - {trouble.count} {trouble.sentence} (one is {trouble.example})"
    yield "\n## Halts\n"
    for halt in found.halts:
        end = f"ended by {', '.join(halt.resumed_by)}" if halt.ended_at else "in force"
        yield f"- {halt.at:%H:%M:%S} {halt.person} halted {halt.scope} {halt.target} ({halt.reason}), {end}"
    yield "\n## What happened\n"
    for line in found.timeline.entries:
        yield f"- {line.at:%H:%M:%S.%f} {line.kind}: {told(line.facts)}"


def _plan(plan: PlanRead) -> Iterator[str]:
    yield f"\n## Plan {short(plan.digest)}: {plan.state}\n"
    if plan.released_at:
        yield f"Released {plan.released_at:%Y-%m-%d %H:%M:%S.%f} by {plan.released_by}.\n"
    for signature in plan.signatures:
        said = signature.said
        sentence = f"{said.not_before:%H:%M:%S} {said.person} ({said.role}): {said.kind}" if said else "unreadable"
        yield f"- {sentence}; {f'DOES NOT HOLD: {signature.refused}' if signature.refused else signature.key}"
    if plan.spends:
        yield "\n### Money\n"
    for spend in plan.spends:
        bill = "" if spend.billed is None else f", billed {pounds(spend.billed)} ({spend.invoice})"
        yield f"- {spend.channel}: {pounds(spend.pence)} for case {spend.case}, {spend.state}{bill}"
    yield "\n### Exact texts\n"
    for exact in plan.texts:
        yield f"{exact.account} on {exact.channel}, {exact.kind} ({short(exact.digest)})\n"
        for part in exact.parts:
            yield "\n".join([f"    [{part.language}]", *(f"    {line}" for line in part.text.splitlines()), ""])
        for medium in exact.media:
            yield f"    [{medium.kind}] {medium.digest}, {medium.width} x {medium.height} pixels"
            yield from (f"    [captions {one.language}] {one.digest}" for one in medium.captions)
            yield "\n".join([*(f"    {line}" for part in medium.alt for line in part.text.splitlines()), ""])
        if not exact.parts:
            yield "    NOT THE BYTES THAT WERE SIGNED\n"


def _delivery(delivery: Delivered) -> Iterator[str]:
    yield f"- {delivery.id} {delivery.account} ({delivery.kind}) {delivery.sentence} {delivery.url or ''}"
    if delivery.public:
        yield f"  - seen by the public: {delivery.public}"
    if delivery.shown is not None:
        yield "\n".join(f"    {line}" for line in delivery.shown.splitlines())
    for tried in delivery.attempts:
        took = "" if tried.provider_ms is None else f", {tried.provider_ms} ms"
        outcome = f"{tried.verdict or 'unknown'} {tried.code} {tried.reason}".strip()
        yield f"  - attempt {tried.number} at {tried.intended_at:%H:%M:%S.%f}: {outcome}{took}"

"""What a decision costs: warm, cold, and whether it stays the same however many deliveries a plan has.

decide   the gate alone, its plan-level clauses decided before
permit   a sender's whole answer for one delivery: digests, spent file, clock, gate, permit
first    the same for an account's first delivery, whose plan-level clauses are decided and recorded
cold     the same by a sender that has seen nothing: plan, renderings and six signatures verified from bytes,
         those of three approving officers among them
flat     permit at many deliveries of one plan over permit at few

Times are this thread's on the processor: what else the machine does at the moment is not the gate's cost.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import thread_time

from channels.contract import DeliveryKind
from dispatcher.domain.message import TextKind
from dispatcher.domain.plan import Plan
from dispatcher.gate.decide import decide, judge_plan
from dispatcher.sender_bootstrap import VaultOutlets, look_rarely_for_cycles, now
from dispatcher.sending import Refusal
from dispatcher.sending.order import MAX_ORDERS, Bundle, Order
from dispatcher.sending.outlets import Outlet
from dispatcher.sending.sender import LocalSender
from dispatcher.service.judging import cases_of
from dispatcher.store import records
from dispatcher.store.statements import statement_of
from ops.bench.figures import Figure
from ops.bench.office import MODE, Office, office_at, sender_at

LANGUAGES = ("en-GB", "cy-GB")
NOWHERE = "http://127.0.0.1:9"
MICRO, MILLI = 1e6, 1e3


@dataclass(frozen=True, slots=True)
class Size:
    """Deliveries of the small and the large plan, and how often each thing is measured."""

    few: int = 10
    many: int = 10_000
    runs: int = 1_000
    passes: int = 5


@dataclass(frozen=True, slots=True)
class Course:
    """One plan as a sender gets it, with the accounts it goes to."""

    plan: Plan
    bundle: Bundle
    outlets: Mapping[str, Outlet]

    def orders(self) -> Iterator[list[Order]]:
        """An order for each destination, just made, as many at once as a sender takes."""
        destinations = self.plan.destinations
        for start in range(0, len(destinations), MAX_ORDERS):
            at = now()
            yield [
                Order(
                    delivery=f"dlv-{destination.account}",
                    incident=self.plan.incident,
                    incident_state="active",
                    account=destination.account,
                    channel=destination.channel,
                    kind=DeliveryKind.PUBLISH,
                    rendering=destination.renderings[TextKind.PUBLISH],
                    intended_at=at,
                    attempt=1,
                    asked_at=at,
                )
                for destination in destinations[start : start + MAX_ORDERS]
            ]


def measure(root: Path, size: Size | None = None) -> list[Figure]:
    """All figures of the gate, on a deployment in ``root``."""
    with office_at(root, NOWHERE) as office:
        office.add("x", "x-1")
        office.add("webhook", "webhook-1", LANGUAGES)
        plan = office.cleared(languages=LANGUAGES)
        office.release(plan)
        return asyncio.run(_measured(office, plan, size or Size()))


async def _measured(office: Office, plan: str, size: Size) -> list[Figure]:
    held = VaultOutlets(office.desk.settings, office.desk.settings.vault(MODE, "accounts"))
    try:
        few, many = (_course(office, plan, held, count) for count in (size.few, size.many))
        first, warm = await _passes(office, many, size.passes)
        _, small = await _passes(office, few, size.passes * max(1, size.many // size.few // 20))
        return [
            Figure("gate.decide.warm", "us", _decided(office, few, size.runs), 50),
            Figure("gate.permit.warm", "us", warm, 50),
            Figure("gate.permit.first", "us", first),
            Figure("gate.permit.cold", "ms", await _cold(office, few, size.runs), 2, "p99"),
            Figure("gate.permit.flat", "ratio", [one / sorted(small)[len(small) // 2] for one in warm], 1.5),
        ]
    finally:
        await held.close()


def _course(office: Office, digest: str, held: VaultOutlets, count: int) -> Course:
    """The plan with as many destinations, each statement about it signed again by who signed it."""
    with office.desk.store.read() as work:
        stored, bundle = records.plan(work, digest).plan, records.bundle(work, digest)
    post, webhook = (next(d for d in stored.destinations if d.channel == name) for name in ("x", "webhook"))
    names = [f"webhook-{number}" for number in range(1, count)]
    plan = replace(stored, destinations=(post, *(replace(webhook, account=name) for name in names)))
    outlets = {name: _named(held.get(webhook.account), name) for name in names}
    outlets[post.account] = _named(held.get(post.account), post.account)
    said = ((office.pen(s.person), s) for s in map(statement_of, bundle.envelopes))
    signed = (pen.sign(replace(s, subject=plan.digest) if s.subject == digest else s) for pen, s in said)
    return Course(plan, replace(bundle, plan=plan.encoded(), envelopes=tuple(signed)), outlets)


def _named(outlet: Outlet | None, name: str) -> Outlet:
    if outlet is None:
        raise LookupError(f"the sender does not hold the account behind {name}")
    return replace(outlet, account=replace(outlet.account, id=name))


async def _passes(office: Office, course: Course, passes: int) -> tuple[list[float], list[float]]:
    """Microseconds per delivery: of the first pass over all deliveries, and of the later ones, call by call."""
    sender = sender_at(office, course.outlets, now)
    first = [await _permitted(sender, course, orders) for orders in course.orders()]
    warm = [await _permitted(sender, course, orders) for _ in range(passes) for orders in course.orders()]
    await sender.close()
    return first, warm


async def _permitted(sender: LocalSender, course: Course, orders: Sequence[Order]) -> float:
    """Microseconds per order of one call. Raises RuntimeError for a refusal: it would not be what is measured."""
    started = thread_time()
    answers = await sender.permit(course.bundle, orders)
    ended = thread_time()
    refused = [answer.sentence for answer in answers if isinstance(answer, Refusal)]
    if refused:
        raise RuntimeError(f"the gate refused {len(refused)}: {refused[0]}")
    return (ended - started) / len(orders) * MICRO


async def _cold(office: Office, course: Course, runs: int) -> list[float]:
    """Milliseconds of the first answer of a sender that has just started."""
    samples, before = [], gc.get_threshold()
    look_rarely_for_cycles()  # as workers do
    for _ in range(runs):
        sender, orders = sender_at(office, course.outlets, now), next(course.orders())[:1]
        gc.collect()  # what is left of the sender before is not this one's
        samples.append(await _permitted(sender, course, orders) / MICRO * MILLI)
        await sender.close()
    gc.set_threshold(*before)
    gc.unfreeze()
    return samples


def _decided(office: Office, course: Course, runs: int) -> list[float]:
    """Microseconds of the gate alone, averaged over the plan's deliveries."""
    with office.desk.store.read() as work:
        cases = cases_of(office.desk, work, course.bundle)
    judged = [judge_plan(case.evidence, case.facts, now()) for case in cases]
    samples = []
    for _ in range(runs):
        at, started = now(), thread_time()
        yes = [decide(case.evidence, case.facts, at, known) for case, known in zip(cases, judged, strict=True)]
        samples.append((thread_time() - started) / len(cases) * MICRO)
        if not all(yes):
            raise RuntimeError(f"the gate refused: {yes[0].failures}")
    return samples

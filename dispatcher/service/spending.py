"""Spending: what paid plans may cost stays within policy's caps, whoever submits at the same moment.

Rules (reference: policy 2 and 6.9, story 10)
  1. A submission reserves, under a lock and in its own transaction: everything taken on the same channel for the same
     case, and in the same financial year, and this plan besides, must fit the caps of the policy in force.
  2. From policy's threshold on, whoever adds to a case in a financial year names the central approval: an order that
     is split in two is still one campaign.
  3. The release commits. Finance then signs what the invoice came to; only that frees the rest.
  4. Exercises have money of their own: they reserve under the same caps and take nothing from the live ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from channels.contract import Json
from dispatcher.domain.errors import Forbidden, Invalid, Stale
from dispatcher.domain.ids import short
from dispatcher.domain.lifecycle import SpendState
from dispatcher.domain.money import pounds, year_name
from dispatcher.domain.people import Role
from dispatcher.domain.plan import Placement, Plan, Spend
from dispatcher.domain.statement import Mode, StatementKind
from dispatcher.gate.evidence import Failure
from dispatcher.gate.policy import PolicyVersion, SpendCap
from dispatcher.service.desk import Desk, Pen
from dispatcher.store import records, spends
from dispatcher.store.database import Work
from dispatcher.store.spends import StoredSpend
from dispatcher.store.tables import SPENDS

CLAUSE = "G13"
COUNTING = (SpendState.RESERVED, SpendState.COMMITTED, SpendState.RECONCILED)
"""The states that take something of a cap, in the order of :class:`Budget`'s fields."""


class NoRoom(Exception):
    """What a plan asks for does not fit; ``failures`` say of each channel why."""

    def __init__(self, failures: list[tuple[str, Failure]]) -> None:
        super().__init__("the caps have no room for this plan")
        self.failures = failures


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of one cap is taken, in pence; ``of`` is the case or the financial year."""

    mode: Mode
    channel: str
    of: str
    cap_pence: int | None
    reserved_pence: int
    committed_pence: int
    billed_pence: int

    @property
    def left_pence(self) -> int | None:
        """What may still be reserved; None where policy has no cap for the channel now."""
        taken = self.reserved_pence + self.committed_pence + self.billed_pence
        return None if self.cap_pence is None else self.cap_pence - taken


@dataclass(frozen=True, slots=True)
class Overview:
    """The caps' budgets, and the rows that they are made of."""

    cases: list[Budget]
    years: list[Budget]
    spends: list[StoredSpend]


def reserve(work: Work, plan: Plan, policy: PolicyVersion) -> None:
    """Reserve what a plan may cost, in the transaction that submits it. Raises NoRoom."""
    if not plan.spend:
        return
    spends.lock(work)
    spends.free(work)
    if failures := over(work, plan, policy):
        raise NoRoom(failures)
    spends.add(work, plan)


def over(work: Work, plan: Plan, policy: PolicyVersion) -> list[tuple[str, Failure]]:
    """What speaks against reserving what a plan asks for, beside what others have taken: channel and failure."""
    others = [s for s in spends.listed(work, SPENDS.c.mode == str(plan.mode)) if s.taken] if plan.spend else []
    return [(spend.channel, failure) for spend in plan.spend for failure in _against(spend, plan, policy, others)]


def _against(spend: Spend, plan: Plan, policy: PolicyVersion, others: Sequence[StoredSpend]) -> Iterator[Failure]:
    if all((d.channel, d.placement) != (spend.channel, Placement.PAID) for d in plan.destinations):
        yield Failure(
            CLAUSE, "the plan buys nothing here", "author: submit with --placement paid, or without --spend"
        )
    rule = policy.rule(spend.channel)
    if rule is not None and rule.spend is not None:
        here = [s for s in others if s.channel == spend.channel]
        same_case, same_year = [s for s in here if s.case == spend.case], [s for s in here if s.year == spend.year]
        yield from _exceeded(spend, f"case {spend.case}", rule.spend.cap_case_pence, same_case)
        year = f"the financial year {year_name(spend.year)}"
        yield from _exceeded(spend, year, rule.spend.cap_year_pence, same_year)
    campaign = (spend.case, spend.year)
    before = [s for s in others if (s.case, s.year) == campaign]
    total = _taken(before) + sum(s.pence for s in plan.spend if (s.case, s.year) == campaign)
    if before and total >= policy.spending_control.threshold_pence and not spend.approval:
        fact = f"{pounds(total)} for case {spend.case} needs an amc_approval_ref; taken: {_by_plan(before)}"
        yield Failure(CLAUSE, fact, "finance: name the central approval in a new plan")


def _exceeded(spend: Spend, what: str, cap: int, same: Sequence[StoredSpend]) -> Iterator[Failure]:
    if _taken(same) + spend.pence > cap:
        taken = f"{pounds(_taken(same))} is taken ({_by_plan(same)})"
        fact = f"{pounds(spend.pence)} more would exceed the cap of {what}, {pounds(cap)}: {taken}"
        yield Failure(CLAUSE, fact, "finance: dispatcher spend list")


def _taken(rows: Sequence[StoredSpend]) -> int:
    return sum(spend.taken for spend in rows)


def _by_plan(rows: Sequence[StoredSpend]) -> str:
    return ", ".join(f"plan {short(spend.plan)}: {pounds(spend.taken)}" for spend in rows)


def reconcile(desk: Desk, plan_name: str, channel: str, billed_pence: int, invoice: str, pen: Pen) -> StoredSpend:
    """Sign what the invoice for one channel of a plan came to; what was committed beyond it is free again.

    Raises Forbidden for who contributed to the plan, Invalid for a bill of more than was committed, Stale.
    """
    person = desk.person(pen)
    with desk.store.read() as work:
        stored = records.plan(work, plan_name)
        spend = spends.find(work, stored.digest, channel)
    if person.id in stored.plan.contributors:
        did = ", ".join(stored.plan.contributors[person.id])
        raise Forbidden(f"{person.id} is {did} of this plan and cannot reconcile it", "ask somebody uninvolved")
    _refuse_bill(spend, billed_pence, invoice)
    body: dict[str, Json] = {"channel": channel, "billed_pence": billed_pence, "invoice": invoice}
    envelope = desk.sign(pen, (Role.FINANCE,), StatementKind.RECONCILE, stored.digest, spend.mode, body)
    with desk.store.write() as work:
        desk.record(work, envelope, spend.mode, spend.incident)
        if not spends.move(work, spend, SpendState.RECONCILED, billed=billed_pence, invoice=invoice):
            raise Stale("somebody else reconciled it meanwhile", "dispatcher spend list")
        return spends.find(work, stored.digest, channel)


def _refuse_bill(spend: StoredSpend, billed_pence: int, invoice: str) -> None:
    if spend.state is not SpendState.COMMITTED:
        raise Invalid(f"the money for {spend.channel} is {spend.state}, not committed", "dispatcher spend list")
    if not 0 <= billed_pence <= spend.pence:
        raise Invalid(
            f"{pounds(billed_pence)} is more than the {pounds(spend.pence)} that people signed for",
            "have the invoice corrected; an order for more is a plan of its own",
        )
    if not invoice.strip():
        raise Invalid("the invoice has no reference", "name it: --invoice REF")


def overview(desk: Desk, case: str | None = None, year: int | None = None) -> Overview:
    """How much of every cap is taken, under the policy in force, and by what; or of one case and financial year."""
    with desk.store.read() as work:
        rows = spends.listed(work)
    policy = desk.policy()
    of_case = [spend for spend in rows if case in (None, spend.case)]
    of_year = [spend for spend in rows if year in (None, spend.year)]
    return Overview(
        cases=_budgets(policy, of_case, lambda spend: spend.case, lambda cap: cap.cap_case_pence),
        years=_budgets(policy, of_year, lambda spend: year_name(spend.year), lambda cap: cap.cap_year_pence),
        spends=[spend for spend in of_case if spend in of_year],
    )


def _budgets(
    policy: PolicyVersion,
    rows: Sequence[StoredSpend],
    name: Callable[[StoredSpend], str],
    of_cap: Callable[[SpendCap], int],
) -> list[Budget]:
    groups: dict[tuple[Mode, str, str], list[StoredSpend]] = {}
    for spend in rows:
        groups.setdefault((spend.mode, spend.channel, name(spend)), []).append(spend)
    made = []
    for (mode, channel, of), group in sorted(groups.items()):
        rule = policy.rule(channel)
        cap = of_cap(rule.spend) if rule and rule.spend else None
        taken = (_taken([s for s in group if s.state is state]) for state in COUNTING)
        made.append(Budget(mode, channel, of, cap, *taken))
    return made

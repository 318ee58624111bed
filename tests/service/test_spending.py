"""Spending: what is reserved at submit, committed at release, and comes back by reconciling alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from dispatcher.domain.errors import Forbidden, GateClosed, Invalid, SignatureNeeded, Stale
from dispatcher.domain.lifecycle import SpendState
from dispatcher.domain.people import Role, RoleHeld
from dispatcher.domain.plan import Spend
from dispatcher.domain.statement import Mode
from dispatcher.gate.policy_file import load
from dispatcher.service import clearing, spending
from dispatcher.service.releasing import release
from dispatcher.service.spending import Budget
from dispatcher.service.submitting import Wish
from dispatcher.statements.trust import load_trust
from dispatcher.store import deliveries, leasing, records, spends
from dispatcher.store.spends import StoredSpend
from tests.office import Office
from tests.paid import buying, order, put_in_force
from workers.ordering import UNPAID, Orders


@pytest.fixture
def buyer(office: Office, request: pytest.FixtureRequest) -> Office:
    """An office that may buy space through one webhook, for £90,000 a case and £400,000 a year unless told."""
    settings, clock = office.desk.settings, office.clock
    office.account("webhook")
    put_in_force(settings.root, buying(*getattr(request, "param", ())), clock.now)
    trust = load_trust(settings.path("trust"), load, floor=settings.path("data", "floor.json"), now=clock.now)
    office.desk = replace(office.desk, trust=trust)
    return office


under = partial(pytest.mark.parametrize, "buyer", indirect=True)


def rows(office: Office, plan: str) -> list[StoredSpend]:
    """What the spend ledger has about a plan."""
    with office.desk.store.read() as work:
        return [row for row in spends.listed(work) if row.plan == plan]


def released(office: Office, pence: int) -> str:
    """A released order."""
    plan = office.approved("finance-1", wish=order(pence))
    release(office.desk, plan, office.pen("director-1"))
    return plan


def refused(office: Office, wish: Wish) -> str:
    """The one G13 with which a submission is refused."""
    with pytest.raises(GateClosed) as closed:
        office.plan(wish)
    ((clause, fact, _),) = closed.value.reasons
    assert clause == "G13"
    return fact


def reconciled(office: Office, plan: str, billed: int, by: str = "finance-1") -> StoredSpend:
    """The row after finance signed an invoice."""
    return spending.reconcile(office.desk, plan, "webhook", billed, "INV-7", office.pen(by))


def test_a_submission_reserves_what_its_plan_may_cost(buyer: Office) -> None:
    """One row per channel, with the case and the financial year, and a ledger entry."""
    plan = buyer.plan(order(6_000_000))
    (row,) = rows(buyer, plan)
    assert (row.channel, row.case, row.year, row.pence, row.state) == (
        *("webhook", "storms", 2026, 6_000_000),
        SpendState.RESERVED,
    )
    (entry,) = buyer.ledger("spend.reserved")
    assert (entry.facts["plan"], entry.facts["pence"]) == (plan, 6_000_000)


def test_the_year_is_the_plans_own_whatever_was_wished(buyer: Office) -> None:
    """Nobody charges another year's cap by naming it."""
    wish = replace(order(100), spend=(Spend("webhook", "storms", 100, 2031),))
    (row,) = rows(buyer, buyer.plan(wish))
    assert row.year == 2026


def test_what_exceeds_the_cap_of_a_case_is_refused_with_what_takes_it(buyer: Office) -> None:
    """The case, its cap, the pence that are taken and the plan that took them are named."""
    plan = buyer.plan(order(6_000_000))
    assert refused(buyer, order(3_000_001)) == (
        "webhook: £30,000.01 more would exceed the cap of case storms, £90,000.00: "
        f"£60,000.00 is taken (plan {plan[:12]}: £60,000.00)"
    )


def test_the_last_penny_of_a_cap_can_be_reserved(buyer: Office) -> None:
    """A cap is what may be spent, not what must stay unspent."""
    buyer.plan(order(6_000_000))
    (row,) = rows(buyer, buyer.plan(order(3_000_000)))
    assert row.state is SpendState.RESERVED


@under([(9_000_000, 9_500_000)])
def test_a_year_has_its_cap_over_all_cases(buyer: Office) -> None:
    """Another case is no way round it."""
    plan = buyer.plan(order(6_000_000))
    assert refused(buyer, order(3_500_001, "floods")) == (
        "webhook: £35,000.01 more would exceed the cap of the financial year 2026/27, £95,000.00: "
        f"£60,000.00 is taken (plan {plan[:12]}: £60,000.00)"
    )
    assert rows(buyer, buyer.plan(order(3_500_000, "floods")))


def test_a_refused_submission_leaves_its_refusal_and_nothing_else(buyer: Office) -> None:
    """No plan, no delivery, no signature, no reservation: one entry that says why."""
    buyer.plan(order(9_000_000))
    before = [line.kind for line in buyer.ledger()]
    refused(buyer, order(1))
    after = [line.kind for line in buyer.ledger()]
    ours = ("incident.", "message.", "revision.")
    assert [kind for kind in after[len(before) :] if not kind.startswith(ours)] == ["submission.refused"]


def test_money_for_a_channel_that_sells_nothing_here_is_refused(buyer: Office) -> None:
    """Nothing is set aside for a post that is free."""
    stray = replace(order(100), spend=(*order(100).spend, Spend("x", "storms", 100, 2026)))
    assert refused(buyer, stray) == "x: the plan buys nothing here"


@under([(20_000_000, 40_000_000)])
def test_the_campaign_of_160000_needs_its_central_approval(buyer: Office) -> None:
    """Refused without a reference, reserved with one, exact to the penny under a cap of £200,000."""
    assert "amc_approval_ref" in refused(buyer, order(16_000_000))
    (row,) = rows(buyer, buyer.plan(order(16_000_000, approval="AMC-2026-014")))
    assert row.pence == 16_000_000
    assert "£160,000.00 is taken" in refused(buyer, order(4_000_001, approval="AMC-2026-014"))
    assert rows(buyer, buyer.plan(order(4_000_000, approval="AMC-2026-014")))


@under([(20_000_000, 40_000_000)])
def test_a_campaign_in_two_orders_is_one_campaign(buyer: Office) -> None:
    """Splitting it does not go under the threshold: the order that reaches it names the approval."""
    plan = buyer.plan(order(6_000_000))
    assert refused(buyer, order(4_000_000)) == (
        f"webhook: £100,000.00 for case storms needs an amc_approval_ref; taken: plan {plan[:12]}: £60,000.00"
    )
    assert rows(buyer, buyer.plan(order(3_999_999)))


def test_the_release_commits_the_money(buyer: Office) -> None:
    """In the release's own transaction, and the sender's orders have no fault from then on."""
    plan = buyer.approved("finance-1", wish=order(100))
    assert spend_fault(buyer, plan) == UNPAID
    release(buyer.desk, plan, buyer.pen("director-1"))
    assert [row.state for row in rows(buyer, plan)] == [SpendState.COMMITTED]
    assert spend_fault(buyer, plan) is None


def test_money_that_was_freed_lets_nothing_be_released(buyer: Office) -> None:
    """Whoever freed it, nobody pays with it twice: the release leaves nothing behind."""
    plan = buyer.approved("finance-1", wish=order(100))
    with buyer.desk.store.write() as work:
        (row,) = spends.listed(work)
        spends.move(work, row, SpendState.FREED)
    with pytest.raises(Stale, match="was freed"):
        release(buyer.desk, plan, buyer.pen("director-1"))
    with buyer.desk.store.read() as work:
        assert records.plan(work, plan).state == "submitted"


def test_what_was_revoked_before_its_release_is_free_for_others(buyer: Office) -> None:
    """The next submission finds the room, relay or not."""
    clearing.revoke(buyer.desk, buyer.plan(order(9_000_000)), buyer.pen("director-1"))
    assert rows(buyer, buyer.plan(order(9_000_000)))


def test_what_was_rejected_is_free_for_others(buyer: Office) -> None:
    """One rejection is enough."""
    clearing.reject(buyer.desk, buyer.plan(order(9_000_000)), buyer.pen("finance-1"), "too dear")
    assert rows(buyer, buyer.plan(order(9_000_000)))


def test_what_was_never_released_in_its_window_is_free_for_others(buyer: Office) -> None:
    """To the second that the window ends, and not before."""
    plan = buyer.plan(order(9_000_000))
    buyer.clock.advance(timedelta(hours=4) - timedelta(seconds=1))
    assert refused(buyer, order(1))
    buyer.clock.advance(timedelta(seconds=1))
    assert rows(buyer, buyer.plan(order(9_000_000)))
    assert [row.state for row in rows(buyer, plan)] == [SpendState.FREED]


def test_committed_money_does_not_come_back_with_a_revocation(buyer: Office) -> None:
    """The agency may have spent it: only its invoice tells."""
    clearing.revoke(buyer.desk, released(buyer, 9_000_000), buyer.pen("director-1"))
    assert refused(buyer, order(1))


def test_reconciling_frees_what_was_not_billed(buyer: Office) -> None:
    """Refunds come back with the invoice, to the penny."""
    plan = released(buyer, 9_000_000)
    assert refused(buyer, order(1))
    made = reconciled(buyer, plan, 8_000_000)
    assert (made.state, made.billed, made.invoice, made.taken) == (
        *(SpendState.RECONCILED, 8_000_000, "INV-7"),
        8_000_000,
    )
    assert refused(buyer, order(1_000_001))
    assert rows(buyer, buyer.plan(order(1_000_000)))


def test_an_invoice_is_signed_by_finance(buyer: Office) -> None:
    """The statement is in the ledger with channel, pence and reference."""
    plan = released(buyer, 9_000_000)
    with pytest.raises(SignatureNeeded, match="finance"):
        reconciled(buyer, plan, 0, by="checker-1")
    reconciled(buyer, plan, 8_000_000)
    (entry,) = buyer.ledger("statement.reconcile")
    assert (entry.facts["actor"], entry.facts["subject"]) == ("finance-1", plan)
    assert entry.facts["body"] == {"channel": "webhook", "billed_pence": 8_000_000, "invoice": "INV-7"}


def test_who_submitted_a_plan_does_not_reconcile_it(buyer: Office) -> None:
    """Not even with the role."""
    roster = buyer.desk.trust.roster
    people = tuple(
        replace(one, roles=(*one.roles, RoleHeld(Role.FINANCE, one.roles[0].not_before)))
        if one.id == "author-1"
        else one
        for one in roster.people
    )
    plan = released(buyer, 100)
    buyer.desk = replace(buyer.desk, trust=replace(buyer.desk.trust, roster=replace(roster, people=people)))
    with pytest.raises(Forbidden, match="submitter of this plan"):
        reconciled(buyer, plan, 0, by="author-1")
    assert [row.state for row in rows(buyer, plan)] == [SpendState.COMMITTED]


@pytest.mark.parametrize(("billed", "invoice"), [(101, "INV-7"), (-1, "INV-7"), (100, " ")])
def test_a_bill_that_nobody_signed_for_is_refused(buyer: Office, billed: int, invoice: str) -> None:
    """More than was committed, less than nothing, or without a reference."""
    plan = released(buyer, 100)
    with pytest.raises(Invalid):
        spending.reconcile(buyer.desk, plan, "webhook", billed, invoice, buyer.pen("finance-1"))


def test_what_was_not_released_is_not_reconciled(buyer: Office) -> None:
    """There is no invoice for what was never ordered; nor two for one order."""
    with pytest.raises(Invalid, match="reserved, not committed"):
        reconciled(buyer, buyer.plan(order(100)), 0)
    plan = released(buyer, 100)
    reconciled(buyer, plan, 0)
    with pytest.raises(Invalid, match="reconciled, not committed"):
        reconciled(buyer, plan, 100)


def test_the_overview_says_what_is_taken_and_left(buyer: Office) -> None:
    """Reserved, committed and billed apart, per case and per financial year."""
    buyer.plan(order(100))
    released(buyer, 200)
    reconciled(buyer, released(buyer, 400), 300)
    buyer.plan(order(1_000, "floods"))
    found = spending.overview(buyer.desk)
    assert found.cases == [
        Budget(Mode.EXERCISE, "webhook", "floods", 9_000_000, 1_000, 0, 0),
        Budget(Mode.EXERCISE, "webhook", "storms", 9_000_000, 100, 200, 300),
    ]
    assert found.years == [Budget(Mode.EXERCISE, "webhook", "2026/27", 40_000_000, 1_100, 200, 300)]
    assert found.cases[1].left_pence == 9_000_000 - 600


def test_the_overview_can_be_of_one_case_or_year(buyer: Office) -> None:
    """Of a case, its rows; of a year without orders, none."""
    plan = buyer.plan(order(100))
    buyer.plan(order(200, "floods"))
    assert [row.plan for row in spending.overview(buyer.desk, "storms").spends] == [plan]
    assert spending.overview(buyer.desk, year=2025).years == []


def spend_fault(office: Office, plan: str) -> str | None:
    """What the worker tells the sender about the plan's money."""
    with office.desk.store.read() as work:
        row = deliveries.listed(work, plan=plan)[0]
    known: dict[str, Any] = {name: getattr(row, name, None) for name in leasing.Leased.__slots__}
    _, (made,) = Orders(office.desk.store, "exercise").of(plan, [leasing.Leased(**known)])
    return made.spend_fault

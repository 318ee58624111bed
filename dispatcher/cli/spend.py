"""``dispatcher spend``: what paid plans have taken of their caps, and what the invoices came to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from dispatcher.cli.commands import Noun, Pairs, Reading, Signed, Text
from dispatcher.cli.output import facts, next_step
from dispatcher.cli.session import Session
from dispatcher.domain.ids import short
from dispatcher.domain.lifecycle import SpendState
from dispatcher.domain.money import financial_year, pounds, read_pence, year_name
from dispatcher.domain.plan import Plan, Spend
from dispatcher.service import spending
from dispatcher.service.spending import Budget

FORM = "CHANNEL=CASE:PENCE[:APPROVAL]"
BUDGET = "cap reserved committed billed left"

spend = Noun("spend")


def amount(text: str) -> int:
    """Whole pence, or pounds with their sign. Raises BadParameter naming the form."""
    try:
        return read_pence(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def orders(given: Pairs, now: datetime) -> tuple[Spend, ...]:
    """What ``--spend`` says of each channel. Raises BadParameter naming the form."""
    made = []
    for channel, text in given.items():
        case, _, rest = text.partition(":")
        pence, _, approval = rest.partition(":")
        if not case.strip() or not pence:
            raise click.BadParameter(f"{channel}={text} is not {FORM}", param_hint="--spend")
        made.append(Spend(channel, case.strip().casefold(), amount(pence), financial_year(now), approval or None))
    return tuple(made)


def bought(plan: Plan) -> list[dict[str, Any]]:
    """What a plan may cost, for showing to who signs it."""
    return [facts(one) | {"year": year_name(one.year), "cost": pounds(one.pence)} for one in plan.spend]


@spend.command("list", cls=Reading)
@click.option("--case", help="Only this pre-agreed case.")
@click.option("--year", type=int, help="Only the financial year that begins in this year.")
def list_(session: Session, case: Text, year: int | None) -> None:
    """How much of every cap is taken, per case and per financial year, and by which plans."""
    found = spending.overview(session.desk, case, year)
    rows = [
        facts(row) | {"cost": pounds(row.pence), "bill": "" if row.billed is None else pounds(row.billed)}
        for row in found.spends
    ]
    body = {"cases": list(map(_shown, found.cases)), "years": list(map(_shown, found.years)), "spends": rows}
    heads = {"cases": f"of channel mode {BUDGET}", "years": f"of channel mode {BUDGET}"}
    session.show("spends", body, **heads, spends="plan channel case state cost bill invoice")
    waiting = next((row for row in found.spends if row.state is SpendState.COMMITTED), None)
    if waiting is None:
        next_step("dispatcher status")
    else:
        words = f"{short(waiting.plan)} --channel {waiting.channel} --billed PENCE --invoice REF"
        next_step(f"dispatcher spend reconcile {words}", "the invoice")


@spend.command(cls=Signed)
@click.argument("plan")
@click.option("--channel", required=True)
@click.option("--billed", type=amount, required=True, metavar="PENCE", help="All fees in; £160,000.00 will do.")
@click.option("--invoice", required=True, metavar="REF", help="The invoice's reference.")
def reconcile(session: Session, plan: str, channel: str, billed: int, invoice: str) -> None:
    """Sign what the invoice for CHANNEL of PLAN came to. What was committed beyond it is free again."""
    made = spending.reconcile(session.desk, plan, channel, billed, invoice, session.pen)
    session.show("spend", facts(made) | {"cost": pounds(made.pence), "bill": pounds(billed)})
    next_step(f"dispatcher spend list --case {made.case}")


def _shown(budget: Budget) -> dict[str, Any]:
    """A budget with every amount in pence, and as people read it."""
    amounts: dict[str, Any] = facts(budget) | {"left_pence": budget.left_pence}
    words = {
        name.removesuffix("_pence"): "" if value is None else pounds(value)
        for name, value in amounts.items()
        if name.endswith("_pence")
    }
    return amounts | words

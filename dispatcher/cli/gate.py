"""``dispatcher gate``: why something may go out, or may not."""

from __future__ import annotations

import click

from dispatcher.cli.commands import Noun, Reading
from dispatcher.cli.output import facts, next_step
from dispatcher.cli.session import Session
from dispatcher.domain.errors import NotFound
from dispatcher.domain.ids import short
from dispatcher.domain.message import TextKind
from dispatcher.service import judging, ledger
from dispatcher.store import deliveries

gate = Noun("gate")


@gate.command(cls=Reading)
@click.argument("name", metavar="DELIVERY|PLAN")
@click.option("--all", "whole", is_flag=True, help="Clauses that hold, too.")
def explain(session: Session, name: str, whole: bool) -> None:
    """All eighteen clauses for a delivery, or for every account of a plan: what each asks, and which fact fails it.

    For a delivery also how its sender last refused it. What counts is the sender's own answer, at the moment of
    sending, which knows its clock and its spent file besides.
    """
    plan, account, text, refused = name, None, TextKind.PUBLISH, None
    try:
        with session.desk.store.read() as work:
            row = deliveries.find(work, name)
    except NotFound:
        row = None
    if row is not None:
        plan, account = row.plan, row.account
        text = TextKind(row.kind)
        said = ledger.tail(session.desk, 1_000, row.incident, ["gate.refused"])
        refused = next((line for line in reversed(said) if line.facts.get("delivery") == row.id), None)
    lines = judging.explain(session.desk, plan, account, text)
    body = {
        "plan": plan,
        "delivery": row and facts({"id": row.id, "state": row.state, "reason": row.reason}),
        "last_refusal": refused and facts({"at": refused.at, "failures": refused.facts.get("failures")}),
        "failing": sum(not line.holds for line in lines),
        "clauses": [line for line in lines if whole or not line.holds],
    }
    session.show("explanation", body, clauses="account clause asks holds facts mend")
    next_step(f"dispatcher clearance show {short(plan)}")

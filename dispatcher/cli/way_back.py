"""``dispatcher correct``, ``withdraw``, ``all-clear`` and ``task``: undo what went out, on every channel that can."""

from __future__ import annotations

from typing import Any

import click

from dispatcher.cli import only
from dispatcher.cli.commands import Noun, Signed, Text
from dispatcher.cli.output import facts, next_step, say, untold
from dispatcher.cli.release import bell
from dispatcher.cli.session import Session
from dispatcher.domain.ids import short
from dispatcher.domain.message import TextKind
from dispatcher.domain.statement import StatementKind
from dispatcher.service import clearing, notices, taking_back
from dispatcher.service.taking_back import Task

REASON = click.option("--reason", default="", help="Why.")
COLUMNS = "id kind channel account post text done_by"


@click.command(cls=Signed)
@only.PLAN
@REASON
def correct(session: Session, plan: Text, reason: str) -> None:
    """Send PLAN's armed correction to everybody whom its message reached, and revoke it, by one signature.

    What has not gone out yet is cancelled. Where no machine can correct it, a task for a person opens.
    """
    _take_back(session, plan, TextKind.CORRECT, reason)


@click.command(cls=Signed)
@only.PLAN
@REASON
def withdraw(session: Session, plan: Text, reason: str) -> None:
    """Take PLAN's message back wherever a platform allows it, and revoke it, by one signature.

    What has not gone out yet is cancelled. Where no machine can take it back, a task for a person opens.
    """
    _take_back(session, plan, TextKind.WITHDRAW, reason)


@click.command("all-clear", cls=Signed)
@only.PLAN
@REASON
def all_clear(session: Session, plan: Text, reason: str) -> None:
    """Tell everybody whom PLAN's message reached that it is over, and revoke it, by one signature.

    What has not gone out yet is cancelled. Where no machine can say it, a task for a person opens.
    """
    _take_back(session, plan, TextKind.ALL_CLEAR, reason)


task = Noun("task")


@task.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that are done.")
def list_(session: Session, everything: bool) -> None:
    """What people have to do because a platform lets no machine do it: the post, where it is, and the text."""
    found = taking_back.tasks(session.desk, open_only=not everything)
    session.show("tasks", {"tasks": [_listed(one) for one in found]}, tasks=COLUMNS)


@task.command()
@click.argument("name", metavar="TASK")
@click.option("--note", required=True, help="What was done, and when.")
def done(session: Session, name: str, note: str) -> None:
    """Write down that TASK is done."""
    session.show("task", _listed(taking_back.done(session.desk, name, session.person, note)))


def _take_back(session: Session, plan: Text, kind: TextKind, reason: str) -> None:
    named = only.plan(session, plan, kind.replace("_", "-"), only.SENT)
    made = taking_back.take_back(session.desk, named, kind, session.pen, bell(session.desk), reason)
    session.ring_stops(made.mode)
    told = {**facts(made), "tasks": [_listed(one) for one in made.tasks]}
    session.show("way_back", told, lacking="clause account fact mend", tasks=COLUMNS)
    untold(notices.signed(session.desk, clearing.show(session.desk, made.plan), StatementKind.REVOKE))
    by_whom = f"{made.made} by machine, {len(made.tasks)} by people (tasks)"
    say(f"Ordered: {by_whom}; {made.cancelled} that had not gone out cancelled.")
    if made.in_hands:
        say(f"Tell the operators of {', '.join(made.in_hands)}: what they were shown or opened must not be posted.")
    if made.tasks:
        next_step("dispatcher task list")
    next_step(f"dispatcher watch {short(made.plan)}")


def _listed(one: Task) -> dict[str, Any]:
    """A task as it is shown; a person is told the post and the text, and programs everything."""
    return {**facts(one), "post": one.url or one.reference, "text": "\n".join(one.texts.values())}

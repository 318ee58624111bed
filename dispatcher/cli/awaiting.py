"""What to type next about a plan, and who is missing; light, for whoever asks only where we are."""

from __future__ import annotations

from dispatcher.domain.ids import short
from dispatcher.domain.lifecycle import SUPERSEDED
from dispatcher.gate.evidence import Failure, Then
from dispatcher.service.clearing import Standing
from dispatcher.service.desk import Desk
from dispatcher.service.judging import who_can

COMMANDS = {
    "G03": "dispatcher release {plan}",
    "G08": "dispatcher clearance approve {plan}",
    "G09": "dispatcher evidence assess {channel} --outcome permitted --record FILE --mode {mode}",
    "G10": "dispatcher evidence exempt {channel} --account {account} --need TEXT --mode {mode}",
    "G11": "dispatcher evidence attest {channel} --account {account} --device DEVICE --app-version VERSION"
    " --evidence FILE --mode {mode}",
    "G12": "dispatcher evidence decide {plan} --decision agreed --channel {channel}",
}
"""What to type for a clause that a signature mends."""

WINDOW = "G04"


def what_next(desk: Desk, standing: Standing) -> tuple[str, str]:
    """The command to type next for a plan, and who or what is missing."""
    plan, name = standing.stored.plan, short(standing.stored.digest)
    if standing.stored.state in SUPERSEDED:
        lacking = f"a new plan: this one was {standing.stored.state}"
        return f"dispatcher clearance submit {standing.stored.message}", lacking
    if standing.stored.state != "submitted":
        return f"dispatcher watch {name}", ""
    waiting = [finding for finding in standing.findings if not finding.clear] or standing.findings
    failures = [failure for finding in waiting for failure in finding.lacking or finding.failures]
    people = "; ".join(f"{role} ({', '.join(found)})" for role, found in who_can(desk, failures, plan).items())
    command = _command(failures[0], name)
    known = {"channel": waiting[0].channel, "account": waiting[0].accounts[0], "mode": plan.mode}
    return command.format(plan=name, **known), people or failures[0].fact


def _command(failure: Failure, name: str) -> str:
    """What to type for a clause that fails; where no command mends it, in words who does what."""
    if failure.clause == WINDOW and failure.then is Then.EXPIRE:
        return "dispatcher clearance renew {plan}"
    return COMMANDS.get(failure.clause, f"{failure.mend}; then: dispatcher clearance show {name}")

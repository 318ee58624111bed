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
    waiting = [finding for finding in standing.findings if not finding.clear]
    judged = waiting or standing.findings
    failures = [failure for finding in judged for failure in finding.lacking or finding.failures]
    people = "; ".join(f"{role} ({', '.join(found)})" for role, found in who_can(desk, failures, plan).items())
    known = {"plan": name, "message": standing.stored.message, "mode": plan.mode}
    known |= {"channel": judged[0].channel, "account": judged[0].accounts[0]}
    command, fact = _mending(failures[0])
    lacking = people if waiting else f"the release, by {people}"
    return command.format(**known), lacking if people else fact


def _mending(failure: Failure) -> tuple[str, str]:
    """What to type for a clause that fails, and the fact; with who does what, where no command here mends it."""
    if failure.clause == WINDOW and failure.then is Then.EXPIRE:
        return "dispatcher clearance renew {plan}", failure.fact
    if failure.then is Then.CANCEL:
        return "dispatcher clearance submit {message}", f"a new plan: {failure.fact}"
    if failure.clause in COMMANDS:
        return COMMANDS[failure.clause], failure.fact
    return "dispatcher gate explain {plan}", f"{failure.fact} ({failure.mend})"

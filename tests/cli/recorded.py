"""What each command leaves in the ledger. Every command that a test here runs with success is held to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from dispatcher.cli.commands import SUMMARIES
from dispatcher.cli.main import load

CHANGES = {
    "init": "deployment.made",
    "migrate": "schema.migrated",
    "up": "role.started",
    "worker": "role.started",
    "cap ingest": "cap.received",
    "cap accept": "cap.accepted",
    "cap dismiss": "cap.dismissed",
    "doctor": "doctor.run",
    "incident declare": "incident.declared",
    "incident activate": "incident.activated",
    "incident amend": "incident.amended",
    "incident note": "incident.noted",
    "incident evidence": "incident.evidence",
    "incident stand-down": "statement.stand_down",
    "incident review": "statement.review",
    "incident close": "incident.closed",
    "incident retain": "incident.retained",
    "incident unretain": "incident.unretained",
    "message draft": "message.revised",
    "message edit": "message.revised",
    "message arm": "message.revised",
    "message attach": "message.revised",
    "message detach": "message.revised",
    "evidence assess": "statement.assess",
    "evidence exempt": "statement.exempt",
    "evidence attest": "statement.attest",
    "evidence decide": "statement.decide",
    "evidence confirm": "statement.confirm",
    "evidence export": "evidence.exported",
    "evidence redact": "evidence.redacted",
    "clearance submit": "statement.submit",
    "clearance renew": "statement.submit",
    "clearance approve": "statement.approve",
    "clearance reject": "statement.reject",
    "clearance revoke": "statement.revoke",
    "clearance break-glass": "statement.break_glass",
    "clearance suspend": "statement.halt",
    "spend reconcile": "statement.reconcile",
    "release": "plan.released",
    "correct": "way_back.ordered",
    "withdraw": "way_back.ordered",
    "all-clear": "way_back.ordered",
    "task done": "task.done",
    "halt": "statement.halt",
    "resume": "statement.resume",
    "roster install": "roster.installed",
    "channel probe": "probe.asked",
    "account add": "account.added",
    "account rotate": "account.rotated",
    "account connect": "account.added",
    "account group": "account.grouped",
    "account hold": "account.held",
    "account unhold": "account.unheld",
    "recipients import": "recipients.imported",
    "recipients purge": "recipients.purged",
    "device register": "device.registered",
    "handoff open": "hand_off.opened",
    "handoff receipt": "statement.receipt",
    "delivery resolve": "statement.resolve",
    "delivery retry": "statement.resolve",
    "delivery reconcile": "reconcile.asked",
    "console": "statement.sign_in",
    "backup": "backup.made",
    "restore": "backup.rehearsed",
    "recover": "database.restored",
    "exercise run": "exercise.scored",
    "review": "review.read",
    "report": "review.read",
}
"""Commands that change something, or must not be unseen, and the entry that says so."""

MAY_ONLY_LOOK = {
    *("delivery resolve", "delivery retry", "delivery reconcile"),  # without the name of what they would move
    "cap ingest",  # of an alert that is there already
    *("recover", "migrate"),  # without --yes, or with nothing to do
    "restore",  # into a new folder, whose own ledger says so when it is recovered
    "handoff open",  # of a packet that is finished by hand: it is shown
}

NOTHING = {
    *("area list", "area show", "area check"),
    *("cap validate", "cap list", "cap show", "cap feeds"),
    *("incident obligations", "incident show", "incident list", "message preview", "message lint"),
    "message templates",
    *(
        "clearance show",
        "clearance read",
        "gate explain",
        "spend list",
        "status",
        "overview",
        "watch",
        "night",
        "task list",
        "whoami",
    ),
    *("roster check", "roster rotate", "roster sign"),  # a folder that is carried; installing it changes something
    *("policy show", "policy at", "policy diff", "policy check", "policy replay"),
    *("channel list", "channel show", "channel limits", "channel simulate", "account list", "recipients list"),
    *("delivery list", "delivery show", "ledger tail", "ledger search", "log"),
    *("exercise list", "exercise show"),
    *("ledger verify", "ledger checkpoint", "ledger witness"),
    *("completion", "schema"),
}
"""Commands that change nothing of the deployment. A reviewer's reading is recorded, and nothing else."""


def verbs() -> Iterator[tuple[str, click.Command]]:
    """Every command that there is, by all its words."""
    for name in SUMMARIES:
        command = load(name)
        if isinstance(command, click.Group):
            yield from ((f"{name} {verb}", one) for verb, one in command.commands.items())
        else:
            yield name, command


def verb_of(words: Sequence[str]) -> str:
    """The command that was typed, by all its words."""
    first = next(index for index, word in enumerate(words) if word in SUMMARIES)
    noun = words[first]
    return f"{noun} {words[first + 1]}" if isinstance(load(noun), click.Group) else noun


def check(words: Sequence[str], kinds: Sequence[str]) -> None:
    """Hold one successful command to the table, by the entries that it made."""
    verb = verb_of(words)
    if verb in NOTHING:
        assert set(kinds) <= {"ledger.read"}, (verb, kinds)
    else:
        assert CHANGES[verb] in kinds or (verb in MAY_ONLY_LOOK and not kinds), (verb, kinds)

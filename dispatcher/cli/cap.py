"""``dispatcher cap``: is this file one sound CAP 1.2 alert?"""

from __future__ import annotations

from pathlib import Path

import click

from dispatcher.cap.reader import MAX_BYTES
from dispatcher.cap.report import Verdict
from dispatcher.cap.validate import validate as check
from dispatcher.cli.commands import Names, Noun, session
from dispatcher.cli.output import Table, next_step
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid

REFUSED = 2


@click.group(cls=Noun)
def cap() -> None:
    """Check CAP 1.2 alerts."""


@cap.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@session
@click.pass_context
def validate(context: click.Context, session: Session, files: Names) -> None:
    """Say whether each FILE is one sound CAP 1.2 alert; nothing is fetched and nothing recorded.

    Verdicts: ok, refuse (each fault is named), feed (several alerts: give one). Exit code 2 if any is not ok.
    """
    reports = {name: check(read_capped(Path(name))) for name in files}
    found = [{"file": name, "verdict": report.verdict, "faults": report.faults} for name, report in reports.items()]
    rows = [(name, r.verdict, "\n".join(f"{f.code}: {f}" for f in r.faults)) for name, r in reports.items()]
    session.show("cap-validation", {"files": found}, Table(rows, ("file", "verdict", "faults")))
    bad = [name for name, report in reports.items() if report.verdict is not Verdict.OK]
    if bad:
        next_step("mend what is named, or ask the sender for one sound alert", f"{len(bad)} of {len(files)} not ok")
        context.exit(REFUSED)
    next_step(f"dispatcher incident declare --from-cap {files[0]} --mode exercise")


def read_capped(path: Path) -> bytes:
    """The file's bytes, at most one more than the reader takes. Raises Invalid."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Invalid(f"{path}: cannot be read ({error.strerror})", "name an alert's file") from error

"""``dispatcher cap``: is this file one sound CAP 1.2 alert? And getting one from a file or an address."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import click

from dispatcher.cap.alert import Alert
from dispatcher.cap.reader import MAX_BYTES
from dispatcher.cap.report import Verdict
from dispatcher.cap.validate import validate as check
from dispatcher.cli.commands import Names, Noun, read
from dispatcher.cli.output import next_step
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid, Unavailable

TIMEOUT_S = 10.0

cap = Noun("cap")


@cap.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.pass_context
def validate(context: click.Context, session: Session, files: Names) -> None:
    """Say whether each FILE is one sound CAP 1.2 alert; nothing is fetched and nothing recorded.

    Verdicts: ok, refuse (each fault is named), feed (several alerts: give one). Exit code 2 if any is not ok.
    """
    reports = {name: check(read(name, MAX_BYTES)) for name in files}
    found = [{"file": name, "verdict": report.verdict, "faults": report.faults} for name, report in reports.items()]
    session.show("cap-validation", {"files": found}, files="file verdict faults")
    bad = sum(report.verdict is not Verdict.OK for report in reports.values())
    if bad:
        next_step("mend what is named, or ask the sender for one sound alert", f"{bad} of {len(files)} not ok")
        context.exit(2)
    next_step(f"dispatcher incident declare --from-cap {files[0]} --mode exercise")


def read_alert(source: str, *, is_test: bool) -> Alert:
    """The alert at ``source``, a file or an https address. Raises Invalid naming the faults, or Unavailable."""
    report = check(asyncio.run(_fetch(source, is_test)) if "://" in source else read(source, MAX_BYTES))
    if report.alert is None:
        faults = "; ".join(str(fault) for fault in report.faults[:3])
        raise Invalid(f"{source}: {report.verdict}: {faults}", f"see all of it: dispatcher cap validate {source}")
    return report.alert


async def _fetch(address: str, is_test: bool) -> bytes:
    """Only a test deployment may fetch over http or from a private address, like its adapters."""
    from channels.http import Http, HttpPolicy, TransportError

    if not is_test and not address.startswith("https://"):
        raise Invalid(f"{address}: only https addresses are fetched", "save the alert and give its file")
    policy = HttpPolicy(frozenset({urlsplit(address).netloc.lower()}), allow_private=is_test, https_only=not is_test)
    http = Http(policy)
    try:
        answer = await http.request("GET", address, timeout_s=TIMEOUT_S)
    except TransportError as error:
        raise Unavailable(f"the alert was not fetched: {error}", "save the alert and give its file") from error
    finally:
        await http.close()
    if answer.status != 200:
        raise Unavailable(f"the alert was not fetched: status {answer.status}", "check the address, or give a file")
    return answer.body

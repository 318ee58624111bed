"""Getting a CAP alert from a file or an address, and no further than its size and time allow."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from channels.http import Http, HttpPolicy, TransportError
from dispatcher.cap.alert import Alert
from dispatcher.cap.validate import validate
from dispatcher.cli.cap import read_capped
from dispatcher.domain.errors import Invalid, Unavailable
from dispatcher.domain.people import DeploymentKind
from dispatcher.settings import Settings

TIMEOUT_S = 10.0
OK = 200


def read_alert(source: str, settings: Settings) -> Alert:
    """The alert at ``source``, a file or an https address. Raises Invalid naming the faults, or Unavailable."""
    is_address = "://" in source
    report = validate(asyncio.run(_fetch(source, settings)) if is_address else read_capped(Path(source)))
    if report.alert is None:
        faults = "; ".join(str(fault) for fault in report.faults[:3])
        raise Invalid(f"{source}: {report.verdict}: {faults}", f"see all of it: dispatcher cap validate {source}")
    return report.alert


async def _fetch(address: str, settings: Settings) -> bytes:
    """Only a test deployment may fetch over http or from a private address, like its adapters."""
    is_test = settings.kind is DeploymentKind.TEST
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
    if answer.status != OK:
        raise Unavailable(f"the alert was not fetched: status {answer.status}", "check the address, or give a file")
    return answer.body

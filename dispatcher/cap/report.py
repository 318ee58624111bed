"""What reading an alert came to: a verdict, every fault that was found, and the alert where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dispatcher.cap.alert import Alert

FAULTS_SHOWN = 100
"""Reading stops here: nobody mends more at once, and a hostile file could name a fault per element."""

_QUOTED_CHARACTERS = 60


class Verdict(StrEnum):
    """``hold``: a person decides. ``feed``: not one alert but a list or envelope of several."""

    OK = "ok"
    HOLD = "hold"
    REFUSE = "refuse"
    FEED = "feed"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: ``code`` for programs, ``where`` as path and line, ``message`` for what to change.

    ``verdict`` is what comes of it: ``hold`` where a profile leaves it to a person.
    """

    code: str
    where: str
    message: str
    verdict: Verdict = Verdict.REFUSE

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


@dataclass(frozen=True, slots=True)
class Report:
    """At most ``FAULTS_SHOWN`` faults are named. ``signer`` is whose signature held, where one was checked.

    ``alert`` is there where the document is sound CAP, also where a profile holds or refuses it.
    """

    verdict: Verdict
    faults: tuple[Fault, ...] = ()
    alert: Alert | None = None
    signer: str = ""


class Unreadable(ValueError):
    """The bytes never became a document that could be checked further."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


def quoted(text: str) -> str:
    """Somebody else's text, cut and with control and direction characters escaped, fit for a terminal."""
    return repr(text if len(text) <= _QUOTED_CHARACTERS else text[:_QUOTED_CHARACTERS] + "…")


def shown(time: datetime) -> str:
    """A UTC time for people, to the minute."""
    return f"{time:%Y-%m-%d %H:%M} UTC"

"""The clock: how far it is off the database's, and whether anybody keeps it."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterator
from datetime import timedelta

from dispatcher.service.examining.findings import Finding, failing, note, ok, warning
from dispatcher.service.examining.site import Site

MOST = timedelta(seconds=2)
"""So far off the database's, a sender lets nothing leave (clause G04)."""

MUCH = timedelta(milliseconds=500)
ASK = ("timedatectl", "show", "--property=NTPSynchronized", "--value")
_TIMEX_BYTES, _STATUS_AT, _UNSYNCHRONISED = 256, 40, 0x40  # struct timex and STA_UNSYNC of Linux on 64 bits


def check(site: Site) -> Iterator[Finding]:
    """What is wrong with it."""
    yield from _against_database(site)
    yield from kept(asked())


def _against_database(site: Site) -> Iterator[Finding]:
    if site.store is None or site.store.engine.dialect.name == "sqlite":
        return
    before = site.now
    with site.store.read() as work:
        there, after = work.now, site.now
    off = max(there - after, before - there, timedelta(0))  # what the way there and back cannot explain
    told = f"the clock here is {off.total_seconds():.1f} s off the database's"
    if off > MOST:
        yield failing(told, "senders here let nothing leave (G04)", "have NTP keep both; then start the roles again")
    elif off > MUCH:
        yield warning(told, "from 2 s on, senders here let nothing leave (G04)", "have NTP keep both")
    else:
        yield ok("the clock here is the database's")


def kept(synchronised: bool | None) -> Iterator[Finding]:
    """Whether NTP keeps the clock, as far as that is known."""
    if synchronised is None:
        yield note("whether NTP keeps this clock is unknown", "nothing here tells", "look at the host: timedatectl")
    elif synchronised:
        yield ok("NTP keeps the clock")
    else:
        why = "windows, signatures and leases are judged by it"
        yield warning("NTP does not keep this clock", why, "start chrony or systemd-timesyncd on the host")


def asked() -> bool | None:
    """What systemd says of it, else the kernel; None where neither does."""
    try:
        said = subprocess.run(ASK, capture_output=True, text=True, timeout=2, check=False).stdout.strip()  # noqa: S603 - fixed words
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    if said in ("yes", "no"):
        return said == "yes"
    asked_of = ctypes.create_string_buffer(_TIMEX_BYTES)
    try:
        if ctypes.CDLL(None).adjtimex(asked_of) < 0:
            return None
    except (OSError, AttributeError):
        return None
    return not int.from_bytes(asked_of.raw[_STATUS_AT : _STATUS_AT + 4], "little") & _UNSYNCHRONISED

"""``validate``: the one way in, from bytes to a verdict.

    limits ▶ encoding ▶ no document type ▶ parse ▶ one alert? ▶ structure ▶ spec rules ▶ typed alert

The stages up to "one alert?" end the reading; the two after it both run, so that a sender is told everything at once.
Nothing is fetched, no clock is read: whether an alert is still in force is for ``propose`` to say.
"""

from __future__ import annotations

import hashlib
from itertools import chain, islice

from lxml import etree

from dispatcher.cap import rules, structure
from dispatcher.cap.build import build
from dispatcher.cap.reader import read
from dispatcher.cap.report import FAULTS_SHOWN, Report, Unreadable, Verdict


def validate(data: bytes) -> Report:
    """Say whether ``data`` is one sound CAP 1.2 alert, and give it. Never raises, whatever the bytes.

    Policy (no expiry, no area, drill words) and signatures are not judged here (reference: cap 5).
    """
    report, _ = validated(data)
    return report


def validated(data: bytes) -> tuple[Report, etree._Element | None]:
    """The same, and the element that it was read from; None where there is no alert."""
    try:
        element = read(data)
    except Unreadable as error:
        is_feed = any(fault.code == "feed" for fault in error.faults)
        return Report(Verdict.FEED if is_feed else Verdict.REFUSE, error.faults), None
    faults = tuple(islice(chain(structure.check(element), rules.check(element)), FAULTS_SHOWN))
    if faults:
        return Report(Verdict.REFUSE, faults), None
    return Report(Verdict.OK, alert=build(element, hashlib.sha256(data).hexdigest())), element

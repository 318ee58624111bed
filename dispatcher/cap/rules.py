"""What the standard's text asks and its structure cannot say (reference: cap 3.2, "not caught").

Rules
  1. One function per rule; each yields faults and skips what the structure check already named as missing.
  2. No rule here is policy: a missing expiry, an alert without an area, drill words in an Actual alert pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime

from lxml import etree

from dispatcher.cap.alert import MsgType, Reference, Scope
from dispatcher.cap.geometry import circle_problem, polygon_problem
from dispatcher.cap.report import Fault, quoted
from dispatcher.cap.structure import CAP, place
from dispatcher.cap.values import read_time

_NOT_IN_NAMES = re.compile(r"[\s,<&]")


def check(alert: etree._Element) -> Iterator[Fault]:
    """Yield every breach of the standard's text in an ``alert`` element."""
    for rule in _ALERT_RULES:
        yield from rule(alert)
    for number, info in enumerate(alert.iterchildren(f"{{{CAP}}}info"), 1):
        yield from _info(info, f"alert/info[{number}]")


def content(parent: etree._Element, name: str) -> str | None:
    """A child's text; empty text for an empty child, None for no child."""
    child = next(parent.iterchildren(f"{{{CAP}}}{name}"), None)
    return None if child is None else child.text or ""


def contents(parent: etree._Element, name: str) -> tuple[str, ...]:
    """The text of every child of that name."""
    return tuple(child.text or "" for child in parent.iterchildren(f"{{{CAP}}}{name}"))


def references(text: str) -> Iterator[Reference]:
    """Read whitespace-separated triples. Raises ValueError at the first that is not ``sender,identifier,sent``."""
    for match in re.finditer(r"\S+", text):
        piece = match[0]
        parts = piece.split(",")
        if len(parts) != 3 or not all(parts):
            raise ValueError(f"{quoted(piece)} is not a reference: write sender,identifier,sent, with spaces between")
        read_time(parts[2])
        yield Reference(*parts)


def _names(alert: etree._Element) -> Iterator[Fault]:
    for name in ("identifier", "sender"):
        value = content(alert, name)
        if value == "":
            yield Fault("empty", _at(alert, name), f"{name} is empty: write what names the {_NAMED[name]}")
        elif value is not None and (found := _NOT_IN_NAMES.search(value)):
            advice = f"{name} must not hold {quoted(found[0])}: write it without spaces, commas, < and &"
            yield Fault("name-characters", _at(alert, name), advice)


_NAMED = {"identifier": "message", "sender": "organisation that sent it"}


def _references(alert: etree._Element) -> Iterator[Fault]:
    text = content(alert, "references")
    kind = content(alert, "msgType")
    if not (text or "").strip():
        if kind in set(MsgType) - {MsgType.ALERT}:
            advice = f"{kind} must name the messages it is about: add references of sender,identifier,sent"
            yield Fault("references-missing", _at(alert, "references"), advice)
        return
    try:
        named = tuple(references(text or ""))
    except ValueError as error:
        yield Fault("references-form", _at(alert, "references"), str(error))
        return
    own = (content(alert, "sender"), content(alert, "identifier"))
    sent = _sent(alert)
    for reference in named:
        if (reference.sender, reference.identifier) == own:
            advice = "the message names itself: give the earlier message here, or this one a new identifier"
            yield Fault("references-itself", _at(alert, "references"), advice)
        elif sent and read_time(reference.sent) > sent:
            advice = f"{quoted(str(reference))} was sent after this message: correct one of the times"
            yield Fault("references-later", _at(alert, "references"), advice)


def _sent(alert: etree._Element) -> datetime | None:
    try:
        return read_time(content(alert, "sent") or "")
    except ValueError:
        return None


def _scope(alert: etree._Element) -> Iterator[Fault]:
    scope = content(alert, "scope")
    if scope == Scope.PRIVATE and not (content(alert, "addresses") or "").strip():
        advice = "scope is Private: add addresses, saying who it is for"
        yield Fault("addresses-missing", _at(alert, "addresses"), advice)
    if scope in (Scope.PUBLIC, Scope.PRIVATE) and (content(alert, "restriction") or "").strip():
        advice = f"scope is {scope}: remove restriction, or make the scope Restricted"
        yield Fault("restriction-unused", _at(alert, "restriction"), advice)


_ALERT_RULES: tuple[Callable[[etree._Element], Iterator[Fault]], ...] = (_names, _references, _scope)


def _info(info: etree._Element, path: str) -> Iterator[Fault]:
    yield from _not_blank(info, "event", path, "say in a word or two what is happening")
    for number, area in enumerate(info.iterchildren(f"{{{CAP}}}area"), 1):
        here = f"{path}/area[{number}]"
        yield from _not_blank(area, "areaDesc", here, "name the area in words")
        yield from _shapes(area, here)
        if content(area, "ceiling") is not None and content(area, "altitude") is None:
            yield Fault("ceiling-alone", place(here, area), "ceiling needs altitude: add altitude, or remove ceiling")


def _shapes(area: etree._Element, path: str) -> Iterator[Fault]:
    for name, problem_of in (("polygon", polygon_problem), ("circle", circle_problem)):
        for number, shape in enumerate(area.iterchildren(f"{{{CAP}}}{name}"), 1):
            if problem := problem_of(shape.text or ""):
                yield Fault(name, place(f"{path}/{name}[{number}]", shape), problem)


def _not_blank(parent: etree._Element, name: str, path: str, advice: str) -> Iterator[Fault]:
    value = content(parent, name)
    if value is not None and not value.strip():
        yield Fault("empty", place(f"{path}/{name}", parent), f"{name} is empty: {advice}")


def _at(alert: etree._Element, name: str) -> str:
    child = alert.find(f"{{{CAP}}}{name}")
    return place(f"alert/{name}", alert if child is None else child)

"""A sound ``alert`` element as a typed value. Call it only on an element that both checks have passed."""

from __future__ import annotations

from lxml import etree

from dispatcher.cap.alert import Alert, Area, Info, MsgType, Reference, Scope, Severity, Status
from dispatcher.cap.rules import content, contents
from dispatcher.cap.structure import CAP
from dispatcher.cap.values import DEFAULT_LANGUAGE, read_time, tag


def build(element: etree._Element, sha256: str) -> Alert:
    """Give the alert its types. ``sha256`` names the bytes it was read from."""
    return Alert(
        source=Reference(*(content(element, name) or "" for name in ("sender", "identifier", "sent"))),
        status=Status(_text(element, "status")),
        msg_type=MsgType(_text(element, "msgType")),
        scope=Scope(_text(element, "scope")),
        infos=tuple(_info(info) for info in element.iterfind(f"{{{CAP}}}info")),
        sha256=sha256,
    )


def _info(info: etree._Element) -> Info:
    expires = content(info, "expires")
    return Info(
        language=tag(_text(info, "language") or DEFAULT_LANGUAGE),
        categories=contents(info, "category"),
        event=_text(info, "event"),
        urgency=_text(info, "urgency"),
        severity=Severity(_text(info, "severity")),
        certainty=_text(info, "certainty"),
        expires=None if expires is None else read_time(expires),
        headline=_text(info, "headline"),
        description=_text(info, "description"),
        instruction=_text(info, "instruction"),
        areas=tuple(_area(area) for area in info.iterfind(f"{{{CAP}}}area")),
    )


def _area(area: etree._Element) -> Area:
    polygons, circles = (
        tuple(" ".join(shape.split()) for shape in contents(area, name)) for name in ("polygon", "circle")
    )
    return Area(_text(area, "areaDesc"), polygons, circles)


def _text(parent: etree._Element, name: str) -> str:
    return (content(parent, name) or "").strip()

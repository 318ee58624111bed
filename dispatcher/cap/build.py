"""A sound ``alert`` element as a typed value. Call it only on an element that both checks have passed."""

from __future__ import annotations

from datetime import datetime

from lxml import etree

from dispatcher.cap.alert import Alert, Area, Info, MsgType, Reference, Scope, Severity, Status
from dispatcher.cap.rules import content, contents, references
from dispatcher.cap.structure import CAP, XMLDSIG
from dispatcher.cap.values import DEFAULT_LANGUAGE, read_time, tag


def build(element: etree._Element, sha256: str) -> Alert:
    """Give the alert its types. ``sha256`` names the bytes it was read from."""
    return Alert(
        source=Reference(*(content(element, name) or "" for name in ("sender", "identifier", "sent"))),
        status=Status(_text(element, "status")),
        msg_type=MsgType(_text(element, "msgType")),
        scope=Scope(_text(element, "scope")),
        infos=tuple(_info(info) for info in element.iterchildren(f"{{{CAP}}}info")),
        sha256=sha256,
        references=tuple(references(_text(element, "references"))),
        note=_text(element, "note"),
        signatures=sum(1 for _ in element.iterchildren(f"{{{XMLDSIG}}}Signature")),
    )


def _info(info: etree._Element) -> Info:
    return Info(
        language=tag(_text(info, "language") or DEFAULT_LANGUAGE),
        categories=contents(info, "category"),
        event=_text(info, "event"),
        urgency=_text(info, "urgency"),
        severity=Severity(_text(info, "severity")),
        certainty=_text(info, "certainty"),
        expires=_time(info, "expires"),
        headline=_text(info, "headline"),
        description=_text(info, "description"),
        instruction=_text(info, "instruction"),
        areas=tuple(_area(area) for area in info.iterchildren(f"{{{CAP}}}area")),
        effective=_time(info, "effective"),
        event_codes=_named_values(info, "eventCode"),
    )


def _area(area: etree._Element) -> Area:
    polygons, circles = (
        tuple(" ".join(shape.split()) for shape in contents(area, name)) for name in ("polygon", "circle")
    )
    return Area(_text(area, "areaDesc"), polygons, circles, _named_values(area, "geocode"))


def _named_values(parent: etree._Element, name: str) -> tuple[tuple[str, str], ...]:
    return tuple((_text(one, "valueName"), _text(one, "value")) for one in parent.iterchildren(f"{{{CAP}}}{name}"))


def _time(parent: etree._Element, name: str) -> datetime | None:
    text = content(parent, name)
    return None if text is None else read_time(text)


def _text(parent: etree._Element, name: str) -> str:
    return (content(parent, name) or "").strip()

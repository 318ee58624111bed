"""A sound ``alert`` element as a typed value. Call it only on an element that both checks have passed."""

from __future__ import annotations

from datetime import datetime

from lxml import etree

from dispatcher.cap.alert import Alert, Area, Info, MsgType, NamedValue, Scope, Severity, Status
from dispatcher.cap.rules import content, contents, references
from dispatcher.cap.structure import CAP, XMLDSIG
from dispatcher.cap.values import DEFAULT_LANGUAGE, XML_SPACE, read_time


def build(element: etree._Element, sha256: str) -> Alert:
    """Give the alert its types. ``sha256`` names the bytes it was read from."""
    sent = _text(element, "sent")
    return Alert(
        identifier=_text(element, "identifier"),
        sender=_text(element, "sender"),
        sent=sent,
        sent_at=read_time(sent),
        status=Status(_text(element, "status")),
        msg_type=MsgType(_text(element, "msgType")),
        scope=Scope(_text(element, "scope")),
        note=_text(element, "note").strip(),
        references=tuple(references(_text(element, "references"))),
        infos=tuple(_info(info) for info in element.iterfind(f"{{{CAP}}}info")),
        signed=element.find(f"{{{XMLDSIG}}}Signature") is not None,
        sha256=sha256,
    )


def _info(info: etree._Element) -> Info:
    return Info(
        language=_text(info, "language").strip(XML_SPACE) or DEFAULT_LANGUAGE,
        categories=contents(info, "category"),
        event=_text(info, "event").strip(),
        response_types=contents(info, "responseType"),
        urgency=_text(info, "urgency"),
        severity=Severity(_text(info, "severity")),
        certainty=_text(info, "certainty"),
        effective=_time(info, "effective"),
        onset=_time(info, "onset"),
        expires=_time(info, "expires"),
        sender_name=_text(info, "senderName").strip(),
        headline=_text(info, "headline").strip(),
        description=_text(info, "description").strip(),
        instruction=_text(info, "instruction").strip(),
        web=_text(info, "web").strip(),
        areas=tuple(_area(area) for area in info.iterfind(f"{{{CAP}}}area")),
    )


def _area(area: etree._Element) -> Area:
    return Area(
        description=_text(area, "areaDesc").strip(),
        polygons=tuple(" ".join(polygon.split()) for polygon in contents(area, "polygon")),
        circles=tuple(" ".join(circle.split()) for circle in contents(area, "circle")),
        geocodes=tuple(
            NamedValue(_text(code, "valueName"), _text(code, "value")) for code in area.iterfind(f"{{{CAP}}}geocode")
        ),
    )


def _text(parent: etree._Element, name: str) -> str:
    return content(parent, name) or ""


def _time(parent: etree._Element, name: str) -> datetime | None:
    value = content(parent, name)
    return None if value is None else read_time(value)

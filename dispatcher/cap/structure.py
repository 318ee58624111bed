"""The structure of a CAP 1.2 alert, as tables of our own, and the check against them.

Rules
  1. An element with children lists them in the order in which they must come; a name stands once in a list, so a
     document fits exactly when positions never fall and counts keep within their bounds.
  2. CAP has no attributes; only the hints of XML Schema instances (``xsi:schemaLocation``) are let through, unread.
  3. After the last ``info`` only XML signature elements may follow; what is in them is not looked at.
  4. Every fault is named, not only the first. Source: the OASIS CAP 1.2 element table; the tests prove the
     verdicts equal to the schema's wherever that is at hand.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from dispatcher.cap import values
from dispatcher.cap.alert import MsgType, Scope, Severity, Status
from dispatcher.cap.report import Fault, quoted
from dispatcher.cap.values import XML_SPACE, Kind

CAP = "urn:oasis:names:tc:emergency:cap:1.2"
XMLDSIG = "http://www.w3.org/2000/09/xmldsig#"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_HINTS = {f"{{{_XSI}}}schemaLocation", f"{{{_XSI}}}noNamespaceSchemaLocation"}

Rules = tuple["Child", ...]


@dataclass(frozen=True, slots=True)
class Child:
    """One place in a list of children; ``most`` None means any number. ``holds`` is a value kind or more children."""

    name: str
    holds: Kind | Rules
    least: int = 1
    most: int | None = 1


def _maybe(name: str, holds: Kind | Rules) -> Child:
    return Child(name, holds, least=0)


def _some(name: str, holds: Kind | Rules) -> Child:
    return Child(name, holds, most=None)


def _many(name: str, holds: Kind | Rules) -> Child:
    return Child(name, holds, least=0, most=None)


CATEGORIES = (
    *("Geo", "Met", "Safety", "Security", "Rescue", "Fire"),
    *("Health", "Env", "Transport", "Infra", "CBRNE", "Other"),
)
RESPONSES = ("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None")
URGENCIES = ("Immediate", "Expected", "Future", "Past", "Unknown")
CERTAINTIES = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")

_NAMED_VALUE: Rules = (Child("valueName", values.text), Child("value", values.text))

_RESOURCE: Rules = (
    Child("resourceDesc", values.text),
    Child("mimeType", values.text),
    _maybe("size", values.integer),
    _maybe("uri", values.uri),
    _maybe("derefUri", values.text),
    _maybe("digest", values.text),
)

_AREA: Rules = (
    Child("areaDesc", values.text),
    _many("polygon", values.text),
    _many("circle", values.text),
    _many("geocode", _NAMED_VALUE),
    _maybe("altitude", values.decimal),
    _maybe("ceiling", values.decimal),
)

_INFO: Rules = (
    _maybe("language", values.language),
    _some("category", values.words(CATEGORIES)),
    Child("event", values.text),
    _many("responseType", values.words(RESPONSES)),
    Child("urgency", values.words(URGENCIES)),
    Child("severity", values.words(Severity)),
    Child("certainty", values.words(CERTAINTIES)),
    _maybe("audience", values.text),
    _many("eventCode", _NAMED_VALUE),
    _maybe("effective", values.time),
    _maybe("onset", values.time),
    _maybe("expires", values.time),
    _maybe("senderName", values.text),
    _maybe("headline", values.text),
    _maybe("description", values.text),
    _maybe("instruction", values.text),
    _maybe("web", values.uri),
    _maybe("contact", values.text),
    _many("parameter", _NAMED_VALUE),
    _many("resource", _RESOURCE),
    _many("area", _AREA),
)

ALERT: Rules = (
    Child("identifier", values.text),
    Child("sender", values.text),
    Child("sent", values.time),
    Child("status", values.words(Status)),
    Child("msgType", values.words(MsgType)),
    _maybe("source", values.text),
    Child("scope", values.words(Scope)),
    _maybe("restriction", values.text),
    _maybe("addresses", values.text),
    _many("code", values.text),
    _maybe("note", values.text),
    _maybe("references", values.text),
    _maybe("incidents", values.text),
    _many("info", _INFO),
)


def check(alert: etree._Element) -> Iterator[Fault]:
    """Yield every departure of an ``alert`` element from the tables; comments must be gone from it."""
    return _element(alert, Child("alert", ALERT), "alert")


def place(path: str, element: etree._Element) -> str:
    """Where an element is, for people: its path and its line."""
    return f"{path} (line {element.sourceline})"


def _element(element: etree._Element, rule: Child, path: str) -> Iterator[Fault]:
    yield from _attributes(element, path)
    if isinstance(rule.holds, tuple):
        yield from _stray_text(element, path)
        yield from _children(element, rule.holds, path)
    elif len(element):
        yield Fault("markup-in-text", place(path, element), f"{rule.name} holds text only: remove the elements in it")
    elif problem := rule.holds(element.text or ""):
        yield Fault("bad-value", place(path, element), problem)


def _attributes(element: etree._Element, path: str) -> Iterator[Fault]:
    for name in element.attrib:
        if name not in _HINTS:
            yield Fault("attribute", place(path, element), f"CAP has no attributes: remove {quoted(str(name))}")


def _stray_text(element: etree._Element, path: str) -> Iterator[Fault]:
    pieces = [element.text, *(child.tail for child in element)]
    stray = next((piece for piece in pieces if piece and piece.strip(XML_SPACE)), None)
    if stray is not None:
        yield Fault("stray-text", place(path, element), f"remove the text {quoted(stray.strip())} between elements")


def _children(parent: etree._Element, rules: Rules, path: str) -> Iterator[Fault]:
    order = {f"{{{CAP}}}{rule.name}": number for number, rule in enumerate(rules)}
    seen: Counter[str] = Counter()
    reached = 0
    for child in parent:
        tag = str(child.tag)
        if rules is ALERT and tag.startswith(f"{{{XMLDSIG}}}"):
            reached = len(rules)
        elif tag not in order:
            yield _unknown(child, rules, path)
        else:
            number = order[tag]
            rule = rules[number]
            seen[rule.name] += 1
            here = f"{path}/{rule.name}[{seen[rule.name]}]" if rule.most is None else f"{path}/{rule.name}"
            if rule.most is not None and seen[rule.name] > rule.most:
                yield Fault("repeated", place(here, child), f"{rule.name} may come once only: remove one")
            elif number < reached:
                later = next((after.name for after in rules[number + 1 :] if seen[after.name]), "the signature")
                yield Fault("order", place(here, child), f"{rule.name} comes too late: move it up, before {later}")
            reached = max(reached, number)
            yield from _element(child, rule, here)
    yield from _missing(parent, rules, seen, path)


def _missing(parent: etree._Element, rules: Rules, seen: Mapping[str, int], path: str) -> Iterator[Fault]:
    for number, rule in enumerate(rules):
        if seen[rule.name] < rule.least:
            earlier = next((before.name for before in reversed(rules[:number]) if seen[before.name]), None)
            position = f"after {earlier}" if earlier else "first"
            yield Fault("missing", place(path, parent), f"{rule.name} is missing: add it {position}")


def _unknown(child: etree._Element, rules: Rules, path: str) -> Fault:
    name = etree.QName(child)
    where = place(path, child)
    if name.namespace != CAP:
        origin = quoted(name.namespace or "no namespace")
        return Fault("foreign-element", where, f"remove {quoted(name.localname)} ({origin}): it is no part of CAP")
    close = difflib.get_close_matches(name.localname[:40], [rule.name for rule in rules], n=1, cutoff=0.8)
    advice = f"did you mean {close[0]}?" if close else "remove it, or move it to the element it belongs to"
    return Fault("unknown-element", where, f"{quoted(name.localname)} does not belong here: {advice}")

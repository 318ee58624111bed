"""The structure of a CAP 1.2 alert, as tables of our own, and the check against them.

Rules
  1. An element with children lists them in the order in which they must come; a name stands once in a list, so a
     document fits exactly when positions never fall and counts keep within their bounds.
  2. CAP has no attributes; only the hints of XML Schema instances (``xsi:schemaLocation``) are let through, unread.
  3. After the last ``info`` only XML signature elements may follow; what is in them is not looked at.
  4. Every fault is named, not only the first. Source: the OASIS CAP 1.2 element table; the tests prove the verdicts
     equal to the schema's wherever that is at hand, web addresses left aside.
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

CATEGORIES = (
    *("Geo", "Met", "Safety", "Security", "Rescue", "Fire"),
    *("Health", "Env", "Transport", "Infra", "CBRNE", "Other"),
)
_RESPONSES = ("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None")


@dataclass(frozen=True, slots=True)
class Child:
    """One place in a list of children."""

    name: str
    needed: bool
    once: bool


def _children_of(words: str) -> tuple[Child, ...]:
    return tuple(Child(word.rstrip("?*+"), word[-1] not in "?*", word[-1] not in "*+") for word in words.split())


_NAMED_VALUE = _children_of("valueName value")

TABLE = {
    "alert": _children_of(
        "identifier sender sent status msgType source? scope restriction? addresses? code* note? references?"
        " incidents? info*"
    ),
    "info": _children_of(
        "language? category+ event responseType* urgency severity certainty audience? eventCode* effective? onset?"
        " expires? senderName? headline? description? instruction? web? contact? parameter* resource* area*"
    ),
    "resource": _children_of("resourceDesc mimeType size? uri? derefUri? digest?"),
    "area": _children_of("areaDesc polygon* circle* geocode* altitude? ceiling?"),
    "eventCode": _NAMED_VALUE,
    "parameter": _NAMED_VALUE,
    "geocode": _NAMED_VALUE,
}
"""What holds elements, and which: ``?`` may stand there, ``*`` any number of times, ``+`` once or more."""

_ORDER = {name: {f"{{{CAP}}}{rule.name}": at for at, rule in enumerate(rules)} for name, rules in TABLE.items()}

_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("sent", "effective", "onset", "expires"), values.time),
    **dict.fromkeys(("altitude", "ceiling"), values.decimal),
    "size": values.integer,
    "language": values.language,
    "status": values.words(Status),
    "msgType": values.words(MsgType),
    "scope": values.words(Scope),
    "category": values.words(CATEGORIES),
    "responseType": values.words(_RESPONSES),
    "urgency": values.words(("Immediate", "Expected", "Future", "Past", "Unknown")),
    "severity": values.words(Severity),
    "certainty": values.words(("Observed", "Likely", "Possible", "Unlikely", "Unknown")),
}
"""What other elements hold; those that are not here hold any text (addresses too: nothing here follows them)."""


def check(alert: etree._Element) -> Iterator[Fault]:
    """Yield every departure of an ``alert`` element from the tables; comments must be gone from it."""
    return _element(alert, "alert", "alert")


def place(path: str, element: etree._Element) -> str:
    """Where an element is, for people: its path and its line."""
    return f"{path} (line {element.sourceline})"


def _element(element: etree._Element, name: str, path: str) -> Iterator[Fault]:
    yield from _attributes(element, path)
    if name in TABLE:
        yield from _stray_text(element, path)
        yield from _children(element, name, path)
    elif len(element):
        yield Fault("markup-in-text", place(path, element), f"{name} holds text only: remove the elements in it")
    elif name in _KINDS and (problem := _KINDS[name](element.text or "")):
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


def _children(parent: etree._Element, name: str, path: str) -> Iterator[Fault]:
    rules, order = TABLE[name], _ORDER[name]
    seen: Counter[str] = Counter()
    reached = 0
    for child in parent:
        tag = str(child.tag)
        if name == "alert" and tag.startswith(f"{{{XMLDSIG}}}"):
            reached = len(rules)
        elif tag not in order:
            yield _unknown(child, rules, path)
        else:
            number = order[tag]
            rule = rules[number]
            seen[rule.name] += 1
            here = f"{path}/{rule.name}[{seen[rule.name]}]" if not rule.once else f"{path}/{rule.name}"
            if rule.once and seen[rule.name] > 1:
                yield Fault("repeated", place(here, child), f"{rule.name} may come once only: remove one")
            elif number < reached:
                later = next((after.name for after in rules[number + 1 :] if seen[after.name]), "the signature")
                yield Fault("order", place(here, child), f"{rule.name} comes too late: move it up, before {later}")
            reached = max(reached, number)
            yield from _element(child, rule.name, here)
    yield from _missing(parent, rules, seen, path)


def _missing(parent: etree._Element, rules: tuple[Child, ...], seen: Mapping[str, int], path: str) -> Iterator[Fault]:
    for number, rule in enumerate(rules):
        if rule.needed and not seen[rule.name]:
            earlier = next((before.name for before in reversed(rules[:number]) if seen[before.name]), None)
            position = f"after {earlier}" if earlier else "first"
            yield Fault("missing", place(path, parent), f"{rule.name} is missing: add it {position}")


def _unknown(child: etree._Element, rules: tuple[Child, ...], path: str) -> Fault:
    name = etree.QName(child)
    where = place(path, child)
    if name.namespace != CAP:
        origin = quoted(name.namespace or "no namespace")
        return Fault("foreign-element", where, f"remove {quoted(name.localname)} ({origin}): it is no part of CAP")
    close = difflib.get_close_matches(name.localname[:40], [rule.name for rule in rules], n=1, cutoff=0.8)
    advice = f"did you mean {close[0]}?" if close else "remove it, or move it to the element it belongs to"
    return Fault("unknown-element", where, f"{quoted(name.localname)} does not belong here: {advice}")

"""CAP 1.2 on the wire: from a signed rendering to the bytes of an alert, and back as far as a feed needs it.

Rules (reference: cap 3)
  1. Elements stand in the schema's order; what follows ``info`` is left free for a signature.
  2. Times are UTC, whole seconds, written ``-00:00``.
  3. Every ``info`` names its language with a region: a reader takes a missing language for en-US.
  4. ``status`` is Exercise for an exercise, with the fact in ``note`` and at the head of every text; an Actual alert
     carries no such words.
  5. The bytes are a function of the rendering, the identifier, the release time and the references: nothing else.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from lxml import etree

from channels.contract import DeliveryKind, Json, LanguageText, Rendering
from channels.text import EXERCISE_LINE

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
MESSAGE_TYPES = {DeliveryKind.PUBLISH: "Alert", DeliveryKind.CORRECT: "Update", DeliveryKind.WITHDRAW: "Cancel"}
CODES = ("event", "urgency", "severity", "certainty")

_TEXTS = ("language", "headline", "description", "instruction")
_INFO = f"{{{NAMESPACE}}}info"
_REGIONS = {"en": "en-GB", "cy": "cy-GB", "gd": "gd-GB", "ga": "ga-GB"}
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@dataclass(frozen=True, slots=True)
class Read:
    """What a feed needs from an alert file: its name, its place in a chain, its life, and its words.

    ``triple`` is ``sender,identifier,sent``, the form in which other alerts refer to it.
    """

    identifier: str
    triple: str
    sent: datetime
    status: str
    references: tuple[str, ...]
    expires: datetime
    infos: tuple[LanguageText, ...]


class OptionError(ValueError):
    """A rendering's options do not hold what CAP needs; the message names the option."""


class NotAnAlert(ValueError):
    """The bytes are not a CAP 1.2 alert of the kind that this module writes."""


def identifier(delivery: str) -> str:
    """The CAP identifier of a delivery, also its file name: its id, or a digest where that would not be safe."""
    return delivery if _PLAIN.fullmatch(delivery) else hashlib.sha256(delivery.encode()).hexdigest()[:32]


def triple(sender: str, name: str, sent: datetime) -> str:
    """How another alert refers to this one (reference: cap 3.2)."""
    return f"{sender},{name},{cap_time(sent)}"


def cap_time(value: datetime) -> str:
    """``2026-11-21T18:05:00-00:00``."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S-00:00")


def info(text: LanguageText, *, exercise: bool) -> LanguageText:
    """One language as its info carries it; an exercise says so at the head of headline and description."""
    headline = f"{EXERCISE_LINE} {text.headline}" if exercise else text.headline
    description = f"{EXERCISE_LINE}\n{text.body}" if exercise else text.body
    texts = (unicodedata.normalize("NFC", piece) for piece in (headline, description, text.instruction))
    return LanguageText(_REGIONS.get(text.language, text.language), *texts)


def text_of(info: LanguageText) -> str:
    """What a person reads, as one text: the part of the rendering that people sign."""
    return "\n\n".join(piece for piece in (info.headline, info.body, info.instruction) if piece)


def infos(options: Mapping[str, Json]) -> list[LanguageText]:
    """Read the infos back from a rendering's options. Raises OptionError."""
    documents = options.get("infos")
    if not isinstance(documents, list):
        raise OptionError("the option infos must be a list")
    return [_info(document) for document in documents]


def words(options: Mapping[str, Json], key: str) -> list[str]:
    """A list of texts from a rendering's options. Raises OptionError."""
    value = options.get(key)
    if not isinstance(value, list):
        raise OptionError(f"the option {key} must be a list of texts")
    return [_word(item, key) for item in value]


def word(options: Mapping[str, Json], key: str) -> str:
    """A text from a rendering's options. Raises OptionError."""
    return _word(options.get(key), key)


def build(rendering: Rendering, name: str, sent: datetime, references: tuple[str, ...]) -> bytes:
    """The alert's bytes. Raises OptionError where the rendering's options do not hold what CAP needs."""
    options = rendering.options
    alert = etree.fromstring(f'<alert xmlns="{NAMESPACE}"/>')
    _add(alert, "identifier", name)
    _add(alert, "sender", word(options, "sender"))
    _add(alert, "sent", cap_time(sent))
    _add(alert, "status", word(options, "status"))
    _add(alert, "msgType", MESSAGE_TYPES[rendering.kind] if references else "Alert")
    _add(alert, "scope", "Public")
    _add(alert, "note", word(options, "note"))
    _add(alert, "references", " ".join(references))
    for value in infos(options):
        _add_info(alert, value, options)
    return etree.tostring(alert, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def read(data: bytes) -> Read:
    """Read an alert file of ours. Raises NotAnAlert."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        alert = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise NotAnAlert(f"not XML: {error}") from error
    found = tuple(LanguageText(*(_text(info, tag) for tag in _TEXTS)) for info in alert.iterfind(_INFO))
    name, sender, sent = (_text(alert, tag) for tag in ("identifier", "sender", "sent"))
    if alert.tag != f"{{{NAMESPACE}}}alert" or not (name and sender and sent and found):
        raise NotAnAlert("not a CAP 1.2 alert with an identifier, a sender, a time and an info")
    try:
        return Read(
            identifier=name,
            triple=f"{sender},{name},{sent}",
            sent=_time(sent),
            status=_text(alert, "status"),
            references=tuple(_text(alert, "references").split()),
            expires=max(_time(_text(element, "expires")) for element in alert.iterfind(_INFO)),
            infos=found,
        )
    except ValueError as error:
        raise NotAnAlert(f"a time is not in CAP's form: {error}") from error


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} has no offset from UTC")
    return found


def _add(parent: etree._Element, tag: str, text: str) -> None:
    if text:
        etree.SubElement(parent, f"{{{NAMESPACE}}}{tag}").text = text


def _add_info(alert: etree._Element, value: LanguageText, options: Mapping[str, Json]) -> None:
    element = etree.SubElement(alert, _INFO)
    _add(element, "language", value.language)
    for category in words(options, "category"):
        _add(element, "category", category)
    for tag in CODES:
        _add(element, tag, word(options, tag))
    _add(element, "expires", word(options, "expires"))
    _add(element, "senderName", word(options, "sender_name"))
    _add(element, "headline", value.headline)
    _add(element, "description", value.body)
    _add(element, "instruction", value.instruction)
    _add(element, "web", word(options, "web"))
    area = etree.SubElement(element, f"{{{NAMESPACE}}}area")
    _add(area, "areaDesc", ", ".join(words(options, "area")))
    for tag, key in (("polygon", "polygons"), ("circle", "circles")):
        for shape in words(options, key):
            _add(area, tag, shape)


def _text(element: etree._Element, tag: str) -> str:
    return element.findtext(f"{{{NAMESPACE}}}{tag}", default="")


def _info(document: Json) -> LanguageText:
    if not isinstance(document, dict):
        raise OptionError("an info must be an object")
    return LanguageText(*(word(document, field.name) for field in fields(LanguageText)))


def _word(value: Json, key: str) -> str:
    if not isinstance(value, str):
        raise OptionError(f"the option {key} must be text")
    return value

"""Bytes to one ``alert`` element, for files from anybody.

Rules
  1. Limits come first, on bytes and text, before any tree is built (reference: cap 3.6 for size and shapes).
  2. The encoding is decided once, here: byte order mark, else declaration, else UTF-8; where two of them disagree,
     or a byte does not fit, the file is refused. The parser then sees our UTF-8 and nothing else.
  3. A document type is refused unread: no entity is ever declared, so none is ever expanded.
  4. The parser fetches nothing, loads nothing, repairs nothing, and drops comments and processing instructions, so
     that ``Ac<!-- -->tual`` reads as one text (reference: cap 3.2).
  5. A list of alerts is told apart from a broken alert, also where it cannot be parsed.
"""

from __future__ import annotations

import codecs
import re

from lxml import etree

from dispatcher.cap.report import Fault, Unreadable, quoted
from dispatcher.cap.structure import CAP

MAX_BYTES = 5_000_000
MAX_TAGS = 100_000
MAX_ATTRIBUTES = 20_000
MAX_SHAPES = 1_000
MAX_POINTS = 50_000
MAX_REFERENCES = 1_000

_MARKS = (
    (codecs.BOM_UTF8, "utf-8", {"utf-8"}),
    (codecs.BOM_UTF16_LE, "utf-16-le", {"utf-16", "utf-16le"}),
    (codecs.BOM_UTF16_BE, "utf-16-be", {"utf-16", "utf-16be"}),
)
_CODECS = {
    "utf-8": "utf-8",
    "us-ascii": "ascii",
    "iso-8859-1": "iso-8859-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
}
_DECLARED = re.compile(r"""<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_DECLARATION_CHARACTERS = 400

_PROLOG = re.compile(r"(?:\s++|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*+(?:\[.*?\]\s*)?>", re.DOTALL)
_ROOT = re.compile(r"<(?:[^\s<>/:]++:)?([^\s<>/:]++)")
_ATTRIBUTE = re.compile(r"""=\s*+["']""")

_LISTS = {"feed": "an Atom feed", "entry": "an Atom entry", "rss": "an RSS feed", "RDF": "an RSS 1.0 feed"}
_OLD_VERSION = re.compile(r"(?:urn:oasis:names:tc:emergency:cap:|http://www\.incident\.com/cap/)(1\.[01])")


def read(data: bytes) -> etree._Element:
    """Return the ``alert`` element of a CAP 1.2 document. Raises Unreadable, with every reason known by then."""
    root = parsed(data)
    _check_root(root)
    _check_counts(root)
    return root


def parsed(data: bytes) -> etree._Element:
    """The outermost element of any document within the limits. Raises Unreadable."""
    text = _text(data)
    _check_text(text)
    return _parse(text)


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise _unreadable("too-large", f"the file has {len(data)} bytes: give one alert of at most {MAX_BYTES}")
    if not data.strip():
        raise _unreadable("empty", "the file is empty: give one CAP 1.2 alert")
    mark, codec, fitting = next((row for row in _MARKS if data.startswith(row[0])), (b"", "", set(_CODECS)))
    body = data[len(mark) :]
    head = body[: 2 * _DECLARATION_CHARACTERS].decode(codec or "iso-8859-1", "ignore")[:_DECLARATION_CHARACTERS]
    match = _DECLARED.match(head)
    declared = match[1].lower() if match else None
    if declared and declared not in fitting:
        raise _unreadable("encoding", f"the declared encoding {quoted(declared)} is not the file's: save it as UTF-8")
    codec = codec or _CODECS[declared or "utf-8"]
    try:
        return body.decode(codec)
    except UnicodeDecodeError as error:
        problem = f"byte {error.start + len(mark)} is not {declared or codec}: save the file as UTF-8"
        raise _unreadable("encoding", problem, body.decode(codec, "replace")) from None


def _check_text(text: str) -> None:
    if text.count("<") > MAX_TAGS or sum(1 for _ in _ATTRIBUTE.finditer(text)) > MAX_ATTRIBUTES:
        raise _unreadable("too-complex", "the file has far more markup than any alert: give one alert", text)
    if text.startswith("<!DOCTYPE", _prolog_end(text)):
        advice = "the file has a document type (DOCTYPE): remove it, with any entity it declares"
        raise _unreadable("doctype", advice, text)


def _parse(text: str) -> etree._Element:
    parser = etree.XMLParser(
        encoding="utf-8",
        no_network=True,
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        reason = (error.msg or "unknown error").split(", line ")[0]
        problem = f"not well-formed XML: {quoted(reason)}; mend line {error.lineno or 1}"
        raise _unreadable("not-well-formed", problem, text) from None


def _check_root(root: etree._Element) -> None:
    name = etree.QName(root)
    if (name.namespace, name.localname) != (CAP, "alert"):
        raise Unreadable(_root_fault(root, name, f"{quoted(name.localname)[1:-1]} (line {root.sourceline})"))


def _root_fault(root: etree._Element, name: etree.QName, where: str) -> Fault:
    version = _OLD_VERSION.fullmatch(name.namespace or "")
    alerts = sum(1 for _ in root.iter("{*}alert"))
    match name.localname:
        case local if local in _LISTS:
            return _feed(_LISTS[local], where)
        case "EDXLDistribution" if alerts == 1:
            advice = "this is an EDXL envelope around an alert: give the alert element in it as its own file"
            return Fault("envelope", where, advice)
        case "EDXLDistribution":
            return _feed(f"an EDXL envelope of {alerts} alerts", where)
        case _ if version:
            return Fault("old-version", where, f"this is CAP {version[1]}: ask its sender for CAP 1.2")
        case "alerts":
            return Fault(
                "wrapper", where, "CAP knows no 'alerts': give one document whose outermost element is alert"
            )
        case "alert":
            return Fault("namespace", where, f'this alert is not marked as CAP 1.2: write xmlns="{CAP}" on it')
        case local:
            return Fault("not-cap", where, f"the document is {quoted(local)}, not a CAP alert: give one alert")


def _check_counts(alert: etree._Element) -> None:
    shapes = [shape.text or "" for shape in alert.iter(f"{{{CAP}}}polygon", f"{{{CAP}}}circle")]
    references = "".join(named.text or "" for named in alert.iter(f"{{{CAP}}}references"))
    counts = (
        ("shapes", len(shapes), MAX_SHAPES),
        ("points", sum(shape.count(",") for shape in shapes), MAX_POINTS),
        ("references", references.count(",") // 2, MAX_REFERENCES),
    )
    for what, count, most in counts:
        if count > most:
            raise _unreadable(f"too-many-{what}", f"the alert has {count} {what}: simplify it to {most} at most")


def _unreadable(code: str, message: str, text: str = "") -> Unreadable:
    fault = Fault(code, "", message)
    name = _root_name(text)
    return Unreadable(_feed(_LISTS[name], ""), fault) if name in _LISTS else Unreadable(fault)


def _feed(what: str, where: str) -> Fault:
    return Fault("feed", where, f"this is {what}, not an alert: open it, choose one alert, and give that one")


def _prolog_end(text: str) -> int:
    match = _PROLOG.match(text)
    return match.end() if match else 0


def _root_name(text: str) -> str:
    """The root element's name as far as it can be told without parsing; only chooses words, decides nothing."""
    start = _prolog_end(text)
    if doctype := _DOCTYPE.match(text, start):
        start = doctype.end() + _prolog_end(text[doctype.end() :])
    root = _ROOT.match(text, start)
    return root[1] if root else ""

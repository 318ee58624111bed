"""From bytes to one alert element: encodings, limits, document types, and what is no alert."""

import hashlib
import re
from collections.abc import Callable

import pytest

from dispatcher.cap import reader
from dispatcher.cap.alert import Status
from dispatcher.cap.report import Verdict
from dispatcher.cap.validate import validate

ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><title>Alerts</title></feed>'
EDXL = '<EDXLDistribution xmlns="urn:oasis:names:tc:emergency:EDXL:DE:1.0">{}</EDXLDistribution>'
BARE_ALERT = '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"/>'


def codes(data: bytes) -> list[str]:
    """The fault codes of a document."""
    return [fault.code for fault in validate(data).faults]


def declared(data: bytes, encoding: str) -> str:
    """The document as text, declaring another encoding."""
    return data.decode().replace("UTF-8", encoding)


def test_a_built_alert_is_sound(cap) -> None:
    """The builder's alert has no fault, so that each test below shows its own change only."""
    assert validate(cap.alert()).faults == ()


def test_an_alert_is_named_by_the_digest_of_the_bytes_received(cap) -> None:
    """The digest is over the file, not over what was read from it."""
    data = cap.alert() + b"<!-- kept in the digest -->"
    assert validate(data).alert.sha256 == hashlib.sha256(data).hexdigest()


def test_identity_stays_the_strings_that_were_read(cap) -> None:
    """An offset written by the sender is not rewritten."""
    alert = validate(cap.alert(sent="2026-11-21T18:05:00+05:30")).alert
    assert str(alert.source) == "alerts@wylan.example,wylan-2026-42,2026-11-21T18:05:00+05:30"


def test_a_comment_inside_a_word_does_not_cut_it(cap) -> None:
    """``Ac<!-- -->tual`` reads as Actual."""
    data = cap.alert().replace(b">Actual<", b">Ac<!-- x -->tu<?y z?>al<")
    assert validate(data).alert.status is Status.ACTUAL


@pytest.mark.parametrize(
    ("encode", "encoding"),
    [
        (lambda text: b"\xef\xbb\xbf" + text.encode(), "utf-8"),
        (lambda text: b"\xff\xfe" + text.encode("utf-16-le"), "utf-16"),
        (lambda text: b"\xfe\xff" + text.encode("utf-16-be"), "UTF-16"),
        (lambda text: text.encode("iso-8859-1"), "ISO-8859-1"),
        (lambda text: text.encode("cp1252"), "windows-1252"),
        (lambda text: text.encode(), "utf-8"),
    ],
)
def test_an_honest_encoding_is_read(cap, encode: Callable[[str], bytes], encoding: str) -> None:
    """Accented text survives every encoding that is declared as it is."""
    data = encode(declared(cap.alert(cap.info(headline="Rhybudd: tŷ".replace("ŷ", "ý"))), encoding))
    assert validate(data).alert.infos[0].headline == "Rhybudd: tý"


@pytest.mark.parametrize(
    ("encode", "encoding"),
    [
        (lambda text: text.encode("iso-8859-1"), "UTF-8"),
        (lambda text: text.encode(), "UTF-16"),
        (lambda text: b"\xff\xfe" + text.encode("utf-16-le"), "UTF-8"),
        (lambda text: b"\xef\xbb\xbf" + text.encode(), "ISO-8859-1"),
        (lambda text: text.encode(), "US-ASCII"),
        (lambda text: text.encode(), "EBCDIC-CP-GB"),
    ],
)
def test_a_dishonest_encoding_is_refused(cap, encode: Callable[[str], bytes], encoding: str) -> None:
    """A file whose bytes, mark and declaration disagree is not guessed at."""
    assert codes(encode(declared(cap.alert(cap.info(headline="tý")), encoding))) == ["encoding"]


@pytest.mark.parametrize("data", [b"", b"  \n "])
def test_an_empty_file_is_said_to_be_empty(data: bytes) -> None:
    """Nothing is not a syntax error."""
    assert codes(data) == ["empty"]


@pytest.mark.parametrize("data", [b"hello", b"{}", b"\x00\x01\x02", b"<alert>", b"\x89PNG\r\n\x1a\n", b"<a/><b/>"])
def test_what_is_not_xml_is_refused_and_never_raises(data: bytes) -> None:
    """Any bytes end in a verdict."""
    assert validate(data).verdict is Verdict.REFUSE


@pytest.mark.parametrize(
    "doctype", ["<!DOCTYPE alert>", '<!-- x --><?y?>\n<!DOCTYPE alert SYSTEM "file:///etc/passwd" [<!ENTITY a "b">]>']
)
def test_a_document_type_is_refused(cap, doctype: str) -> None:
    """Whatever a DOCTYPE would declare, it is refused unread."""
    assert codes(cap.alert().replace(b"<alert", doctype.encode() + b"<alert", 1)) == ["doctype"]


def test_a_document_type_inside_text_is_only_text(cap) -> None:
    """The word in a description is no document type."""
    assert validate(cap.alert(cap.info(description="<!DOCTYPE alert>"))).verdict is Verdict.OK


@pytest.mark.parametrize(
    "data",
    [
        ATOM,
        f'<?xml version="1.0"?>\n<!-- x -->{ATOM}',
        f'<!DOCTYPE feed [<!ENTITY a "b">]>\n{ATOM}',
        ATOM.replace("</title>", ""),
        '<rss version="2.0"><channel/></rss>',
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>',
        '<entry xmlns="http://www.w3.org/2005/Atom"/>',
        EDXL.format(BARE_ALERT * 2),
        EDXL.format(""),
    ],
)
def test_a_list_of_alerts_is_refused_as_a_feed(data: str) -> None:
    """Feeds and envelopes of several alerts get their own verdict, also where they are broken."""
    report = validate(data.encode())
    assert report.verdict is Verdict.FEED
    assert "one alert" in report.faults[0].message


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        ('<alert xmlns="urn:oasis:names:tc:emergency:cap:1.1"/>', "old-version", "CAP 1.1"),
        ('<alert xmlns="http://www.incident.com/cap/1.0"/>', "old-version", "CAP 1.0"),
        ("<alert/>", "namespace", "urn:oasis:names:tc:emergency:cap:1.2"),
        ('<alerts xmlns="urn:oasis:names:tc:emergency:cap:1.2"/>', "wrapper", "outermost element is alert"),
        (EDXL.format(BARE_ALERT), "envelope", "as its own file"),
        ("<html><body/></html>", "not-cap", "'html'"),
    ],
)
def test_what_is_no_cap_12_alert_is_told_what_it_is(data: str, code: str, says: str) -> None:
    """Each kind of wrong document has its own code and words."""
    (fault,) = validate(data.encode()).faults
    assert (fault.code, says in fault.message) == (code, True)


def test_a_file_above_the_size_limit_is_refused(cap) -> None:
    """One byte more than 5 MB is too much, whatever it holds."""
    data = cap.alert()
    assert codes(data + b" " * (reader.MAX_BYTES + 1 - len(data))) == ["too-large"]


def test_a_file_at_the_size_limit_is_read(cap) -> None:
    """Exactly 5 MB passes."""
    data = cap.alert()
    assert codes(data + b" " * (reader.MAX_BYTES - len(data))) == []


@pytest.mark.parametrize("markup", [b"<code/>" * reader.MAX_TAGS, b'<code a="1"/>' * (reader.MAX_ATTRIBUTES + 1)])
def test_more_markup_than_any_alert_is_refused(cap, markup: bytes) -> None:
    """Tags and attributes are counted before a tree is built."""
    assert codes(cap.alert().replace(b"<info>", markup + b"<info>", 1)) == ["too-complex"]


def test_too_many_polygons_are_refused_before_geometry(cap) -> None:
    """1,001 polygons are one fault, though each is also malformed."""
    area = cap.area(polygon=("x",) * (reader.MAX_SHAPES + 1))
    assert codes(cap.alert(cap.info(area))) == ["too-many-shapes"]


def test_too_many_points_are_refused_before_geometry(cap) -> None:
    """50,001 points are one fault, though the ring is open."""
    area = cap.area(polygon="1,1 " * reader.MAX_POINTS + "2,2")
    assert codes(cap.alert(cap.info(area))) == ["too-many-points"]


def test_as_many_polygons_and_points_as_allowed_pass(cap) -> None:
    """1,000 polygons of 50 points each are sound."""
    ring = " ".join(["1,1"] * (reader.MAX_POINTS // reader.MAX_SHAPES))
    assert codes(cap.alert(cap.info(cap.area(polygon=(ring,) * reader.MAX_SHAPES)))) == []


def test_too_many_references_are_refused(cap) -> None:
    """A chain of more than a thousand messages is no chain."""
    references = "a,b,2026-11-21T18:05:00-00:00 " * (reader.MAX_REFERENCES + 1)
    assert codes(cap.alert(references=references, msgType="Update")) == ["too-many-references"]


def test_a_fault_shows_foreign_text_without_its_control_characters(cap) -> None:
    """A direction override in a value does not reach the terminal."""
    (fault,) = validate(cap.alert(status="Ac\u202etual")).faults
    assert "\u202e" not in fault.message
    assert re.search(r"\\u202e", fault.message)

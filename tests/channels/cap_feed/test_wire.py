"""What an alert looks like on the wire."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from channels.cap_feed import wire
from channels.contract import DeliveryKind

SCHEMA = Path(__file__).parents[4] / "shared" / "cap-samples" / "CAP-v1.2.xsd"
TRIPLE = "alerts@city.example,d-0,2026-11-21T11:00:00-00:00"


@pytest.mark.skipif(not SCHEMA.exists(), reason="the OASIS schema is not at hand")
@pytest.mark.parametrize("exercise", [False, True])
@pytest.mark.parametrize("kind", list(DeliveryKind))
def test_every_kind_of_alert_is_valid_cap(feed, make_content, kind, exercise):
    """Alert, Update and Cancel, live or exercise, pass the OASIS schema."""
    rendering = feed.job("d-1", make_content(kind, exercise=exercise)).rendering
    references = () if kind is DeliveryKind.PUBLISH else (TRIPLE,)
    document = etree.fromstring(wire.build(rendering, "d-1", feed.now, references))
    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(document)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(DeliveryKind.PUBLISH, "Alert"), (DeliveryKind.CORRECT, "Update"), (DeliveryKind.WITHDRAW, "Cancel")],
)
def test_the_message_type_follows_the_kind(feed, make_content, kind, expected):
    """A correction is an Update and a withdrawal a Cancel."""
    data = wire.build(feed.job("d-1", make_content(kind)).rendering, "d-1", feed.now, (TRIPLE,))
    assert f"<msgType>{expected}</msgType>".encode() in data


def test_a_correction_of_nothing_is_an_alert(feed, make_content):
    """Where the first alert never appeared, an Update would mend nothing: it goes out as an Alert."""
    data = wire.build(feed.job("d-1", make_content(DeliveryKind.CORRECT)).rendering, "d-1", feed.now, ())
    assert b"<msgType>Alert</msgType>" in data


def test_an_alert_reads_back_as_it_was_written(feed):
    """The texts of both languages survive the way through XML, markup characters included."""
    job = feed.job("d-1")
    read = wire.read(wire.build(job.rendering, "d-1", feed.now, (TRIPLE,)))
    assert tuple(map(wire.text_of, read.infos)) == tuple(part.text for part in job.rendering.parts)
    assert read.references == (TRIPLE,)


def test_each_language_is_named_with_its_region(feed):
    """A reader would take a missing or bare language for American English."""
    data = wire.build(feed.job("d-1").rendering, "d-1", feed.now, ())
    found = etree.fromstring(data).iterfind("info/language", {None: wire.NAMESPACE})
    assert [element.text for element in found] == ["en-GB", "cy-GB"]


def test_times_are_written_with_a_negative_zero_offset():
    """CAP wants UTC as -00:00 and no fractions."""
    assert wire.cap_time(datetime(2026, 11, 21, 18, 5, 3, 250_000, tzinfo=UTC)) == "2026-11-21T18:05:03-00:00"


@pytest.mark.parametrize("delivery", ["../x", "a b", "a,b", "a<b", "a&b", ".hidden", "ü", "x" * 101, ""])
def test_an_unsafe_delivery_id_becomes_a_digest(delivery):
    """An identifier is a file name and stands in references, so it holds no path, space, comma or markup."""
    assert len(wire.identifier(delivery)) == 32
    assert wire.identifier(delivery).isalnum()


def test_a_plain_delivery_id_is_the_identifier():
    """People can find the alert of a delivery by its name."""
    assert wire.identifier("0192f-Ab_7") == "0192f-Ab_7"


@pytest.mark.parametrize("data", [b"", b"<alert/>", b"<a xmlns='urn:oasis:names:tc:emergency:cap:1.2'/>", b"\xff"])
def test_other_bytes_are_not_an_alert(data):
    """Whatever else lies in the folder is named as no alert, and nothing crashes."""
    with pytest.raises(wire.NotAnAlert):
        wire.read(data)

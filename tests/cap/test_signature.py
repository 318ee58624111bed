"""Signatures: what holds against a pinned certificate, and what does not, each with its name."""

from datetime import UTC, datetime

import pytest
from lxml import etree

from dispatcher.cap.reader import read
from dispatcher.cap.signature import SignatureRefused, verify
from dispatcher.cap.structure import CAP, XMLDSIG
from dispatcher.cap.validate import validate
from tests.cap.conftest import CapBuilder
from tests.cap.signing import Sender, sender

NOW = datetime(2026, 11, 21, 18, 10, tzinfo=UTC)


def code(data: bytes, *pinned: Sender, at: datetime = NOW) -> str:
    """Why a signature is refused."""
    with pytest.raises(SignatureRefused) as refused:
        verify(data, read(data), [one.certificate for one in pinned], at)
    return refused.value.code


def test_an_alert_signed_by_the_pinned_key_says_what_was_signed(cap: CapBuilder) -> None:
    """The content is the alert without its signature, and the signer the certificate's subject."""
    data = sender().sign(cap.alert())
    verified = verify(data, read(data), [sender().certificate], NOW)
    assert verified.signer == "CN=Wylan alerts"
    found = validate(verified.content).alert
    assert found is not None
    assert found.source.identifier == "wylan-2026-42"


def test_two_pinned_certificates_overlap(cap: CapBuilder) -> None:
    """Whoever changes keys has both pinned for a while."""
    data = sender().sign(cap.alert())
    pinned = [sender("Wylan before").certificate, sender().certificate]
    assert verify(data, read(data), pinned, NOW).signer == "CN=Wylan alerts"


def test_another_key_of_the_same_name_is_not_the_sender(cap: CapBuilder) -> None:
    """Anybody can write a name into a certificate."""
    stranger = sender("Wylan alerts", datetime(2026, 1, 2, tzinfo=UTC))
    assert code(stranger.sign(cap.alert()), sender()) == "signature-key"


def test_without_a_pinned_certificate_nobody_is_believed(cap: CapBuilder) -> None:
    """A certificate that came with the alert vouches for nothing."""
    assert code(sender().sign(cap.alert())) == "signature-key"


def test_an_alert_without_signature_has_that_said(cap: CapBuilder) -> None:
    """Missing is not broken."""
    assert code(cap.alert(), sender()) == "signature-missing"


@pytest.mark.parametrize("year", [2025, 2028])
def test_a_certificate_out_of_its_time_is_named(cap: CapBuilder, year: int) -> None:
    """By the moment of receipt, before its time and after."""
    assert code(sender().sign(cap.alert()), sender(), at=datetime(year, 6, 1, tzinfo=UTC)) == "signature-expired"


def test_what_was_altered_is_named_as_that_even_after_the_certificate_ended(cap: CapBuilder) -> None:
    """The graver fault is told."""
    data = sender().sign(cap.alert()).replace(b"Severe", b"Minor")
    assert code(data, sender(), at=datetime(2028, 6, 1, tzinfo=UTC)) == "signature-broken"


@pytest.mark.parametrize(
    ("before", "after"), [(b"Severe", b"Extreme"), (b"Actual", b"Exercise"), (b"</info>", b"</info> ")]
)
def test_one_changed_word_or_space_breaks_it(cap: CapBuilder, before: bytes, after: bytes) -> None:
    """Nothing is tidied before it is checked: an alert that was indented again does not hold."""
    assert code(sender().sign(cap.alert()).replace(before, after, 1), sender()) == "signature-broken"


def test_a_signature_is_spelled_in_one_way(cap: CapBuilder) -> None:
    """Junk that a decoder skips would give one alert many digests."""
    data = sender().sign(cap.alert())
    assert code(data.replace(b"<ds:SignatureValue>", b"<ds:SignatureValue>!"), sender()) == "signature-form"


def test_two_signatures_are_none(cap: CapBuilder) -> None:
    """Which of them covers what is not guessed."""
    root = etree.fromstring(sender().sign(cap.alert()))
    root.append(etree.fromstring(etree.tostring(root[-1])))
    assert code(etree.tostring(root), sender()) == "signature-form"


def test_a_signed_alert_wrapped_in_another_is_not_that_alert(cap: CapBuilder) -> None:
    """The signature of an alert that was hidden inside a signature's own element covers nothing outside it."""
    inner = etree.fromstring(sender().sign(cap.alert()))
    outer = etree.fromstring(cap.alert(identifier="wylan-2026-43"))
    holder = etree.SubElement(outer, f"{{{XMLDSIG}}}Signature")
    holder.append(inner)
    assert code(etree.tostring(outer), sender()) == "signature-form"
    moved = etree.fromstring(cap.alert(identifier="wylan-2026-44"))
    moved.append(etree.fromstring(sender().sign(cap.alert()))[-1])
    assert code(etree.tostring(moved), sender()) == "signature-broken"


def test_a_reference_to_a_part_signs_no_alert(cap: CapBuilder) -> None:
    """What is signed by name (URI="#…") is not this document."""
    data = sender().sign(cap.alert()).replace(b'URI=""', b'URI="#part"')
    assert code(data, sender()).startswith("signature-")


def test_a_comment_is_not_in_what_was_signed(cap: CapBuilder) -> None:
    """It still verifies, and the text that counts is without it."""
    data = sender().sign(cap.alert()).replace(b"Severe", b"Sev<!-- -->ere", 1)
    content = verify(data, read(data), [sender().certificate], NOW).content
    assert f'xmlns="{CAP}"'.encode() in content
    assert b"<!--" not in content

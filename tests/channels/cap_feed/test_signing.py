"""Signatures: made by us, checked by another implementation too, and nothing live without one."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree

from channels.cap_feed.adapter import Adapter
from channels.cap_feed.folder import INDEX
from channels.cap_feed.signing import SignatureFault, signer_of
from channels.contract import DeliveryKind, Found, Secret, Seen, Verdict
from tests.certificate import signing
from tests.channels.cap_feed.conftest import DRILL_KEY, KEY, NOON, Feed

SCHEMA = Path(__file__).parents[4] / "shared" / "cap-samples" / "CAP-v1.2.xsd"
BEGAN = NOON - timedelta(days=30)
DOCUMENT = b"<?xml version='1.0' encoding='UTF-8'?>\n<alert xmlns=\"urn:a\">\n  <note>one</note>\n</alert>\n"


def xmlsec_verifies(data, credential=KEY):
    """Whether the C library takes a signature for that of the certificate's key."""
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(credential["certificate"].reveal(), xmlsec.constants.KeyDataFormatCertPem)
    node = xmlsec.tree.find_node(etree.fromstring(data), xmlsec.constants.NodeSignature)
    try:
        context.verify(node)
    except xmlsec.Error:
        return False
    return True


def xmlsec_signed(document, credential=KEY):
    """The document as the C library signs it in the same form."""
    root = etree.fromstring(document)
    exclusive = xmlsec.constants.TransformExclC14N
    node = xmlsec.template.create(root, exclusive, xmlsec.constants.TransformEcdsaSha256, ns="ds")
    root.append(node)
    reference = xmlsec.template.add_reference(node, xmlsec.constants.TransformSha256, uri="")
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
    xmlsec.template.add_transform(reference, exclusive)
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(node))
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(credential["signing_key"].reveal(), xmlsec.constants.KeyDataFormatPem)
    context.key.load_cert_from_memory(credential["certificate"].reveal(), xmlsec.constants.KeyDataFormatPem)
    context.sign(node)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def published(feed, kind=DeliveryKind.PUBLISH, make=None):
    """The bytes of an alert that was sent."""
    original = "alerts@city.example,d-0,2026-11-21T11:00:00-00:00" if kind is not DeliveryKind.PUBLISH else None
    job = feed.job("d-1", make(kind) if make else None, original=original)
    assert feed.send(job).verdict is Verdict.ACCEPTED
    return (feed.folder / "d-1.xml").read_bytes()


@pytest.mark.parametrize("kind", list(DeliveryKind))
def test_another_implementation_verifies_every_kind_of_alert(feed, make_content, kind):
    """Alert, Update and Cancel."""
    assert xmlsec_verifies(published(feed, kind, make_content))


def test_another_implementation_notices_a_changed_word(feed):
    """So that the test above means something."""
    assert not xmlsec_verifies(published(feed).replace(b"River rising", b"River falling"))


def test_we_verify_what_another_implementation_signed():
    """The same form from the C library is one of ours."""
    signer_of(KEY).check(xmlsec_signed(DOCUMENT), DOCUMENT)


def test_the_index_is_signed_too(feed):
    """A feed that was changed on its way is noticed before any alert is fetched."""
    published(feed)
    assert xmlsec_verifies((feed.folder / INDEX).read_bytes())


@pytest.mark.skipif(not SCHEMA.exists(), reason="the OASIS schema is not at hand")
@pytest.mark.parametrize("kind", list(DeliveryKind))
def test_a_signed_alert_is_valid_cap(feed, make_content, kind):
    """The schema takes a signature as the last element."""
    root = etree.fromstring(published(feed, kind, make_content))
    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(root)
    assert etree.QName(root[-1]).localname == "Signature"


def test_the_signature_has_the_recommended_form(feed):
    """ECDSA with SHA-256, exclusive canonicalisation, the certificate inside."""
    data = published(feed).decode()
    assert "xmldsig-more#ecdsa-sha256" in data
    assert "http://www.w3.org/2001/10/xml-exc-c14n#" in data
    assert "<ds:X509Certificate>" in data


def test_the_same_document_has_the_same_signature():
    """A repeat on another host makes the same bytes."""
    assert signer_of(KEY).signed(DOCUMENT) == signer_of(KEY).signed(DOCUMENT)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b">one<", b">two<"),
        (b"\n  <note>", b"\n    <note>"),
        (b"</alert>", b" </alert>"),
        (b"</note>\n", b"</note>\n<more/>"),
        (b"<ds:SignatureValue>", b"<ds:SignatureValue>AAAA"),
        (b"ecdsa-sha256", b"ecdsa-sha1"),
        (b"</ds:Signature>", b"</ds:Signature><x/>"),
    ],
)
def test_mutated_bytes_are_not_ours(old, new):
    """Other words, other spaces, something more, another signature."""
    signer = signer_of(KEY)
    made = signer.signed(DOCUMENT)
    assert old in made
    with pytest.raises(SignatureFault):
        signer.check(made.replace(old, new), DOCUMENT)


def test_a_document_without_a_signature_is_not_ours():
    """Its words alone prove nothing."""
    with pytest.raises(SignatureFault, match="no signature"):
        signer_of(KEY).check(DOCUMENT, DOCUMENT)


def test_somebody_elses_signature_is_not_ours():
    """A throw-away key with a certificate of the same name."""
    made = signer_of(signing(begins=BEGAN)).signed(DOCUMENT)
    with pytest.raises(SignatureFault, match="not ours"):
        signer_of(KEY).check(made, DOCUMENT)


def test_a_live_alert_is_never_published_unsigned(tmp_path):
    """Without a key it is refused, and no file appears."""
    feed = Feed(tmp_path, credential={})
    outcome = feed.send(feed.job("d-1"))
    assert (outcome.verdict, outcome.code, feed.files()) == (Verdict.REJECTED, "signature", {})


def test_an_exercise_may_go_unsigned(tmp_path, make_content):
    """Where its account has no key."""
    feed = Feed(tmp_path, credential={})
    assert feed.send(feed.job("d-1", make_content(exercise=True))).verdict is Verdict.ACCEPTED


def test_an_exercise_is_signed_with_its_own_key(tmp_path, make_content):
    """The drill proves the way of the live one."""
    feed = Feed(tmp_path, credential=DRILL_KEY)
    assert feed.send(feed.job("d-1", make_content(exercise=True))).verdict is Verdict.ACCEPTED
    assert xmlsec_verifies((tmp_path / "d-1.xml").read_bytes(), DRILL_KEY)


@pytest.mark.parametrize(("credential", "exercise"), [(KEY, True), (DRILL_KEY, False)])
def test_a_key_of_the_other_mode_signs_nothing(tmp_path, make_content, credential, exercise):
    """Neither when the account is started with it, nor when an alert of the other mode comes all the same."""
    feed = Feed(tmp_path, credential=credential)
    assert "cannot sign for" in feed.use(credential, exercise=exercise)
    outcome = feed.send(feed.job("d-1", make_content(exercise=exercise)))
    assert (outcome.verdict, feed.files()) == (Verdict.REJECTED, {})


def test_a_live_account_without_a_key_is_refused_and_its_probe_says_so(feed):
    """Before any alert is due."""
    assert "no signing key" in feed.use({}, exercise=False)
    probe = feed.run(feed.adapter.probe())
    assert not probe.ok
    assert "no signing key" in probe.detail


def test_a_certificate_that_ended_signs_nothing(feed):
    """The outcome says since when."""
    feed.now = NOON + timedelta(days=400)
    outcome = feed.send(feed.job("d-1"))
    assert outcome.verdict is Verdict.REJECTED
    assert "ended at 2027-10-22" in outcome.reason


def test_a_clock_that_is_behind_is_named(feed):
    """A certificate that has not begun is more often a wrong clock."""
    feed.now = BEGAN - timedelta(days=1)
    assert "look at this host's clock" in feed.send(feed.job("d-1")).reason


@pytest.mark.parametrize(("hours", "refused"), [(25, False), (23, True)])
def test_a_feed_does_not_start_with_less_than_a_day_left(feed, hours, refused):
    """And refuses to send, so that nobody relies on it."""
    ending = signing(begins=BEGAN, days=30 + hours / 24)
    assert ("24 hours" in feed.use(ending, exercise=False)) is refused
    assert (feed.send(feed.job("d-1")).verdict is Verdict.REJECTED) is refused


def test_a_feed_that_runs_signs_to_the_end(feed):
    """What started in time is not stopped in the middle of a night."""
    feed.use(signing(begins=BEGAN, days=32), exercise=False)
    feed.now = NOON + timedelta(hours=47)
    assert feed.send(feed.job("d-1")).verdict is Verdict.ACCEPTED


def test_the_probe_tells_when_the_certificate_ends(feed):
    """The alarms 60, 30 and 7 days before go by that."""
    probe = feed.run(feed.adapter.probe())
    assert (probe.ok, probe.expires_at) == (True, BEGAN + timedelta(days=365))


def test_a_repeat_after_the_end_changes_nothing(feed):
    """What stands published was signed in time, and is found."""
    job = feed.job("d-1")
    feed.send(job)
    before = (feed.folder / "d-1.xml").read_bytes()
    feed.now = NOON + timedelta(days=400)
    assert feed.send(replace(job, attempt=2)).verdict is Verdict.ACCEPTED
    assert feed.find(job).found is Found.FOUND
    assert (feed.folder / "d-1.xml").read_bytes() == before


def test_after_a_new_key_earlier_alerts_stay_ours_by_their_certificate(feed):
    """With it they are seen; without it they are somebody's."""
    job = feed.job("d-1")
    reference = feed.send(job).reference
    new = signing(begins=BEGAN)
    feed.use(new)
    assert feed.run(feed.adapter.read_back(job, reference)).seen is Seen.ALTERED
    feed.use({**new, "earlier_certificate": KEY["certificate"]})
    assert feed.run(feed.adapter.read_back(job, reference)).seen is Seen.VISIBLE
    assert feed.send(job).verdict is Verdict.ACCEPTED


def test_an_alert_that_lost_its_signature_is_altered(feed):
    """Though every word is there."""
    job = feed.job("d-1")
    reference = feed.send(job).reference
    file = feed.folder / "d-1.xml"
    root = etree.fromstring(file.read_bytes())
    root.remove(root[-1])
    file.write_bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n")
    seen = feed.run(feed.adapter.read_back(job, reference))
    assert (seen.seen, "no signature" in seen.reason) == (Seen.ALTERED, True)


def _pem(key):
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"certificate": KEY["certificate"]}, "no signing_key"),
        ({"signing_key": KEY["signing_key"]}, "no certificate"),
        ({**KEY, "certificate": DRILL_KEY["certificate"]}, "belong together"),
        ({**KEY, "signing_key": Secret("nothing")}, "PEM file without a passphrase"),
        ({**KEY, "certificate": Secret("nothing")}, "the certificate cannot be read"),
        ({**KEY, "earlier_certificate": Secret("nothing")}, "the earlier_certificate cannot be read"),
        ({**KEY, "signing_key": _pem(rsa.generate_private_key(65537, 2048))}, "P-256"),
        ({**KEY, "signing_key": _pem(ec.generate_private_key(ec.SECP384R1()))}, "P-256"),
    ],
)
def test_a_credential_that_is_not_whole_is_refused(feed, given, says):
    """When the account is added, with what is missing; no part of a key is said."""
    with pytest.raises(ValueError, match=says) as refused:
        feed.use(given)
    assert "BEGIN" not in str(refused.value)


def test_the_whole_chain_of_a_certificate_is_carried(feed):
    """Where an authority issued it, readers need what stands between."""
    issuer = signing(begins=BEGAN)["certificate"].reveal()
    feed.use({**KEY, "certificate": Secret(KEY["certificate"].reveal() + issuer)}, exercise=False)
    assert published(feed).count(b"<ds:X509Certificate>") == 2
    assert x509.load_pem_x509_certificate(issuer.encode())


def test_no_key_shows(feed):
    """Neither in what an adapter returns nor in how it looks."""
    outcome = feed.send(feed.job("d-1"))
    shown = repr([feed.adapter, vars(feed.adapter), outcome, feed.run(feed.adapter.probe())])
    assert isinstance(feed.adapter, Adapter)
    assert KEY["signing_key"].reveal()[40:80] not in shown

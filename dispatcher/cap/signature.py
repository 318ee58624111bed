"""Whether a pinned certificate signed exactly this alert.

Rules (reference: cap 3.7)
  1. Only certificates that were pinned beforehand count. What certificate an alert carries only chooses among them:
     anybody can make one with any name in it.
  2. One enveloped signature over the whole document, a child of ``alert``, by listed methods only (no SHA-1, no bare
     key). The bytes are checked as they came; nothing is tidied before.
  3. The certificate must be in its time at ``at``, the moment of receipt; pass that moment when looking again later.
  4. ``content`` is what was signed. Read values from that and from nothing else.
  5. Base64 has one spelling here; a signature that could be respelled would give one alert many digests.

Forms seen elsewhere that are not accepted, and never loosened for: two signatures (Canada), an ``Id`` with a space
(Canada, refused by the signature's own schema), SHA-1 (older senders), a key without certificate, and any document
that was indented again after it was signed.

    verified = verify(data, read(data), [pem], received_at)    # SignatureRefused("signature-key", …): another key
    alert = validate(verified.content).alert
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from lxml import etree

from dispatcher.cap.report import quoted
from dispatcher.cap.structure import CAP, XMLDSIG

if TYPE_CHECKING:  # both are loaded where a signature is checked: most commands check none
    from cryptography.x509 import Certificate
    from signxml.verifier import SignatureConfiguration

METHODS = ("RSA_SHA256", "RSA_SHA384", "RSA_SHA512", "ECDSA_SHA256", "ECDSA_SHA384", "ECDSA_SHA512")
DIGESTS = ("SHA256", "SHA384", "SHA512")

_SIGNATURE = f"{{{XMLDSIG}}}Signature"
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Verified:
    """``content`` are the bytes that were signed, in canonical form; ``signer`` is the pinned certificate's subject.

    ``certificate`` is the SHA-256 of the certificate, in hex.
    """

    content: bytes
    signer: str
    certificate: str


class SignatureRefused(ValueError):
    """The alert is not shown to be its sender's. ``code`` is for programs, the message says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def verify(data: bytes, root: etree._Element, certificates: Sequence[bytes], at: datetime) -> Verified:
    """Check the one signature of an alert against pinned ``certificates`` (PEM) at ``at``. Raises SignatureRefused.

    ``root`` is what the reader made of ``data``: it has no document type and is within its limits. It says only which
    signature and certificate to look for; the signature is checked on the bytes.
    """
    from cryptography.hazmat.primitives.hashes import SHA256

    signature = _the_signature(root)
    _spelled_once(signature)
    refusals = []
    for certificate in _candidates(signature, certificates):
        try:
            content = _signed_by(data, certificate, at)
        except SignatureRefused as refusal:
            refusals.append(refusal)
        else:
            return Verified(content, certificate.subject.rfc4514_string(), certificate.fingerprint(SHA256()).hex())
    raise refusals[0] if refusals else _nobody()


@lru_cache(maxsize=64)
def load_certificate(pem: bytes) -> Certificate:
    """A pinned certificate. Raises ValueError for bytes that are none."""
    from cryptography.x509 import load_pem_x509_certificate

    return load_pem_x509_certificate(pem)


def _the_signature(root: etree._Element) -> etree._Element:
    found = list(root.iter(_SIGNATURE))
    if not found:
        raise SignatureRefused("signature-missing", "the alert is not signed: ask its sender for the signed one")
    if len(found) > 1:
        advice = f"the alert has {len(found)} signatures, of which none is checked: ask its sender for one"
        raise SignatureRefused("signature-form", advice)
    return found[0]


def _spelled_once(signature: etree._Element) -> None:
    for name in ("DigestValue", "SignatureValue", "X509Certificate"):
        for element in signature.iter(f"{{{XMLDSIG}}}{name}"):
            text = _SPACE.sub("", element.text or "")
            try:
                if base64.b64encode(base64.b64decode(text, validate=True)).decode() == text:
                    continue
            except (binascii.Error, ValueError):
                pass
            raise SignatureRefused("signature-form", f"the signature's {name} is not plain Base64: it was altered")


def _candidates(signature: etree._Element, pinned: Sequence[bytes]) -> list[Certificate]:
    """The pinned certificate that the alert names; all of them where it carries none. Raises SignatureRefused."""
    from cryptography.hazmat.primitives.serialization import Encoding

    known = [load_certificate(pem) for pem in pinned]
    texts = [element.text or "" for element in signature.iter(f"{{{XMLDSIG}}}X509Certificate")]
    carried = {base64.b64decode(_SPACE.sub("", text)) for text in texts}
    named = [one for one in known if one.public_bytes(Encoding.DER) in carried]
    if known and carried and not named:
        who = _subject(next(iter(carried)))
        advice = f"the alert is signed with a certificate that is not pinned ({who}): ask its sender by another way"
        raise SignatureRefused("signature-key", advice)
    return named or known


def _nobody() -> SignatureRefused:
    return SignatureRefused("signature-key", "no certificate is pinned for this source: pin its sender's")


def _subject(der: bytes) -> str:
    """Whom a certificate names that nobody vouches for."""
    from cryptography.x509 import load_der_x509_certificate

    try:
        return quoted(load_der_x509_certificate(der).subject.rfc4514_string())
    except ValueError:
        return "it cannot be read"


def _signed_by(data: bytes, certificate: Certificate, at: datetime) -> bytes:
    from signxml.exceptions import InvalidDigest, InvalidSignature
    from signxml.verifier import XMLVerifier

    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    try:
        expected = _configuration(min(max(at, first), last))
        result = XMLVerifier().verify(data, x509_cert=certificate, expect_config=expected)
    except InvalidDigest:
        advice = "the alert was altered after it was signed, if only its spaces: get it again from its sender"
        raise SignatureRefused("signature-broken", advice) from None
    except InvalidSignature:
        advice = "the signature is not by the pinned certificate: get the alert again from its sender"
        raise SignatureRefused("signature-broken", advice) from None
    except Exception as error:  # noqa: BLE001 - whatever in a stranger's signature breaks the library, it holds nothing
        reason = quoted(str(error).splitlines()[0] if str(error) else type(error).__name__)
        advice = f"the signature has a form that is not accepted ({reason}): ask its sender for another"
        raise SignatureRefused("signature-form", advice) from None
    if isinstance(result, list) or result.signed_xml is None or result.signed_xml.tag != f"{{{CAP}}}alert":
        raise SignatureRefused("signature-form", "what was signed is not this alert: take nothing from it")
    if not first <= at <= last:  # told last: what was altered besides is told as that
        when = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
        advice = f"its certificate holds from {when}: ask the sender for the new one, and pin it"
        raise SignatureRefused("signature-expired", advice)
    return result.signed_data


def _configuration(at: datetime) -> SignatureConfiguration:
    from signxml.algorithms import DigestAlgorithm, SignatureMethod
    from signxml.verifier import SignatureConfiguration

    return SignatureConfiguration(
        location="./",
        expect_references=1,
        signature_methods=frozenset(SignatureMethod[name] for name in METHODS),
        digest_algorithms=frozenset(DigestAlgorithm[name] for name in DIGESTS),
        verification_time=at,
    )

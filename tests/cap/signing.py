"""Keys, certificates and signed alerts, as their senders make them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureMethod
from signxml.signer import XMLSigner

FROM, TO = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Sender:
    """Whoever signs alerts: a key, and a certificate of it."""

    key: ec.EllipticCurvePrivateKey
    certificate: bytes

    def sign(
        self, data: bytes, form: CanonicalizationMethod = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
    ) -> bytes:
        """The alert with its signature, as its last child; ``form`` is the canonical form that is signed."""
        root = etree.fromstring(data)
        signer = XMLSigner(
            signature_algorithm=SignatureMethod.ECDSA_SHA256,
            c14n_algorithm=form,
        )
        made: bytes = etree.tostring(signer.sign(root, key=self.key, cert=self.certificate.decode()))
        return made


@lru_cache
def sender(name: str = "Wylan alerts", first: datetime = FROM, last: datetime = TO) -> Sender:
    """A sender by name; the same each time within one test process."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(first).not_valid_after(last)
    certificate = builder.sign(key, hashes.SHA256())
    return Sender(key, certificate.public_bytes(serialization.Encoding.PEM))

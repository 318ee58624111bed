"""XML signatures on what a feed publishes: made with the account's key, and checked before anything is public.

Rules (reference: cap 3.7)
  1. Enveloped, ECDSA P-256 with SHA-256, exclusive canonicalisation, the certificate inside, the signature last. The
     bytes before and after it are those of the unsigned document; nothing is written anew.
  2. The nonce comes from key and text (RFC 6979): the same document signed again has the same bytes.
  3. What was signed is verified against our own certificate before it leaves.
  4. A certificate names its mode: one for exercises has the word EXERCISE in its subject, a live one has not. So
     neither signs for the other, however the files were mixed up.
  5. What was published stays ours after a new key: its certificate is kept as ``earlier_certificate``.

A credential holds ``signing_key`` (PKCS 8, PEM, without a passphrase), ``certificate`` (PEM, with its chain below it
where there is one) and, where a key was replaced, ``earlier_certificate``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from channels.contract import Secret

KEY, CERTIFICATE, EARLIER = "signing_key", "certificate", "earlier_certificate"
MARK = "EXERCISE"
"""The word in the subject of a certificate for exercises."""

LEAST_LEFT = timedelta(hours=24)
"""A sender does not start with a certificate that ends sooner (reference: cap 2, IPAWS 2023)."""

_DS = "http://www.w3.org/2000/09/xmldsig#"
_SIGNATURE = f"{{{_DS}}}Signature"


class SignatureFault(ValueError):
    """A document is not signed by us, or could not be signed; the message says why, and holds no secret."""


class _Deterministic:
    """A private key whose signatures follow from the text alone; the part of one that signxml uses."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self.key_size = key.key_size

    def sign(self, data: bytes, signature_algorithm: ec.ECDSA) -> bytes:
        """Sign by RFC 6979."""
        return self._key.sign(data, ec.ECDSA(signature_algorithm.algorithm, deterministic_signing=True))


@dataclass(frozen=True, slots=True)
class Signer:
    """The key of one feed with its certificate; ``known`` are the certificates whose signatures are ours."""

    key: _Deterministic
    chain: tuple[x509.Certificate, ...]
    known: tuple[x509.Certificate, ...]

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate of the key."""
        return self.chain[0]

    @property
    def is_exercise(self) -> bool:
        """Whether the certificate is one for exercises."""
        return any(MARK in str(part.value) for part in self.certificate.subject)

    @property
    def ends(self) -> datetime:
        """When the certificate ends."""
        return self.certificate.not_valid_after_utc

    def fault(self, now: datetime, *, exercise: bool) -> str:
        """Why this cannot sign for a mode now; "" where it can."""
        if self.is_exercise is not exercise:
            held, wanted = ("an exercise", "live") if self.is_exercise else ("a live", "exercises")
            return f"the certificate is {held} one and cannot sign for {wanted}: {_NAMING}"
        if now < self.certificate.not_valid_before_utc:
            return (
                f"the certificate begins at {self.certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC, and it is "
                f"{now:%Y-%m-%d %H:%M} here: look at this host's clock, or use a certificate that has begun"
            )
        if now >= self.ends:
            return f"the certificate ended at {self.ends:%Y-%m-%d %H:%M} UTC: rotate the account to a new one"
        return ""

    def signed(self, document: bytes) -> bytes:
        """A document with its signature, verified. Raises SignatureFault."""
        from signxml.algorithms import CanonicalizationMethod
        from signxml.exceptions import SignXMLException
        from signxml.signer import XMLSigner

        signer = XMLSigner(
            signature_algorithm="ecdsa-sha256",
            digest_algorithm="sha256",
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        key: Any = self.key
        try:
            root = signer.sign(etree.fromstring(document), key=key, cert=list(self.chain))
        except (SignXMLException, etree.LxmlError, ValueError) as error:
            raise SignatureFault(f"it could not be signed: {error}") from error
        made = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
        self.check(made, document)
        return made

    def check(self, made: bytes, document: bytes) -> None:
        """That these bytes are the document with our signature as its last element, and nothing else.

        Raises SignatureFault.
        """
        whole = document.rstrip()
        cut = whole.rindex(b"</")
        if not (made.startswith(whole[:cut]) and made.rstrip().endswith(whole[cut:])):
            raise SignatureFault("it has other bytes than the document that was to be signed")
        faults = [_unsigned(made, certificate) for certificate in self.known]
        if all(faults):
            raise SignatureFault(f"its signature is not ours: {faults[0]}")


def signer_of(credential: Mapping[str, Secret]) -> Signer | None:
    """The signer of a credential, None where it has no key. Raises ValueError for one that is not whole."""
    if KEY not in credential and CERTIFICATE not in credential:
        return None
    if lacking := [name for name in (KEY, CERTIFICATE) if name not in credential]:
        raise ValueError(f"the credential has no {lacking[0]}: a feed is signed with a key and its certificate")
    key, chain = _key(credential[KEY]), _certificates(credential[CERTIFICATE], CERTIFICATE)
    if chain[0].public_key() != key.public_key():
        raise ValueError("the certificate is not that of the signing key: give the two that belong together")
    earlier = _certificates(credential[EARLIER], EARLIER) if EARLIER in credential else ()
    return Signer(_Deterministic(key), chain, (chain[0], *earlier))


def _key(secret: Secret) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(secret.reveal().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("the signing key cannot be read: give a PEM file without a passphrase") from None
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise ValueError("the signing key must be of the curve P-256 (prime256v1)")


def _certificates(secret: Secret, name: str) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates(secret.reveal().encode()))
    except ValueError:
        raise ValueError(f"the {name} cannot be read: give a PEM file") from None


def _unsigned(made: bytes, certificate: x509.Certificate) -> str:
    """Why a document is not signed by this certificate's key; "" where it is. Times are asked about elsewhere."""
    from signxml.algorithms import DigestAlgorithm, SignatureMethod
    from signxml.exceptions import SignXMLException
    from signxml.verifier import SignatureConfiguration, XMLVerifier

    ours = SignatureConfiguration(
        location="./",
        expect_references=1,
        signature_methods=frozenset({SignatureMethod.ECDSA_SHA256}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
        verification_time=certificate.not_valid_before_utc,
    )
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(made, parser)
        if not len(root) or root[-1].tag != _SIGNATURE or len(root.findall(_SIGNATURE)) != 1:
            return "there is no signature at its end"
        XMLVerifier().verify(
            root,
            x509_cert=certificate,
            expect_config=ours,
        )
    except (SignXMLException, etree.LxmlError, ValueError) as error:
        return str(error)
    return ""


_NAMING = "a certificate for exercises has the word EXERCISE in its subject, and a live one has not"

"""Certificates for servers of the tests, and for feeds that sign."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from channels.contract import Secret


def signing(
    word: str = "", *, begins: datetime, days: float = 365, key: ec.EllipticCurvePrivateKey | None = None
) -> dict[str, Secret]:
    """A key of a feed with its certificate, as a credential holds them; ``word`` stands in its subject."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"City alerts {word}".strip())])
    certificate = _signed(key, name, begins, begins + timedelta(days=days))
    held = {"signing_key": _pem(key), "certificate": certificate.public_bytes(serialization.Encoding.PEM)}
    return {what: Secret(pem.decode()) for what, pem in held.items()}


def self_signed(folder: Path) -> Path:
    """A key and a certificate for 127.0.0.1, signed by itself, in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulator")])
    signed = _signed(key, name, now - timedelta(days=1), now + timedelta(days=1))
    file = folder / "server.pem"
    file.write_bytes(_pem(key) + signed.public_bytes(serialization.Encoding.PEM))
    return file


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _signed(key: ec.EllipticCurvePrivateKey, name: x509.Name, begins: datetime, ends: datetime) -> x509.Certificate:
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )

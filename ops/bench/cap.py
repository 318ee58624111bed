"""What it costs to read and judge one usual alert of 1.6 kB, and what its signature costs besides.

parse    bytes to a typed alert: limits, encoding, structure, the standard's own rules
judge    the same and every rule of the strict profile, on an alert without signature
signed   the same of a signed one: the signature against one pinned certificate, and that it covers what was read

Each in milliseconds of the processor's time, so that a busy neighbour does not count. A signature is judged by its
median: most of it is two libraries' work (parsing, canonical forms, a schema, one ECDSA check).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from time import process_time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureMethod
from signxml.signer import XMLSigner

from dispatcher.cap.geometry import Box
from dispatcher.cap.judge import judge
from dispatcher.cap.report import Verdict
from dispatcher.cap.validate import validate
from dispatcher.service.alerts import profiles
from ops.bench.figures import Figure

RUNS = 1_000
RECEIVED_AT = datetime(2026, 11, 21, 18, 10, tzinfo=UTC)
FROM, TO = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
COUNTY = Box(51.0, -6.0, 54.0, -2.0)
MILLI = 1e3


def measure(_root: Path, runs: int = RUNS) -> list[Figure]:
    """All figures of reading alerts."""
    alert = resources.files(__package__).joinpath("alert.xml").read_bytes()
    certificate, signed = _signed(alert)
    strict = replace(profiles.load("strict"), box=COUNTY, certificates=(certificate,))
    unsigned = replace(strict, rules={**strict.rules, "signature-missing": Verdict.OK})
    return [
        Figure("cap.parse", "ms", _timed(lambda: validate(alert).verdict, runs)),
        Figure("cap.judge", "ms", _timed(lambda: judge(alert, unsigned, RECEIVED_AT).verdict, runs), 1, "p95"),
        Figure("cap.judge.signed", "ms", _timed(lambda: judge(signed, strict, RECEIVED_AT).verdict, runs), 1),
    ]


def _timed(one: Callable[[], Verdict], runs: int) -> list[float]:
    samples = []
    for _ in range(runs + 1):
        started = process_time()
        verdict = one()
        samples.append((process_time() - started) * MILLI)
        if verdict is not Verdict.OK:
            raise RuntimeError(f"the alert is {verdict}: it would not be what is measured")
    return samples[1:]  # the first one imports


def _signed(alert: bytes) -> tuple[bytes, bytes]:
    """A certificate (PEM) and the alert signed with its key: ECDSA P-256 and exclusive c14n (reference: cap 0)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example City")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = builder.serial_number(1).not_valid_before(FROM).not_valid_after(TO).sign(key, hashes.SHA256())
    pem = made.public_bytes(serialization.Encoding.PEM)
    signer = XMLSigner(
        signature_algorithm=SignatureMethod.ECDSA_SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    root = signer.sign(etree.fromstring(alert), key=key, cert=pem.decode())
    signed: bytes = etree.tostring(root)
    return pem, signed

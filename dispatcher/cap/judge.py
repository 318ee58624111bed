"""``judge``: from bytes to a verdict by a profile, with every fault named.

    validate ▶ signature ▶ what was signed ▶ policy and areas ▶ the gravest of the faults

Structure and the standard's own rules refuse whatever a profile says; its word counts for the rest. What an alert
says is what was signed, where a signature held; it is read again from that unless it is the same to the letter.
Nothing is fetched; ``at`` is the moment of receipt.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice

from lxml import etree

from dispatcher.cap import outlines, policy
from dispatcher.cap.alert import Alert
from dispatcher.cap.profile import Profile
from dispatcher.cap.reader import read
from dispatcher.cap.report import FAULTS_SHOWN, Fault, Report, Verdict
from dispatcher.cap.signature import SignatureRefused, verify
from dispatcher.cap.structure import XMLDSIG
from dispatcher.cap.validate import validate, validated

_GRAVITY = (Verdict.OK, Verdict.HOLD, Verdict.REFUSE)
_ROOT = re.compile(rb"<[A-Za-z_]")


def judge(data: bytes, profile: Profile, at: datetime) -> Report:
    """Say what a profile makes of ``data`` at ``at``. Never raises, whatever the bytes."""
    report, root = validated(data)
    if report.alert is None or root is None:
        return report
    signed: list[Fault] = []
    alert, signer = report.alert, ""
    try:
        alert, signer = _signed(data, alert, root, profile, at)
    except SignatureRefused as refusal:
        signed.append(Fault(refusal.code, "alert/Signature", str(refusal)))
    found = islice(_weighed((*signed, *_rest(data, alert, profile, at)), profile), FAULTS_SHOWN)
    faults = tuple(sorted(found, key=lambda fault: -_GRAVITY.index(fault.verdict)))
    return Report(faults[0].verdict if faults else Verdict.OK, faults, alert, signer)


def content_digest(data: bytes) -> str:
    """The SHA-256 of what an alert says: its canonical form without signature and comments, in hex.

    The same alert keeps it, however often it is signed or its signature is respelled. Raises Unreadable.
    """
    root = read(data)
    for signature in list(root.iterfind(f"{{{XMLDSIG}}}Signature")):
        before = signature.getprevious()
        if before is not None:
            before.tail = None
        root.remove(signature)
    return hashlib.sha256(etree.tostring(root, method="c14n", exclusive=True)).hexdigest()


def _signed(data: bytes, alert: Alert, root: etree._Element, profile: Profile, at: datetime) -> tuple[Alert, str]:
    """The alert as it was signed and by whom; ``root`` is what ``alert`` was read from. Raises SignatureRefused."""
    if not alert.signatures:
        raise SignatureRefused("signature-missing", "the alert is not signed: ask its sender for the signed one")
    verified = verify(data, root, profile.certificates, at)
    if verified.content == _unsigned(root):  # what was read is to the letter what was signed
        return alert, verified.signer
    inner = validate(verified.content).alert
    if inner is None:
        raise SignatureRefused("signature-form", "what was signed is not this alert: take nothing from it")
    return replace(inner, sha256=alert.sha256, signatures=alert.signatures), verified.signer


def _unsigned(root: etree._Element) -> bytes:
    """An alert as it was read, without comments, less its signature, in canonical form."""
    etree.strip_elements(root, f"{{{XMLDSIG}}}Signature", with_tail=False)
    return etree.tostring(root, method="c14n", exclusive=True)


def _rest(data: bytes, alert: Alert, profile: Profile, at: datetime) -> Iterator[Fault]:
    yield from _comments(data)
    yield from policy.check(alert, profile, at)
    yield from outlines.check(alert, profile)


def _comments(data: bytes) -> Iterator[Fault]:
    """Comments and instructions within the alert; in UTF-16 every other byte is zero."""
    plain = data.replace(b"\0", b"")
    root = _ROOT.search(plain)
    if root and any(mark in plain[root.start() :] for mark in (b"<!--", b"<?")):
        yield Fault("comment", "alert", "it has comments, which no signature covers: they were left out of the text")


def _weighed(faults: tuple[Fault, ...], profile: Profile) -> Iterator[Fault]:
    for fault in faults:
        verdict = profile.rules[fault.code]
        if verdict is not Verdict.OK:
            yield replace(fault, verdict=verdict)

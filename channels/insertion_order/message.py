"""The e-mail that carries an order: its text, and the same as JSON and PDF, the same bytes on every attempt."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from channels.contract import DeliveryKind, Job
from channels.insertion_order.pdf import pdf
from channels.mail import message_id


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as bytes, with the SHA-256 of what is attached."""

    data: bytes
    json_sha256: str
    pdf_sha256: str


def letter(job: Job, recipient: str) -> Letter:
    """The e-mail of a job, whose rendering was found to be without faults."""
    said, words = job.rendering.options, job.rendering.parts[0].text
    stops = job.rendering.kind is not DeliveryKind.PUBLISH
    title = f"{'Stop' if stops else 'Insertion'} order {said['number']}"
    name = f"{said['number']}{'-stop' if stops else ''}"
    data = json.dumps(dict(said), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    page = pdf(title, words, job.intended_at)
    made = EmailMessage(policy=policy.SMTP)
    made["Date"] = format_datetime(job.intended_at.astimezone(UTC))
    made["From"] = Address(str(said["buyer"]), addr_spec=str(said["from"]))
    made["To"] = Address(addr_spec=recipient)
    made["Subject"] = f"{'EXERCISE: ' if said['exercise'] else ''}{title}: act and confirm"
    made["Message-ID"] = message_id(job.delivery, str(said["from"]))
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(f"{words}\n", cte="quoted-printable")
    made.add_attachment(data, "application", "json", filename=f"{name}.json")
    made.add_attachment(page, "application", "pdf", filename=f"{name}.pdf")
    made.set_boundary(f"=_{said['number']}")  # which neither base64 nor quoted-printable can hold
    return Letter(made.as_bytes(), _sha256(data), _sha256(page))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

"""What the gate said, by which policy, and every refusal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Unmet:
    """A clause that said no, of one channel of a plan: the fact that failed it, and who could mend it."""

    channel: str
    clause: str
    fact: str
    mend: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What the gate says of a plan as things stood once ``person`` had signed (``upon``: submit, approve, release …).

    It is worked out again by the policy and the statements of that moment, see ``dispatcher.service.policies``.
    ``policy`` has the versions it was judged under; a clause that is not among ``unmet`` held. ``fault`` says why it
    cannot be worked out, or is None.
    """

    at: datetime
    upon: str
    person: str
    role: str
    policy: tuple[str, ...]
    unmet: tuple[Unmet, ...]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Mitigated:
    """One mitigation that policy asks of one account of a plan, as of its release, or else of now.

    ``checked_by`` is people, software or both. Of an attestation: who, in which role, when, until when it counted,
    and the digest of its evidence. ``fault`` says why the mitigation did not hold, or is None.
    """

    channel: str
    account: str
    code: str
    checked_by: str
    source: str
    fault: str | None
    person: str | None
    role: str | None
    at: datetime | None
    until: datetime | None
    evidence: str | None


@dataclass(frozen=True, slots=True)
class PolicyRead:
    """A policy version that was in force for some of the time from the declaration on."""

    version: str
    digest: str
    effective_from: datetime
    recorded_at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Denial:
    """Refusals that say the same, as one line: how many, when first and last.

    ``kind`` is the ledger's: submission, release, gate, hand_off or confirmation, each with ``.refused``. ``person``
    asked, None where a machine did. ``fact`` is empty where more different facts failed a clause than are listed;
    such a line stands for all the others.
    """

    kind: str
    clause: str
    plan: str | None
    channel: str | None
    account: str | None
    person: str | None
    fact: str
    mend: str
    count: int
    first: datetime
    last: datetime

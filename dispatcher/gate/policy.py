"""Policy: dated, versioned data that says who must sign what, where, and for how long. Never code.

Rules (reference: policy 6.8)
  1. A version is in force from ``effective_from`` until the next one begins.
  2. What is not allowed is denied: a channel, placement, purpose or incident kind that is not listed fails.

How a file becomes these values: ``dispatcher.gate.policy_file``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from dispatcher.domain.incident import Severity
from dispatcher.domain.people import Role
from dispatcher.domain.plan import Placement, Route
from dispatcher.gate.policy_diff import loosens

NEVER_USED = "T4"


class CheckedBy(StrEnum):
    """Who sees to it that a mitigation holds (reference: policy 1.4)."""

    PEOPLE = "people"  # attested, with an expiry
    SOFTWARE = "software"  # the gate looks itself
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Tier:
    """What a tier of channels asks. ``hold_when_stale``: whether a stale signed status stops sending."""

    approvals: tuple[Role, ...]
    window_max_minutes: int
    severity_min: Severity
    hold_when_stale: bool
    source: str
    break_glass: bool = False

    @property
    def window_max(self) -> timedelta:
        """The longest window."""
        return timedelta(minutes=self.window_max_minutes)


@dataclass(frozen=True, slots=True)
class SpendCap:
    """How much may be spent on a channel, in pence with all fees in: per pre-agreed case and per financial year."""

    cap_case_pence: int
    cap_year_pence: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What a standing clearance lets some accounts do beyond their channel's rule."""

    accounts: tuple[str, ...]
    purposes: tuple[str, ...]
    source: str
    requires_incident: bool = True
    minister: bool = True


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """What one channel asks beyond its tier. Empty ``accounts`` means every account of the channel.

    ``hosts`` are the platform's own addresses: no account of another channel is pointed at them. ``routes`` are the
    ways to it that are open, where it has several: by people, unless it says more.
    """

    tier: str
    source: str
    placements: tuple[Placement, ...] = ()
    purposes: tuple[str, ...] = ()
    incident_kinds: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    routes: tuple[Route, ...] = (Route.HAND_OFF,)
    assessment_max_age_days: int | None = None
    exemption: bool = False
    minister: bool = False
    requires_incident: bool = True
    mitigations: tuple[str, ...] = ()
    attestation_max_age_hours: Mapping[str, int] = field(default_factory=dict)
    spend: SpendCap | None = None
    standing: Mapping[str, Standing] = field(default_factory=dict)

    @property
    def assessment_max_age(self) -> timedelta | None:
        """How old an assessment may be, where one is asked for."""
        return timedelta(days=self.assessment_max_age_days) if self.assessment_max_age_days else None

    def max_age(self, mitigation: str) -> timedelta:
        """How old an attestation of this mitigation may be; ``default`` where it has no figure of its own."""
        ages = self.attestation_max_age_hours
        return timedelta(hours=ages.get(mitigation, ages["default"]))

    def for_account(self, account: str, purpose: str) -> ChannelRule:
        """The rule as it stands for one account and purpose: a standing clearance may widen it."""
        for standing in self.standing.values():
            if account in standing.accounts and purpose in standing.purposes:
                return replace(
                    self,
                    accounts=standing.accounts,
                    purposes=standing.purposes,
                    requires_incident=standing.requires_incident,
                    minister=standing.minister,
                )
        return self


@dataclass(frozen=True, slots=True)
class Needs:
    """The items of evidence an incident kind needs, and those besides from S3 on (reference: policy 6.3).

    ``exceptional`` says in words when circumstances count as exceptional; ``approvals`` are asked for besides where
    that is for people to agree on. The item ``methane`` stands for the seven of the METHANE form.
    """

    base: tuple[str, ...]
    max_age_hours: int
    exceptional: str
    source: str
    serious: tuple[str, ...] = ()
    approvals: tuple[Role, ...] = ()

    def items(self, severity: Severity) -> tuple[str, ...]:
        """What is needed at a severity."""
        return self.base + (self.serious if severity >= Severity.S3 else ())


@dataclass(frozen=True, slots=True)
class Mitigation:
    """One mitigation of the list that the policy names, and who checks it."""

    checked_by: CheckedBy
    source: str


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """What two people may skip in an immediate threat to life, for how long, and when it must have been reviewed."""

    skips: tuple[Role, ...]
    minutes: int
    review_hours: int
    source: str


@dataclass(frozen=True, slots=True)
class StandDown:
    """What follows the end of an incident's messaging: the app deleted, two reviews (reference: policy 6.4)."""

    deletion_hours: int
    hot_review_hours: int
    formal_review_days: int
    source: str


@dataclass(frozen=True, slots=True)
class SpendingControl:
    """Above this, in pence per case and financial year, central approval is asked for (reference: policy 2)."""

    threshold_pence: int
    source: str


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """A period before an election, ``[starts, ends)``, in which what is not about safety needs one approval more.

    ``approval`` says whose; ``exempt_purposes`` go on as always. Nothing is paid for but ``paid_purposes``
    (reference: policy 3).
    """

    starts: datetime
    ends: datetime
    approval: Role
    exempt_purposes: tuple[str, ...]
    source: str
    paid_purposes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One dated version; ``digest`` names its flattened document. ``flags`` maps a legal flag to who must approve.

    ``hardware_roles`` and ``pin_roles``: who approves with a hardware key only, and with its PIN.
    """

    version: str
    effective_from: datetime
    recorded_at: datetime
    source: str
    digest: str
    tier: Mapping[str, Tier]
    channel: Mapping[str, ChannelRule]
    flags: Mapping[str, Role]
    checked_languages: tuple[str, ...]
    may_release: tuple[Role, ...]
    may_assess: tuple[Role, ...]
    may_attest: tuple[Role, ...]
    may_exempt: tuple[Role, ...]
    armed_hours: int
    renewals_max: int
    stand_down: StandDown
    spending_control: SpendingControl
    evidence: Mapping[str, Needs] = field(default_factory=dict)
    mitigation: Mapping[str, Mitigation] = field(default_factory=dict)
    break_glass: BreakGlass | None = None
    hardware_roles: tuple[Role, ...] = ()
    pin_roles: tuple[Role, ...] = ()
    sensitivity: Mapping[str, Sensitivity] = field(default_factory=dict)
    exercise_max_age_days: int | None = None

    def sensitive(self, at: datetime) -> Mapping[str, Sensitivity]:
        """The periods before elections that a moment lies in, by name."""
        return {name: period for name, period in self.sensitivity.items() if period.starts <= at < period.ends}

    @property
    def exercise_max_age(self) -> timedelta | None:
        """How old a team's last exercise may be before it is told so, where policy says."""
        return timedelta(days=self.exercise_max_age_days) if self.exercise_max_age_days else None

    @property
    def armed_for(self) -> timedelta:
        """How long after a message's end its armed texts may still be sent."""
        return timedelta(hours=self.armed_hours)

    def rule(self, channel: str) -> ChannelRule | None:
        """The rule of a channel, or None: a channel that is not listed is denied."""
        return self.channel.get(channel)

    def ages(self) -> frozenset[timedelta]:
        """Every age at which a statement or an item of evidence stops counting."""
        hours = {needs.max_age_hours for needs in self.evidence.values()}
        days = {rule.assessment_max_age_days for rule in self.channel.values() if rule.assessment_max_age_days}
        for rule in self.channel.values():
            hours |= set(rule.attestation_max_age_hours.values())
        minutes = {self.break_glass.minutes} if self.break_glass else set[int]()
        spans = [*(timedelta(hours=n) for n in hours), *(timedelta(days=n) for n in days)]
        return frozenset([*spans, *(timedelta(minutes=n) for n in minutes)])


@dataclass(frozen=True, slots=True)
class Beginning:
    """When a version begins, and whether it loosens anything that held until then; the first one does."""

    version: str
    digest: str
    at: datetime
    loosens: bool


@dataclass(frozen=True)  # without slots, so that ages and beginnings are worked out once
class Policies:
    """All versions, oldest first; ``digest`` names the whole signed file."""

    versions: tuple[PolicyVersion, ...]
    digest: str

    @cached_property
    def ages(self) -> frozenset[timedelta]:
        """Every age at which a statement or an item of evidence stops counting under any version."""
        return frozenset(age for version in self.versions for age in version.ages())

    @cached_property
    def beginnings(self) -> tuple[Beginning, ...]:
        """When each begins, and whether it loosens."""
        pairs = zip((None, *self.versions), self.versions, strict=False)
        return tuple(
            Beginning(v.version, v.digest, v.effective_from, before is None or loosens(before, v))
            for before, v in pairs
        )

    def in_force(self, at: datetime) -> PolicyVersion | None:
        """The version in force at a moment, or None before the first."""
        return next((v for v in reversed(self.versions) if v.effective_from <= at), None)

    def by_digest(self, digest: str) -> PolicyVersion | None:
        """The version that a plan was submitted under."""
        return next((v for v in self.versions if v.digest == digest), None)

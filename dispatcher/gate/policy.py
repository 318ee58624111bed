"""Policy: dated, versioned data that says who must sign what, where, and for how long. Never code.

Rules (reference: policy 6.8)
  1. Unknown keys are refused; every channel rule names its source.
  2. A version is in force from ``effective_from`` until the next one begins.
  3. What is not allowed is denied: a channel, placement, purpose or incident kind that is not listed fails.
  4. A T3 channel with no mitigations is an error, not a permission.

The file is TOML, read into plain JSON values with canonical times before it comes here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from channels.contract import Json
from dispatcher.domain import canonical
from dispatcher.domain.documents import DocumentError, Reader
from dispatcher.domain.incident import Severity
from dispatcher.domain.people import Role
from dispatcher.domain.plan import Placement

T = TypeVar("T")
NEVER_USED = "T4"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LONGEST = 3653 * DAY
"""No window and no age limit is longer than ten years."""


class PolicyError(ValueError):
    """The policy cannot be used; the message names the place and the rule."""


@dataclass(frozen=True, slots=True)
class Tier:
    """What a tier of channels asks. ``hold_when_stale``: whether a stale signed status stops sending."""

    name: str
    approvals: tuple[Role, ...]
    window_max: timedelta
    severity_min: Severity
    hold_when_stale: bool


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """What one channel asks beyond its tier. Empty ``accounts`` means every account of the channel."""

    channel: str
    tier: str
    placements: tuple[Placement, ...]
    purposes: tuple[str, ...]
    incident_kinds: tuple[str, ...]
    accounts: tuple[str, ...]
    assessment_max_age: timedelta | None
    exemption: bool
    minister: bool
    mitigations: tuple[str, ...]
    attestation_max_age: Mapping[str, timedelta]
    source: str

    def max_age(self, mitigation: str) -> timedelta:
        """How old an attestation of this mitigation may be; ``default`` where it has no figure of its own."""
        return self.attestation_max_age.get(mitigation, self.attestation_max_age["default"])


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One dated version; ``digest`` names its flattened document. ``flags`` maps a legal flag to who must approve."""

    version: str
    effective_from: datetime
    digest: str
    tiers: Mapping[str, Tier]
    channels: Mapping[str, ChannelRule]
    flags: Mapping[str, Role]
    checked_languages: tuple[str, ...]
    may_release: tuple[Role, ...]
    may_assess: tuple[Role, ...]
    may_attest: tuple[Role, ...]
    may_exempt: tuple[Role, ...]
    armed_for: timedelta

    def rule(self, channel: str) -> ChannelRule | None:
        """The rule of a channel, or None: a channel that is not listed is denied."""
        return self.channels.get(channel)


@dataclass(frozen=True, slots=True)
class Policies:
    """All versions, oldest first; ``digest`` names the whole signed file."""

    versions: tuple[PolicyVersion, ...]
    digest: str

    def in_force(self, at: datetime) -> PolicyVersion | None:
        """The version in force at a moment, or None before the first."""
        return next((v for v in reversed(self.versions) if v.effective_from <= at), None)

    def by_digest(self, digest: str) -> PolicyVersion | None:
        """The version that a plan was submitted under."""
        return next((v for v in self.versions if v.digest == digest), None)


def load(document: Json, digest: str) -> Policies:
    """Build the model from the parsed file. Raises PolicyError naming the place."""
    try:
        reader = Reader(document, "policy file")
        if reader.integer("schema") != 1:
            raise PolicyError("policy file: schema must be 1")
        versions = reader.each("policy", _version)
        reader.done()
    except DocumentError as error:
        raise PolicyError(str(error)) from error
    starts = [v.effective_from for v in versions]
    if not starts or starts != sorted(set(starts)):
        raise PolicyError("policy file: needs versions in order of effective_from, no two at once")
    return Policies(versions, digest)


def _version(document: Json, where: str) -> PolicyVersion:
    reader = Reader(document, where)
    version, effective, recorded = reader.text("version"), reader.time("effective_from"), reader.time("recorded_at")
    if recorded > effective:
        raise PolicyError(f"{where}: recorded_at lies after effective_from; a version cannot be back-dated")
    reader.text("source")
    tiers = _named(reader.raw("tier"), f"{where}.tier", _tier)
    channels = _named(reader.raw("channel"), f"{where}.channel", _channel)
    result = PolicyVersion(
        version=version,
        effective_from=effective,
        digest=canonical.digest("policy-version/v1", canonical.encode(document)),
        tiers=tiers,
        channels=channels,
        flags={flag: _role(role, f"{where}.flags") for flag, role in reader.mapping("flags").items()},
        checked_languages=reader.texts("checked_languages"),
        may_release=_roles(reader, "may_release", where),
        may_assess=_roles(reader, "may_assess", where),
        may_attest=_roles(reader, "may_attest", where),
        may_exempt=_roles(reader, "may_exempt", where),
        armed_for=_span(reader, "armed_hours", HOUR, where),
    )
    reader.done()
    for rule in channels.values():
        if rule.tier not in tiers and rule.tier != NEVER_USED:
            raise PolicyError(f"{where}.channel.{rule.channel}: tier {rule.tier} is not defined")
    return result


def _tier(name: str, document: Json, where: str) -> Tier:
    reader = Reader(document, where)
    tier = Tier(
        name=name,
        approvals=_roles(reader, "approvals", where),
        window_max=_span(reader, "window_max_minutes", MINUTE, where),
        severity_min=_severity(reader.text("severity_min"), where),
        hold_when_stale=reader.flag("hold_when_stale"),
    )
    reader.text("source")
    reader.done()
    if not tier.approvals:
        raise PolicyError(f"{where}: a tier needs at least one approval beside the author")
    return tier


def _channel(name: str, document: Json, where: str) -> ChannelRule:
    reader = Reader(document, where)
    tier, source = reader.text("tier"), reader.text("source")
    if not source.strip():
        raise PolicyError(f"{where}: every rule names its source")
    assessed = reader.has("assessment_max_age_days")
    ages = reader.raw("attestation_max_age_hours") if reader.has("attestation_max_age_hours") else {}
    rule = ChannelRule(
        channel=name,
        tier=tier,
        placements=tuple(_placement(p, where) for p in _texts(reader, "placements")),
        purposes=_texts(reader, "purposes"),
        incident_kinds=_texts(reader, "incident_kinds"),
        accounts=_texts(reader, "accounts"),
        assessment_max_age=_span(reader, "assessment_max_age_days", DAY, where) if assessed else None,
        exemption=reader.has("exemption") and reader.flag("exemption"),
        minister=reader.has("minister") and reader.flag("minister"),
        mitigations=_texts(reader, "mitigations"),
        attestation_max_age=_hours(ages, where),
        source=source,
    )
    reader.done()
    if tier.startswith("T3") and not rule.mitigations:
        raise PolicyError(f"{where}: a {tier} channel needs its mitigations")
    if rule.mitigations and "default" not in rule.attestation_max_age:
        raise PolicyError(f"{where}: attestation_max_age_hours needs a default")
    return rule


def _hours(document: Json, where: str) -> dict[str, timedelta]:
    if not isinstance(document, dict):
        raise PolicyError(f"{where}.attestation_max_age_hours: expected a table")
    place = f"{where}.attestation_max_age_hours"
    reader = Reader(document, place)
    return {code: _span(reader, code, HOUR, place) for code in document}


def _span(reader: Reader, key: str, unit: timedelta, where: str) -> timedelta:
    count = reader.integer(key)
    if not 1 <= count <= LONGEST // unit:
        raise PolicyError(f"{where}.{key}: {count} is not between 1 and {LONGEST // unit}")
    return count * unit


def _named(document: Json, where: str, read: Callable[[str, Json, str], T]) -> dict[str, T]:
    if not isinstance(document, dict):
        raise PolicyError(f"{where}: expected a table")
    return {name: read(name, item, f"{where}.{name}") for name, item in document.items()}


def _texts(reader: Reader, key: str) -> tuple[str, ...]:
    return reader.texts(key) if reader.has(key) else ()


def _placement(name: str, where: str) -> Placement:
    try:
        return Placement(name)
    except ValueError as error:
        raise PolicyError(f"{where}: {name} is not a placement (organic, paid)") from error


def _roles(reader: Reader, key: str, where: str) -> tuple[Role, ...]:
    return tuple(_role(name, f"{where}.{key}") for name in reader.texts(key))


def _role(name: str, where: str) -> Role:
    try:
        return Role(name)
    except ValueError as error:
        raise PolicyError(f"{where}: {name} is not a role") from error


def _severity(name: str, where: str) -> Severity:
    try:
        return Severity[name]
    except KeyError as error:
        raise PolicyError(f"{where}: {name} is not a severity (S1 to S4)") from error

"""What one policy version changes against another, per channel: tighter, looser, or neither.

Rules (reference: policy 6.8)
  1. A channel is compared with what its tier, mitigations and standing clearances come to for it, so that a tier's
     new rule shows on every channel it governs. A channel that is not listed and one that is never used are the
     same: denied. Opening a channel loosens, closing one tightens, whatever else its rule says.
  2. A field's direction is known from its name, see ``DIRECTIONS``: more of what must be there, less of what may be,
     a smaller number, a higher severity, a demand made are each tighter; the reverse is looser. So is a list that is
     neither longer nor shorter, but another.
  3. A field that ``DIRECTIONS`` does not name counts as looser.

``differences(known["2023-03"], known["2024-11"])`` holds, among others::

    Difference("tiktok", "use", "denied", "T3", Direction.LOOSER)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from channels.contract import Json
from dispatcher.domain import documents

if TYPE_CHECKING:
    from dispatcher.gate.policy import ChannelRule, PolicyVersion

EVERY_CHANNEL = "every channel"
DENIED = "denied"
CHECKERS = ("people", "software")
NOT_GENERAL = ("version", "effective_from", "recorded_at", "digest", "tier", "channel", "mitigation")
"""What a version says that is not a rule for all channels; tiers and mitigations show where they apply."""


class Direction(StrEnum):
    """Which way a change goes."""

    TIGHTER = "tighter"
    LOOSER = "looser"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Difference:
    """One changed rule of a channel, or of every channel; None where a version does not have it."""

    channel: str
    rule: str
    before: Json
    after: Json
    direction: Direction


def differences(before: PolicyVersion, after: PolicyVersion) -> tuple[Difference, ...]:
    """Every rule that differs: the general ones first, then by channel."""
    found = [*_changed(EVERY_CHANNEL, _general(before), _general(after))]
    for channel in sorted({*before.channel, *after.channel}):
        found += _changed(channel, _asked(before, channel), _asked(after, channel))
    return tuple(found)


def loosens(before: PolicyVersion, after: PolicyVersion) -> bool:
    """Whether anything becomes easier."""
    return any(found.direction is Direction.LOOSER for found in differences(before, after))


def _general(version: PolicyVersion) -> dict[str, Json]:
    document = documents.to_json(version) | {"sensitivity": list[Json](_periods(version))}
    return dict(_leaves({key: value for key, value in document.items() if key not in NOT_GENERAL}))


def _periods(version: PolicyVersion) -> Iterator[str]:
    """Each period whole, so that one more is tighter, and one that is gone or changed counts as looser."""
    for name, one in sorted(version.sensitivity.items()):
        spared = (
            f"sparing {', '.join(one.exempt_purposes) or 'nothing'}, paid {', '.join(one.paid_purposes) or 'none'}"
        )
        yield f"{name}: {one.starts:%Y-%m-%d %H:%M} to {one.ends:%Y-%m-%d %H:%M} UTC, {one.approval}, {spared}"


def _asked(version: PolicyVersion, channel: str) -> dict[str, Json]:
    rule = version.rule(channel)
    tier = version.tier.get(rule.tier) if rule else None
    if rule is None or tier is None:
        return {"use": DENIED, "hosts": list[Json](rule.hosts if rule else ())}
    asked = documents.to_json(rule) | {"use": rule.tier, "tier": documents.to_json(tier)}
    checked = {code: version.mitigation[code].checked_by for code in rule.mitigations}
    asked["mitigations"] = [f"{code} {who}" for code in checked for who in CHECKERS if checked[code] in (who, "both")]
    asked["attestation_max_age_hours"] = {code: rule.max_age(code) // timedelta(hours=1) for code in checked}
    asked["standing"] = list[Json](_granted(rule))
    return dict(_leaves(asked))


def _granted(rule: ChannelRule) -> Iterator[str]:
    for standing in rule.standing.values():
        for account in standing.accounts:
            for purpose in standing.purposes:
                yield f"{account} {purpose}"
                if not standing.requires_incident:
                    yield f"{account} {purpose} without an incident"
                if not standing.minister:
                    yield f"{account} {purpose} without the minister"


def _leaves(document: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Json]]:
    for key, value in document.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{key}.")
        elif value not in (None, "", []):
            yield f"{above}{key}", value


def _changed(channel: str, before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[Difference]:
    closed = after.get("use") == DENIED
    if (before.get("use") == DENIED) is not closed:
        direction = Direction.TIGHTER if closed else Direction.LOOSER
        yield Difference(channel, "use", before["use"], after["use"], direction)
        return
    for rule in sorted({*before, *after}):
        old, new = before.get(rule), after.get(rule)
        if old != new:
            yield Difference(channel, rule, old, new, _direction(rule, old, new))


def _direction(rule: str, before: Any, after: Any) -> Direction:
    named = next((name for name in reversed(rule.split(".")) if name in DIRECTIONS), None)
    if named is None:
        return Direction.LOOSER
    no_looser = DIRECTIONS[named]
    if no_looser is None:
        return Direction.NEUTRAL
    return Direction.TIGHTER if no_looser(before, after) else Direction.LOOSER


def _all_kept(before: Any, after: Any) -> bool:
    """Of what must be there."""
    return not Counter(before) - Counter(after)


def _none_added(before: Any, after: Any) -> bool:
    """To what may be there."""
    return not Counter(after) - Counter(before)


def _only_these(before: Any, after: Any) -> bool:
    """Of accounts, where naming none means all."""
    return bool(after) and (not before or _none_added(before, after))


def _not_longer(before: Any, after: Any) -> bool:
    """A limit, where none at all is the loosest."""
    return after is not None and (before is None or after <= before)


def _not_more(before: Any, after: Any) -> bool:
    """What is given: an amount, where none at all is nothing, or a permission."""
    return (after or 0) <= (before or 0)


def _not_lower(before: Any, after: Any) -> bool:
    """A threshold to reach, or a demand that is made."""
    return bool(after >= before)


def _named(no_looser: Callable[[Any, Any], bool] | None, names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), no_looser)


DIRECTIONS: Mapping[str, Callable[[Any, Any], bool] | None] = {
    **_named(_all_kept, "approvals mitigations hosts checked_languages hardware_roles pin_roles base serious"),
    **_named(_all_kept, "sensitivity"),
    **_named(_none_added, "placements purposes incident_kinds routes standing skips"),
    **_named(_none_added, "may_release may_assess may_attest may_exempt"),
    **_named(_only_these, "accounts"),
    **_named(_not_longer, "window_max_minutes assessment_max_age_days attestation_max_age_hours max_age_hours"),
    **_named(_not_longer, "armed_hours renewals_max threshold_pence exercise_max_age_days"),
    **_named(_not_longer, "deletion_hours hot_review_hours formal_review_days"),
    **_named(_not_more, "cap_case_pence cap_year_pence minutes review_hours break_glass"),
    **_named(_not_lower, "severity_min hold_when_stale exemption minister requires_incident"),
    **_named(None, "source exceptional use"),
}
"""By a field's name: whether its new value is no looser than the old one; None for what is neither."""

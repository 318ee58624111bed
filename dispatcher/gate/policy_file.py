"""From a parsed policy file to the policy, or to the place in it that cannot be used.

Rules (reference: policy 6.8)
  1. Unknown keys are refused; every rule names its source.
  2. A version may inherit from an earlier one; the flattened document is what its digest names, so that an old digest
     never changes.
  3. A version that loosens anything, as the first one does, begins after it was recorded; only a tightening may
     begin at once (``dispatcher.gate.policy_diff``). None is back-dated.
  4. A T3 channel with no mitigations is an error, not a permission; so is a mitigation that nobody checks.

The file is TOML, read into plain JSON values with canonical times before it comes here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import Any

from channels.contract import Json
from dispatcher.domain import canonical, documents
from dispatcher.domain.documents import DocumentError
from dispatcher.gate.policy import NEVER_USED, ChannelRule, CheckedBy, Policies, PolicyVersion

BREAKABLE = ("T0", "T1")
"""The tiers whose approvals may be skipped in an immediate threat to life (reference: policy 6.4)."""

HEAD = ("version", "effective_from", "recorded_at", "source", "inherits")
"""What a version says of itself, and does not hand on to those that inherit from it."""

LONGEST = timedelta(days=3653)
"""No window and no age limit is longer than ten years."""

UNITS: Mapping[str, timedelta] = {
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
}

CHECKED_BY_SOFTWARE = frozenset({"M07", "M10", "M12", "M13", "M14", "M15", "M16", "M17", "M21", "M23"})
"""The mitigations that ``dispatcher.gate.mitigations`` can check."""


class PolicyError(ValueError):
    """The policy cannot be used; the message names the place and the rule."""


def load(document: Json, digest: str) -> Policies:
    """Build the model from the parsed file. Raises PolicyError naming the place."""
    if not isinstance(document, dict) or document.keys() != {"schema", "policy"} or document["schema"] != 1:
        raise PolicyError("policy file: needs schema = 1 and its [[policy]] versions, and nothing else")
    try:
        versions = tuple(_version(flat, where) for flat, where in flattened(document["policy"]))
    except DocumentError as error:
        raise PolicyError(str(error)) from error
    starts = [v.effective_from for v in versions]
    if not starts or starts != sorted(set(starts)):
        raise PolicyError("policy file: needs versions in order of effective_from, no two at once")
    at_once = [n for n, version in enumerate(versions) if version.recorded_at == version.effective_from]
    policies = Policies(versions, digest)
    if loosened := [n for n in at_once if policies.beginnings[n].loosens]:
        raise PolicyError(f"policy file.policy[{loosened[0]}]: it loosens a rule, so it must begin after recorded_at")
    return policies


def flattened(documents_: Json) -> Iterable[tuple[dict[str, Json], str]]:
    """Each version's document with what it inherits, and where it stands. Raises PolicyError."""
    if not isinstance(documents_, list):
        raise PolicyError("policy file.policy: expected a list of versions")
    known: dict[str, dict[str, Json]] = {}
    for number, document in enumerate(documents_):
        where = f"policy file.policy[{number}]"
        if not isinstance(document, dict) or not isinstance(name := document.get("version"), str):
            raise PolicyError(f"{where}: a version needs its name")
        if name in known:
            raise PolicyError(f"{where}: version {name} stands there twice")
        parent = document.get("inherits")
        if parent is not None and parent not in known:
            raise PolicyError(f"{where}.inherits: there is no earlier version {parent}")
        inherited = {key: value for key, value in known.get(str(parent), {}).items() if key not in HEAD}
        flat = _merged(inherited, {key: value for key, value in document.items() if key != "inherits"})
        known[name] = flat
        yield flat, where


def _merged(under: Mapping[str, Json], over: Mapping[str, Json]) -> dict[str, Json]:
    """Tables are merged key by key; anything else is replaced."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _version(document: dict[str, Json], where: str) -> PolicyVersion:
    if "digest" in document:
        raise PolicyError(f"{where}: unknown key 'digest'")
    digest = canonical.digest("policy-version/v1", canonical.encode(document))
    version = documents.read(PolicyVersion, {**document, "digest": digest}, where, defaults=True)
    if version.recorded_at > version.effective_from:
        raise PolicyError(f"{where}: recorded_at lies after effective_from; a version cannot be back-dated")
    _check_values(version, where)
    for name, period in version.sensitivity.items():
        if period.starts >= period.ends:
            raise PolicyError(f"{where}.sensitivity.{name}: it ends before it starts")
    for name, tier in version.tier.items():
        if not tier.approvals:
            raise PolicyError(f"{where}.tier.{name}: a tier needs at least one approval beside the author")
        if tier.break_glass and name not in BREAKABLE:
            raise PolicyError(f"{where}.tier.{name}: the glass is broken on {' and '.join(BREAKABLE)} only")
    for name, rule in version.channel.items():
        _check_channel(version, rule, f"{where}.channel.{name}")
    return version


def _check_channel(version: PolicyVersion, rule: ChannelRule, where: str) -> None:
    if rule.tier not in version.tier and rule.tier != NEVER_USED:
        raise PolicyError(f"{where}: tier {rule.tier} is not defined")
    if rule.tier.startswith("T3") and not rule.mitigations:
        raise PolicyError(f"{where}: a T3 channel needs its mitigations")
    if rule.mitigations and "default" not in rule.attestation_max_age_hours:
        raise PolicyError(f"{where}: attestation_max_age_hours needs a default")
    for code in rule.mitigations:
        mitigation = version.mitigation.get(code)
        if mitigation is None:
            raise PolicyError(f"{where}.mitigations: {code} is not described under mitigation")
        if mitigation.checked_by is not CheckedBy.PEOPLE and code not in CHECKED_BY_SOFTWARE:
            raise PolicyError(f"{where}.mitigations: no software checks {code}; people must")


def _check_values(value: Any, where: str) -> None:
    """Every rule names its source, and every span of time is above zero and not absurd."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            _check_values(item, f"{where}.{key}")
    if not is_dataclass(value):
        return
    for one in fields(value):
        item = getattr(value, one.name)
        if one.name == "source" and not item.strip():
            raise PolicyError(f"{where}: every rule names its source")
        unit = UNITS.get(one.name.rpartition("_")[2])
        if unit is not None:
            _check_spans(item, unit, f"{where}.{one.name}")
        _check_values(item, f"{where}.{one.name}")


def _check_spans(given: Any, unit: timedelta, where: str) -> None:
    for count in given.values() if isinstance(given, Mapping) else [given]:
        if count is not None and not 1 <= count <= LONGEST // unit:
            raise PolicyError(f"{where}: {count} is not between 1 and {LONGEST // unit}")

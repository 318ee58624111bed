"""What a deployment asks of the alerts of one source, beyond that they are sound CAP. Data, never code.

Rules
  1. A profile says of each rule ``refuse``, ``hold`` (a person decides) or ``allow``; none is left unsaid.
  2. It may be based on one that ships: what it says replaces that, rule by rule.
  3. Unknown keys and rules are refused with their name: a rule that is misspelled would be one that does nothing.

    profile = read_profile(document, "flood", shipped)
    profile.rules["no-expiry"]                      # Verdict.HOLD
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dispatcher.cap.geometry import Box
from dispatcher.cap.report import Verdict
from dispatcher.domain.errors import Invalid

RULES: Mapping[str, str] = {
    "signature-missing": "it is not signed",
    "signature-form": "its signature is of a form that is not accepted",
    "signature-key": "it is signed with a key that is not pinned",
    "signature-expired": "its certificate was not in its time",
    "signature-broken": "its signature does not hold",
    "sender": "its sender is not on the list",
    "jurisdiction": "an area reaches outside the jurisdiction, or none is set",
    "no-expiry": "it does not say when it expires",
    "expires-early": "it expires before it takes effect",
    "too-old": "it was sent long ago",
    "future": "it was sent in the future",
    "no-area": "it names no area",
    "no-geometry": "an area has no outline and no code that is known",
    "crossing": "an outline crosses itself",
    "repeated-point": "an outline comes through a point twice",
    "hole": "an outline lies within another",
    "many-points": "an outline has more points than a map shows",
    "drill-words": "it is Actual, and its words are an exercise's",
    "drill-unsaid": "it is an exercise, and none of its words say so",
    "direction": "its text has characters that turn the direction of reading",
    "comment": "it has comments, which a signature does not cover",
    "languages-unequal": "its languages do not say the same",
    "languages-identical": "two languages have the same text",
    "foreign-reference": "it refers to another sender's alert",
}
"""Every rule that a profile decides, and what is wrong where it strikes."""

_NUMBERS = {"max_age_hours": 24, "future_minutes": 5, "default_hours": 6, "points": 1000}
_LISTS = ("senders", "certificates", "geocodes", "drill_words")
_KEYS = {"schema", "about", "based_on", "box", "rules", *_LISTS, *_NUMBERS}
_ACTIONS = {"refuse": Verdict.REFUSE, "hold": Verdict.HOLD, "allow": Verdict.OK}
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile. ``certificates`` are the pinned ones (PEM); without ``senders`` any may have sent it.

    ``box`` is the jurisdiction. ``unless_said`` is how long an alert without expiry is taken to hold once a person
    accepts it; ``points`` are the most of one outline; ``geocodes`` the names of code lists that stand for an area.
    """

    name: str
    rules: Mapping[str, Verdict]
    senders: tuple[str, ...] = ()
    certificates: tuple[bytes, ...] = ()
    box: Box | None = None
    geocodes: tuple[str, ...] = ()
    drill_words: tuple[str, ...] = ()
    max_age: timedelta = timedelta(hours=24)
    skew: timedelta = timedelta(minutes=5)
    unless_said: timedelta = timedelta(hours=6)
    points: int = 1000


def flattened(document: Mapping[str, Any], name: str, shipped: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The document with what it is based on. Raises Invalid naming the key."""
    if unknown := sorted(document.keys() - _KEYS):
        raise _invalid(name, f"{unknown[0]} is no key of a profile: the keys are {', '.join(sorted(_KEYS))}")
    based_on = document.get("based_on")
    if based_on is None:
        return dict(document)
    if based_on not in shipped:
        raise _invalid(name, f"based_on must be one of {', '.join(shipped)}")
    base = shipped[based_on]
    return {**base, **document, "rules": {**base["rules"], **_rules(document, name)}}


def read_profile(document: Mapping[str, Any], name: str, certificates: tuple[bytes, ...] = ()) -> Profile:
    """Build the model of a flattened document; ``certificates`` are those it names, read. Raises Invalid."""
    rules = _rules(document, name)
    if unsaid := [rule for rule in RULES if rule not in rules]:
        raise _invalid(name, f'rule {unsaid[0]} is not decided: write "refuse", "hold" or "allow"')
    numbers = {key: _number(document, key, unless, name) for key, unless in _NUMBERS.items()}
    lists = {key: _texts(document, key, name) for key in _LISTS if key != "certificates"}
    return Profile(
        name=name,
        rules={rule: _ACTIONS[action] for rule, action in rules.items()},
        certificates=certificates,
        box=_box(document, name),
        max_age=timedelta(hours=numbers["max_age_hours"]),
        skew=timedelta(minutes=numbers["future_minutes"]),
        unless_said=timedelta(hours=numbers["default_hours"]),
        points=numbers["points"],
        **lists,
    )


def certificate_files(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The files that a flattened document pins, beside it. Raises Invalid."""
    return _texts(document, "certificates", name)


def _rules(document: Mapping[str, Any], name: str) -> dict[str, str]:
    rules = document.get("rules", {})
    if not isinstance(rules, dict):
        raise _invalid(name, "rules must be a table of rules, each refuse, hold or allow")
    for rule, action in rules.items():
        if rule not in RULES:
            raise _invalid(name, f"there is no rule {rule}: the rules are {', '.join(RULES)}")
        if action not in _ACTIONS:
            raise _invalid(name, f'rule {rule} must be "refuse", "hold" or "allow"')
    return rules


def _number(document: Mapping[str, Any], key: str, unless: int, name: str) -> int:
    value = document.get(key, unless)
    if type(value) is not int or not 0 < value <= _MOST:
        raise _invalid(name, f"{key} must be a whole number from 1 to {_MOST}")
    return value


def _texts(document: Mapping[str, Any], key: str, name: str) -> tuple[str, ...]:
    value = document.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise _invalid(name, f"{key} must be a list of texts")
    return tuple(value)


def _box(document: Mapping[str, Any], name: str) -> Box | None:
    value = document.get("box")
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 4 or any(type(one) not in (int, float) for one in value):
        raise _invalid(name, "box must be four numbers in degrees: south, west, north, east")
    south, west, north, east = map(float, value)
    box = Box(south, west, north, east)
    if not -90 <= box.south < box.north <= 90 or max(abs(box.west), abs(box.east)) > 180:
        raise _invalid(name, "box must be south, west, north, east, in this order and on the globe")
    return box


def _invalid(name: str, message: str) -> Invalid:
    return Invalid(f"profile {name}: {message}", "mend the file and run the command again")

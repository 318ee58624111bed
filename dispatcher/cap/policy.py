"""What a profile asks of a sound alert, apart from its signature and its areas. Each rule names its faults.

Rules (reference: cap 0, 3.2, 3.3, 3.5)
  1. A rule only finds; whether what it finds refuses or holds is the profile's word.
  2. Times are judged at the moment of receipt.
  3. Drill words are a hint, in both directions, and never decide on their own what an alert is.
  4. Languages are compared block by block with the first: codes, times, outlines, and which texts there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime

from dispatcher.cap.alert import Alert, Info, MsgType, Status
from dispatcher.cap.profile import Profile
from dispatcher.cap.report import Fault, quoted, shown
from dispatcher.cap.values import read_time

_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Embeddings, overrides and isolates of direction; the plain marks that Arabic and Hebrew need are not among them."""

_TEXTS = ("event", "headline", "description", "instruction")
_SAME = ("categories", "event_codes", "urgency", "severity", "certainty", "effective", "expires")
_DRILLS = (Status.EXERCISE, Status.TEST)


def check(alert: Alert, profile: Profile, at: datetime) -> Iterator[Fault]:
    """Yield what the profile's rules find at ``at``."""
    for rule in _RULES:
        yield from rule(alert, profile, at)


def drill_words(alert: Alert, words: tuple[str, ...]) -> list[str]:
    """Those of ``words`` that stand in the alert's texts or note."""
    texts = " ".join([alert.note, *(getattr(info, name) for info in alert.infos for name in _TEXTS)]).casefold()
    return [word for word in words if word.casefold() in texts and _whole(word.casefold()).search(texts)]


def _whole(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")


def _sender(alert: Alert, profile: Profile, _at: datetime) -> Iterator[Fault]:
    if profile.senders and alert.source.sender not in profile.senders:
        advice = f"{quoted(alert.source.sender)} is not on the list of senders: add it there, if it is to be believed"
        yield Fault("sender", "alert/sender", advice)


def _references(alert: Alert, _profile: Profile, _at: datetime) -> Iterator[Fault]:
    for reference in alert.references:
        if reference.sender != alert.source.sender:
            advice = f"it refers to an alert of {quoted(reference.sender)}: ask both senders what holds"
            yield Fault("foreign-reference", "alert/references", advice)


def _sent(alert: Alert, profile: Profile, at: datetime) -> Iterator[Fault]:
    sent = read_time(alert.source.sent)
    if sent - at > profile.skew:
        yield Fault("future", "alert/sent", f"sent at {shown(sent)}, which is to come: ask its sender for the time")
    if at - sent > profile.max_age:
        yield Fault("too-old", "alert/sent", f"sent at {shown(sent)}, too long ago: ask its sender whether it holds")


def _times(alert: Alert, profile: Profile, _at: datetime) -> Iterator[Fault]:
    if alert.msg_type not in (MsgType.ALERT, MsgType.UPDATE):
        return
    for path, info in _infos(alert):
        begins = info.effective or read_time(alert.source.sent)
        if info.expires is None:
            hours = int(profile.unless_said.total_seconds() // 3600)
            advice = f"it does not say when it expires: say until when, or accept it for {hours} h"
            yield Fault("no-expiry", path, advice)
        elif info.expires <= begins:
            advice = f"it expires at {shown(info.expires)}, before it takes effect: ask its sender for the right time"
            yield Fault("expires-early", f"{path}/expires", advice)


def _drill(alert: Alert, profile: Profile, _at: datetime) -> Iterator[Fault]:
    found = drill_words(alert, profile.drill_words)
    if alert.status is Status.ACTUAL and found:
        advice = f"its status is Actual, and its text says {', '.join(map(quoted, found))}: ask which it is"
        yield Fault("drill-words", "alert", advice)
    if alert.status in _DRILLS and not found and alert.infos:
        advice = f"its status is {alert.status}, and no text says so: it reads like a real one"
        yield Fault("drill-unsaid", "alert/note", advice)


def _direction(alert: Alert, _profile: Profile, _at: datetime) -> Iterator[Fault]:
    places = [("alert/note", alert.note)]
    for path, info in _infos(alert):
        places += [(f"{path}/{name}", getattr(info, name)) for name in _TEXTS]
        places += [(f"{path}/area[{n}]/areaDesc", area.description) for n, area in enumerate(info.areas, 1)]
    for where, text in places:
        if found := _TURNING.search(text):
            advice = f"U+{ord(found[0]):04X} turns the direction of reading: it may read otherwise than it is written"
            yield Fault("direction", where, advice)


def _unequal(alert: Alert, _profile: Profile, _at: datetime) -> Iterator[Fault]:
    by_language: dict[str, list[Info]] = {}
    for info in alert.infos:
        by_language.setdefault(info.language, []).append(info)
    (_, first), *others = by_language.items() or [("", [])]
    for language, blocks in others:
        if len(blocks) != len(first):
            advice = f"{language} has {len(blocks)} blocks and {first[0].language} has {len(first)}: compare them"
            yield Fault("languages-unequal", "alert", advice)
        for one, other in zip(first, blocks, strict=False):
            if names := _differing(one, other):
                advice = f"{one.language} and {language} differ in {', '.join(names)}: compare them"
                yield Fault("languages-unequal", "alert", advice)


def _identical(alert: Alert, _profile: Profile, _at: datetime) -> Iterator[Fault]:
    seen: dict[tuple[str, ...], str] = {}
    for path, info in _infos(alert):
        text = (info.headline, info.description, info.instruction)
        before = seen.setdefault(text, info.language)
        if any(text) and before.partition("-")[0] != info.language.partition("-")[0]:
            advice = f"the text is the same in {before} and {info.language}: one of them is not a translation"
            yield Fault("languages-identical", path, advice)


_RULES: tuple[Callable[[Alert, Profile, datetime], Iterator[Fault]], ...] = (
    _sender,
    _references,
    _sent,
    _times,
    _drill,
    _direction,
    _unequal,
    _identical,
)


def _infos(alert: Alert) -> Iterator[tuple[str, Info]]:
    return ((f"alert/info[{number}]", info) for number, info in enumerate(alert.infos, 1))


def _differing(one: Info, other: Info) -> list[str]:
    names = [name.replace("_", " ") for name in _SAME if getattr(one, name) != getattr(other, name)]
    names += [name for name in _TEXTS[1:] if bool(getattr(one, name)) != bool(getattr(other, name))]
    return names + (["outlines"] if _outlines(one) != _outlines(other) else [])


def _outlines(info: Info) -> set[object]:
    return {shape for area in info.areas for shape in (*area.polygons, *area.circles, *area.geocodes)}

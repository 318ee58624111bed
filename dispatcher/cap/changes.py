"""What an Update or Cancel changes against the alert it is about, field by field, for the person who has to act."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from dispatcher.cap.alert import Alert, Info, MsgType
from dispatcher.cap.report import shown

_FIELDS = ("event", "headline", "urgency", "severity", "certainty", "expires", "description", "instruction")
_NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Change:
    """One field in words: in which language's block, what it was, and what it is. Other people's text, whole."""

    field: str
    language: str
    before: str
    after: str


def changes(earlier: Alert, later: Alert) -> tuple[Change, ...]:
    """Every difference, language by language in the order of the later alert; a Cancel withdraws and says no more."""
    if later.msg_type is MsgType.CANCEL:
        return (Change("message", "", "in force", "cancelled"),)
    return tuple(_languages(earlier, later))


def _languages(earlier: Alert, later: Alert) -> Iterator[Change]:
    before = {info.language: info for info in reversed(earlier.infos)}
    after = {info.language: info for info in reversed(later.infos)}
    for language in dict.fromkeys([*(info.language for info in later.infos), *before]):
        if language not in before:
            yield Change("language", language, _NOTHING, "added")
        elif language not in after:
            yield Change("language", language, "there", "left out")
        else:
            yield from _fields(language, before[language], after[language])


def _fields(language: str, one: Info, other: Info) -> Iterator[Change]:
    for name in _FIELDS:
        before, after = getattr(one, name), getattr(other, name)
        if before != after:
            yield Change(name, language, _told(before), _told(after))
    if (names := _areas(one)) != _areas(other):
        yield Change("area", language, names or _NOTHING, _areas(other) or _NOTHING)
    if _outlines(one) != _outlines(other):
        yield Change("outlines", language, f"{len(_outlines(one))} shapes", f"{len(_outlines(other))} other shapes")


def _told(value: object) -> str:
    return shown(value) if isinstance(value, datetime) else str(value or _NOTHING)


def _areas(info: Info) -> str:
    return "; ".join(area.description for area in info.areas)


def _outlines(info: Info) -> set[str]:
    return {shape for area in info.areas for shape in (*area.polygons, *area.circles)}

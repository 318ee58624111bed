"""What an officer should know about how a proposal was made: a short sentence per thing, none where all is plain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from dispatcher.cap.alert import Alert, Info, Status
from dispatcher.cap.geometry import is_point
from dispatcher.cap.report import shown
from dispatcher.cap.values import tag


@dataclass(frozen=True, slots=True)
class Choice:
    """An alert with what was chosen from it: one block per language, and the end of validity."""

    alert: Alert
    blocks: tuple[Info, ...]
    expires: datetime
    valid_until: datetime | None


def remarks(choice: Choice) -> tuple[str, ...]:
    """Every remark that applies, in a fixed order."""
    return tuple(sentence for remark in _REMARKS if (sentence := remark(choice)))


def circles(blocks: tuple[Info, ...]) -> Iterator[str]:
    """Every circle of every block."""
    return (circle for block in blocks for area in block.areas for circle in area.circles)


def _status(choice: Choice) -> str:
    status = choice.alert.status
    return "" if status is Status.ACTUAL else f"status {status}: it can become an exercise only"


def _expired(choice: Choice) -> str:
    spoken = {tag(block.language) for block in choice.blocks}
    silent = {tag(info.language) for info in choice.alert.infos} - spoken
    return f"left out, already expired: {', '.join(sorted(silent))}" if silent else ""


def _several(choice: Choice) -> str:
    left = len(choice.alert.infos) - len({tag(info.language) for info in choice.alert.infos})
    return f"several blocks of one language: the first in force of each was taken, {left} left out" if left else ""


def _expiry(choice: Choice) -> str:
    if choice.valid_until and choice.expires < choice.valid_until:
        return f"the alert ends before the valid-until that was given: {shown(choice.expires)} was taken"
    ends = {block.expires for block in choice.blocks}
    if choice.expires not in ends and ends != {None}:
        return f"valid until {shown(choice.expires)}, before the alert ends"
    return f"the languages do not expire together: {shown(choice.expires)} was taken" if len(ends) > 1 else ""


def _codes(choice: Choice) -> str:
    codes = {(info.urgency, info.severity, info.certainty, frozenset(info.categories)) for info in choice.blocks}
    return "the languages differ in category, urgency, severity or certainty: compare them" if len(codes) > 1 else ""


def _instruction(choice: Choice) -> str:
    silent = [tag(block.language) for block in choice.blocks if not block.instruction]
    return f"no instruction in {', '.join(silent)}" if 0 < len(silent) < len(choice.blocks) else ""


def _area(choice: Choice) -> str:
    if not any(block.areas for block in choice.blocks):
        return "the alert names no area: add one"
    outlines = {_outline(block) for block in choice.blocks}
    if outlines == {frozenset()}:
        return "the area has a name but no outline"
    return "the languages differ in their outlines: all were taken together" if len(outlines) > 1 else ""


def _outline(block: Info) -> frozenset[str]:
    return frozenset(shape for area in block.areas for shape in (*area.polygons, *area.circles))


def _points(choice: Choice) -> str:
    points = any(map(is_point, circles(choice.blocks)))
    return "a circle of radius 0 marks a point, not an area: left out" if points else ""


_REMARKS: tuple[Callable[[Choice], str], ...] = (
    _status,
    _expired,
    _several,
    _expiry,
    _codes,
    _instruction,
    _area,
    _points,
)

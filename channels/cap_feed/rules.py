"""What CAP 1.2 and its readers refuse in a rendering, in plain words, before anything is written.

Rules (reference: cap 3.2 to 3.5)
  1. Code values are the schema's own words; the schema alone would let most of what follows here pass.
  2. A place is always named, and shapes are closed, in range and ``lat,lon``: no area never means everywhere.
  3. The texts that people sign are the texts in the alert.
  4. Exercise words and an Actual status exclude each other, both ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from channels.cap_feed import wire
from channels.contract import Rendering
from channels.text import EXERCISE_LINE, check_text

_CATEGORIES = frozenset(
    {"Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"}
)
_VALUES = {
    "urgency": {"Immediate", "Expected", "Future", "Past", "Unknown"},
    "severity": {"Extreme", "Severe", "Moderate", "Minor", "Unknown"},
    "certainty": {"Observed", "Likely", "Possible", "Unlikely", "Unknown"},
}
_NUMBER = r"-?\d{1,3}(?:\.\d+)?"
_PAIR = re.compile(rf"({_NUMBER}),({_NUMBER})")
_RADIUS = re.compile(r"\d+(?:\.\d+)?")
_SENDER = re.compile(r"[^\s,<&]+")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-00:00")
_TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})+")


def faults(rendering: Rendering) -> list[str]:
    """Every reason why this rendering cannot become a CAP alert; empty when it can."""
    try:
        return [*_codes(rendering), *_place(rendering), *_texts(rendering), *_mode(rendering)]
    except wire.OptionError as error:
        return [str(error)]


def sender_fault(sender: str) -> str | None:
    """Why this cannot be a CAP sender, or None."""
    if _SENDER.fullmatch(sender):
        return None
    return (
        "the CAP sender must be one word without comma, < or &: set the account's sender, such as alerts@city.example"
    )


def _codes(rendering: Rendering) -> Iterator[str]:
    options = rendering.options
    fault = sender_fault(wire.word(options, "sender"))
    if fault:
        yield fault
    categories = wire.words(options, "category")
    if not categories or not _CATEGORIES.issuperset(categories):
        yield f"CAP category {' '.join(categories) or '(none)'}: give one or more of {', '.join(sorted(_CATEGORIES))}"
    for key, allowed in _VALUES.items():
        if wire.word(options, key) not in allowed:
            yield f"CAP {key} {wire.word(options, key) or '(none)'}: give one of {', '.join(sorted(allowed))}"
    if not wire.word(options, "event").strip():
        yield "CAP event is empty: say what happens, such as Flood or Disorder"
    if not _TIME.fullmatch(wire.word(options, "expires")):
        yield "CAP expires is not a time such as 2026-11-21T18:05:00-00:00"


def _place(rendering: Rendering) -> Iterator[str]:
    names = wire.words(rendering.options, "area")
    if not any(name.strip() for name in names):
        yield "no area is named: name at least one place; no area never means everywhere"
    for polygon in wire.words(rendering.options, "polygons"):
        if not _is_polygon(polygon):
            yield f"polygon {polygon[:60]!r}: give at least four lat,lon pairs in range, the last equal to the first"
    for circle in wire.words(rendering.options, "circles"):
        if not _is_circle(circle):
            yield f"circle {circle[:60]!r}: give lat,lon in range, a space, and a radius in km"


def _texts(rendering: Rendering) -> Iterator[str]:
    infos = wire.infos(rendering.options)
    if not infos or [wire.text_of(value) for value in infos] != [part.text for part in rendering.parts]:
        yield "the alert's texts differ from the rendering's parts, or there are none"
    for value in infos:
        if not _TAG.fullmatch(value.language):
            yield f"language {value.language}: give a tag with its region, such as en-GB or cy-GB"
        if not value.headline.strip() or not value.body.strip():
            yield f"{value.language}: the headline or the text is empty"
    free = [*map(wire.text_of, infos), *wire.words(rendering.options, "area")]
    free += [wire.word(rendering.options, key) for key in ("event", "sender_name", "web", "note")]
    for text in free:
        yield from check_text(text)


def _mode(rendering: Rendering) -> Iterator[str]:
    status = wire.word(rendering.options, "status")
    marks = [
        text.startswith(EXERCISE_LINE)
        for value in wire.infos(rendering.options)
        for text in (value.headline, value.body)
    ]
    marks.append(wire.word(rendering.options, "note").startswith(EXERCISE_LINE))
    if status not in {"Actual", "Exercise"}:
        yield f"CAP status {status}: only Actual and Exercise are published"
    elif status == "Exercise" and not all(marks):
        yield f"an exercise must begin its note and every headline and text with {EXERCISE_LINE}"
    elif status == "Actual" and any(marks):
        yield "an Actual alert carries exercise words: readers would take it for a drill"


def _is_polygon(text: str) -> bool:
    pairs = text.split()
    return len(pairs) >= 4 and pairs[0] == pairs[-1] and all(_is_point(pair) for pair in pairs)


def _is_circle(text: str) -> bool:
    point, _, radius = text.partition(" ")
    return _is_point(point) and _RADIUS.fullmatch(radius) is not None


def _is_point(text: str) -> bool:
    match = _PAIR.fullmatch(text)
    return match is not None and abs(float(match[1])) <= 90 and abs(float(match[2])) <= 180

"""Places in words: about how many people, how large, where.

People are told in bands, because a count would claim more than anybody knows (source: ux 2, as UK Emergency Alerts
words its reach).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from dispatcher.areas.shapes import around, square_km

UNKNOWN = "an unknown number of people"
FEW = 100
"""Below this no number is said: neither an estimate nor a shape is that exact."""


def reach_in_words(population: int | None, *, at_most: bool = False) -> str:
    """An estimate of people as a band; ``at_most`` where areas were added up that may overlap: then never too low.

    >>> reach_in_words(41_300), reach_in_words(41_300, at_most=True), reach_in_words(None)
    ('about 40,000 people', 'at most about 45,000 people', 'an unknown number of people')
    """
    if population is None:
        return UNKNOWN
    if population < FEW:
        return f"fewer than {FEW} people"
    return f"{'at most about' if at_most else 'about'} {banded(population, up=at_most):,} people"


def banded(population: int, *, up: bool = False) -> int:
    """To the nearest band, or to the next above with ``up``: tenths of a leading 1, halves of any other digit."""
    digit = int("1" + "0" * (len(str(population)) - 1))
    step = digit // (10 if population < 2 * digit else 2)
    return -(-population // step) * step if up else (population + step // 2) // step * step


def described(polygons: Sequence[str], circles: Sequence[str]) -> str:
    """What shapes there are, how large they are together, and between which degrees they lie."""
    box = around(polygons, circles)
    if box is None:
        return "no shape is known"
    count = [(len(polygons), "outline"), (len(circles), "circle")]
    shapes = " and ".join(f"{many} {what}{'s' * (many > 1)}" for many, what in count if many)
    corners = f"{degrees(box.south, 'NS')} to {degrees(box.north, 'NS')}, {degrees(box.west, 'EW')} to"
    return f"{shapes}, {size_in_words(square_km(polygons, circles))}, from {corners} {degrees(box.east, 'EW')}"


def size_in_words(square: float) -> str:
    """A size in square kilometres, with two significant digits.

    >>> size_in_words(2.519), size_in_words(1140.4)
    ('2.5 km²', '1,100 km²')
    """
    digits = 1 - math.floor(math.log10(square)) if square > 0 else 0
    return f"{round(square, digits):,.{max(0, min(digits, 3))}f} km²"


def degrees(degree: float, sides: str, digits: int = 3) -> str:
    """A latitude (``NS``) or longitude (``EW``) as people write it."""
    return f"{abs(degree):.{digits}f}°{sides[0] if degree >= 0 else sides[1]}"

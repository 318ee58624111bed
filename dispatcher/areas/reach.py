"""How many people a message is about, in words: bands, because a count would claim more than anybody knows.

Source: ux 2, "reach bands instead of false precision", as UK Emergency Alerts words its reach.
"""

from __future__ import annotations

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

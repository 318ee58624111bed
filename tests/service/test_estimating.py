"""What approvers are told of time, cost and caps before they sign."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from channels.capabilities import Rate
from channels.contract import DeliveryKind, Part, Rendering
from dispatcher.domain.message import TextKind
from dispatcher.domain.plan import Destination, OnAmbiguous, Placement, SignedList
from dispatcher.service.estimating import Estimate, estimate, total
from dispatcher.settings import Price

HOURS = timedelta(hours=4)
NOTIFY = Rate(3000, 60.0, burst=1000, daily=250_000)
PRICE = Price("notify", date(2026, 4, 1), 2_400, "the price list")
"""Two pence and four tenths a fragment."""


def sms(*texts: str) -> Rendering:
    parts = tuple(Part(language, text) for language, text in zip(("en-GB", "cy"), texts, strict=False))
    return Rendering("notify", "sms-1", DeliveryKind.PUBLISH, parts)


def to(count: int, channel: str = "notify") -> Destination:
    """A destination with a list of so many."""
    lists = (SignedList("city", "ab" * 32, count),) if channel == "notify" else ()
    renderings = {TextKind.PUBLISH: "ab" * 32}
    return Destination(f"{channel}-1", channel, Placement.ORGANIC, OnAmbiguous.HOLD, renderings, lists)


def made(count: int, *texts: str, price: Price | None = PRICE, left: timedelta = HOURS) -> Estimate:
    return estimate(to(count), sms(*(texts or ("Stay indoors",))), NOTIFY, price, left)


@pytest.mark.parametrize(("count", "seconds"), [(1, 0), (1_000, 0), (1_050, 1), (100_000, 1_980)])
def test_the_time_is_what_is_left_after_the_burst_at_the_rate(count: int, seconds: int) -> None:
    """A hundred thousand text messages take 33 minutes at fifty a second, as the reference works out."""
    assert made(count).seconds == seconds


def test_an_account_without_a_limit_takes_no_time() -> None:
    """Nobody makes it wait."""
    assert estimate(to(1, "webhook"), None, None, None, HOURS).seconds == 0


def test_the_cost_is_that_of_every_fragment() -> None:
    """Three hundred letters are two fragments: a thousand of them cost 48 pounds."""
    found = made(1_000, "a" * 300)
    assert (found.fragments, found.pence) == (2_000, 4_800)


def test_the_cost_is_that_of_the_longest_language() -> None:
    """Who reads which is sealed; what is said is the most that it can be."""
    assert made(1_000, "a" * 100, "ŵ" * 100).fragments == 2_000


def test_a_cost_is_rounded_up_to_whole_pence() -> None:
    """One fragment at 2.4 pence."""
    assert made(1).pence == 3


def test_without_a_price_the_cost_is_unknown() -> None:
    """And not nothing."""
    assert made(1_000, price=None).pence is None


@pytest.mark.parametrize(("count", "warned"), [(250_000, False), (250_001, True)])
def test_more_than_a_day_takes_is_warned_of(count: int, warned: bool) -> None:
    """With both numbers."""
    found = [warning for warning in made(count).warnings if "250,000" in warning]
    assert bool(found) is warned


def test_a_fan_out_that_outlasts_its_window_is_warned_of() -> None:
    """What is left then would expire."""
    (warning,) = made(100_000, left=timedelta(minutes=30)).warnings
    assert warning == "takes 0:33:00, and the window is open for 0:30:00: the rest would expire"


def test_nothing_is_warned_of_where_all_is_well() -> None:
    """A city's worth in four hours."""
    assert made(100_000).warnings == ()


def test_the_total_is_one_sentence() -> None:
    """Deliveries together, the longest time, the costs that are known."""
    found = [made(100_000), estimate(to(1, "webhook"), None, None, None, HOURS)]
    assert total(found) == "100,001 deliveries in 0:33:00 at the platforms' limits, at most £2,400.00"

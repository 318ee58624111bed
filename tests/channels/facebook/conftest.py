"""An adapter in front of a simulated Page, and messages in English and Welsh."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from channels.contract import Account, Content, DeliveryKind, Job, LanguageText
from channels.facebook.adapter import Adapter
from channels.facebook.simulator import FacebookSimulator
from tests.channels.meta.line import NOON, maker, runner

PAGE = "1111"
ACCOUNT = Account("fb-1", "facebook", "Example City", ("en", "cy"), {"page_id": PAGE})


@pytest.fixture
def on_line() -> Callable[..., Any]:
    """Runs an async function with a fresh line and returns what it returns."""
    return runner(Adapter, FacebookSimulator, ACCOUNT, PAGE)


@pytest.fixture
def make_job() -> Callable[..., Job]:
    """Builds a job of a text."""
    return maker(ACCOUNT)


@pytest.fixture
def account() -> Account:
    """A Page that posts in English and Welsh."""
    return ACCOUNT


@pytest.fixture
def content() -> Content:
    """A live flood warning."""
    return Content(
        kind=DeliveryKind.PUBLISH,
        texts=(
            LanguageText("en", "River rising", "Move to higher ground.", "Call 999 if in danger."),
            LanguageText("cy", "Afon yn codi", "Symudwch i dir uwch ŵ."),
        ),
        valid_until=NOON + timedelta(hours=4),
        sent_by="Example City",
        exercise=False,
        link="https://city.example/flood",
    )

"""An adapter in front of simulated Instagram, and jobs for it."""

from collections.abc import Callable
from typing import Any

import pytest

from channels.contract import Account, Job
from channels.instagram.adapter import Adapter
from channels.instagram.simulator import InstagramSimulator
from tests.channels.meta.line import PICTURE, maker, runner

ACCOUNT_ID = "3333"
SETTINGS = {"ig_id": ACCOUNT_ID, "media_base_url": "https://media.city.example/pictures/"}
ACCOUNT = Account("ig-1", "instagram", "@city", ("en", "cy"), SETTINGS)


@pytest.fixture
def on_line() -> Callable[..., Any]:
    """Runs an async function with a fresh line and returns what it returns."""
    return runner(Adapter, InstagramSimulator, ACCOUNT, ACCOUNT_ID)


@pytest.fixture
def make_job() -> Callable[..., Job]:
    """Builds a job of a picture and its caption."""
    return maker(ACCOUNT, (PICTURE,))

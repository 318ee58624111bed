"""An adapter in front of simulated Threads, and jobs for it."""

from collections.abc import Callable
from typing import Any

import pytest

from channels.contract import Account, Job
from channels.threads.adapter import Adapter
from channels.threads.simulator import ThreadsSimulator
from tests.channels.meta.line import maker, runner

USER = "2222"
ACCOUNT = Account("th-1", "threads", "@city", ("en", "cy"), {"user_id": USER})


@pytest.fixture
def on_line() -> Callable[..., Any]:
    """Runs an async function with a fresh line and returns what it returns."""
    return runner(Adapter, ThreadsSimulator, ACCOUNT, USER)


@pytest.fixture
def make_job() -> Callable[..., Job]:
    """Builds a job of a text."""
    return maker(ACCOUNT)

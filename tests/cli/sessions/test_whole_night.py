"""The whole night at the terminals of its people, on a deployment whose roles run and send to simulated platforms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.domain.statement import Mode
from tests.cli.conftest import Office
from tests.cli.sessions.conftest import COUNTDOWN_S
from tests.cli.sessions.telling import Told
from tests.e2e.deployment import BOTH, Deployment, deployment_at
from tests.terminal import Screen

pytestmark = pytest.mark.system

ACCOUNTS = (("webhook", "webhook-council"), ("cap_feed", "feed-city"))
STORM = (
    *("incident", "declare", "severe_weather", "Storm tonight", "--mode", "exercise", "--area", "Old Town"),
    *("--evidence", "warning=red", "--source", "weather service"),
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Deployment]:
    """A deployment with two exercise accounts."""
    with deployment_at(tmp_path / "night") as made:
        settings = made.folder / "deployment.toml"
        settings.write_text(f"countdown_s = {COUNTDOWN_S}\n{settings.read_text()}")
        for channel, name in ACCOUNTS:
            made.add(channel, name)
        yield made


@pytest.fixture
def running(site: Deployment) -> Iterator[Deployment]:
    """The same with its roles running."""
    with site.up():
        yield site


def next_of(shown: str) -> tuple[str, ...]:
    """The words of the command that was named last."""
    return tuple(re.findall(r"Next: dispatcher (.+)", shown)[-1].strip().split())


def test_from_the_alarm_to_the_correction(running: Deployment) -> None:
    """Every command but the first is the one that the last one named, or who was awaited types their own."""
    told = Told(Office(running.folder))
    said = told.types("author-1", *STORM)
    draft = [word.replace("NAME", "flood") for word in next_of(said)]
    with told.asking("author-1", *draft) as screen:
        for question, answer in (("which river", "River Example"), ("until when", "+6h")):
            screen.expect(question)
            screen.expect(": ")
            screen.type(answer)
    submit = next_of(screen.transcript)
    told.types("author-1", "message", "preview", submit[-1])
    said = told.types("author-1", *submit)
    plan = next_of(said)[-1]
    for person in ("checker-1", "welsh-checker-1", "director-1"):
        said = told.types(person, "clearance", "approve", plan)
    told.types("author-1", "status")
    token = re.findall(r"Token: (\S+)", told.types("director-1", "clearance", "read", plan))[0]
    with told.asking("director-1", *next_of(said)) as screen:
        confirms(screen, token)
    told.types("director-1", "watch")
    told.types("director-1", "correct", "--reason", "it is the next street")
    told.types("director-1", "watch")
    told.types("author-1", "status")
    told.is_kept_as("whole_night")
    assert len(running.alerts()) == 2


def test_by_ear_and_without_colour(running: Deployment) -> None:
    """With ACCESSIBLE=1 and NO_COLOR nothing is repainted or coloured: every line stands as it was said."""
    plan = running.cleared("feed-city", lists={}, languages=BOTH).digest[:12]
    told, heard = Told(Office(running.folder)), {"ACCESSIBLE": "1", "NO_COLOR": "1"}
    token = re.findall(r"Token: (\S+)", told.types("director-1", "clearance", "read", plan, **heard))[0]
    with told.asking("director-1", "release", plan, **heard) as screen:
        confirms(screen, token)
    assert "\x1b" not in screen.raw
    with told.asking("director-1", "watch", plan, **heard) as watched:
        pass
    assert "\x1b" not in watched.raw
    assert "done, 1 of 1 out" in watched.transcript
    told.parts.pop()  # how many lines it takes to follow depends on the machine
    told.is_kept_as("by_ear")


def test_an_exercise_s_token_on_a_live_plan_publishes_nothing(site: Deployment) -> None:
    """The prompt is another: signs, words and shape. Wrong three times, and it is over."""
    site.add("webhook", "live-webhook", Mode.LIVE)
    plan = site.cleared("live-webhook", mode=Mode.LIVE, lists={}, languages=BOTH).digest[:12]
    told = Told(Office(site.folder))
    with told.asking("director-1", "release", plan, code=2, leaves=("release.aborted",)) as screen:
        for given in ("4829", "4829", "yes"):
            screen.expect("or Ctrl-C: ")
            screen.type(given)
    with told.asking("director-1", "release", plan, code=130, leaves=("release.aborted",)) as screen:
        screen.expect("or Ctrl-C: ")
        screen.press("ctrl-c")
    told.is_kept_as("live_plan")


def confirms(screen: Screen, token: str) -> None:
    """Type the token where it is asked for."""
    screen.expect("or Ctrl-C: ")
    screen.type(token)

"""Alarms from end to end: the roles themselves, a simulated platform, and a letterbox for whoever is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert

from channels.x.simulator import XSimulator
from dispatcher.ledger import copies
from dispatcher.ledger.notes import Checkpoint, origin_of, seal
from dispatcher.service.desk import Desk
from dispatcher.service.watching import Alarm, alarms
from dispatcher.statements.signing import KeyFileSigner
from dispatcher.store.foreign import FOREIGN_POSTS
from tests.stage import Stage
from tests.workers.conftest import Make
from workers.watch import Watch

pytestmark = pytest.mark.system

QUICK = {"read_back_ms": 100, "read_back_most_ms": 100, "poll_ms": 50, "silence_ms": 1_000}
PEOPLE = ("director-1", "ops-1")


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What those with a contact were sent, by the roles' own desks: whom, and its title."""
    sent: list[tuple[str, str]] = []
    ours = Watch.__init__

    def with_contacts(self: Watch, desk: Desk, *about: Any) -> None:
        roster = desk.trust.roster
        known = [replace(p, contacts=(f"sms://{p.id}",) if p.id in PEOPLE else ()) for p in roster.people]
        trust = replace(desk.trust, roster=replace(roster, people=tuple(known)))

        def send(url: str, title: str, body: str) -> bool:
            del body
            sent.append((url.removeprefix("sms://"), title))
            return True

        ours(self, replace(desk, trust=trust, send=send), *about)

    monkeypatch.setattr(Watch, "__init__", with_contacts)
    return sent


@pytest.fixture
def city(make: Make, redis_url: str, story_url: str) -> Stage:
    """An account on X, on either database."""
    stage = make(redis=redis_url, database=story_url, timing=QUICK)
    stage.account("x")
    return stage


def released(stage: Stage) -> str:
    """A plan that was just released."""
    plan = stage.cleared()
    stage.release(plan)
    return plan


def standing(stage: Stage) -> list[Alarm]:
    """The alarms that stand."""
    with stage.desk.store.read() as work:
        return alarms(stage.desk, work)


def test_a_deleted_post_rings_once(city: Stage, letters: list[tuple[str, str]]) -> None:
    """Directors and ops hear of it within seconds, and not again while it is looked at on and on."""
    plan = released(city)
    city.work(lambda: city.states(plan) == {"visible": 1}, roles=("relay", "accounts"))
    x = city.far.provider("x")
    assert isinstance(x, XSimulator)
    x.posts[0].deleted = True
    city.work(lambda: len(letters) == len(PEOPLE), roles=("relay", "accounts"))
    before = len(city.far.journal.arrivals)
    city.work(lambda: len(city.far.journal.arrivals) > before + 5, roles=("relay", "accounts"))
    assert sorted(letters) == [(person, "EXERCISE Not seen as approved: Storm") for person in PEOPLE]
    assert [alarm.alarm for alarm in standing(city)] == ["missing"]


def test_a_post_that_is_not_ours_rings(city: Stage, letters: list[tuple[str, str]]) -> None:
    """Though nothing else is wrong, and nothing was ever sent from here."""
    with city.desk.store.write() as work:
        found = {"reference": "1", "url": None, "at": work.now, "found_at": work.now, "told": False}
        work.execute(insert(FOREIGN_POSTS).values(account="x-1", **found))
    city.work(lambda: len(letters) == len(PEOPLE), roles=("relay",))
    assert sorted(letters) == [(person, "EXERCISE Foreign post on x-1") for person in PEOPLE]


def test_a_lane_that_is_gone_rings_once(city: Stage, letters: list[tuple[str, str]]) -> None:
    """Nobody sends what was released: the relay notices."""
    released(city)
    city.work(lambda: len(letters) == len(PEOPLE), roles=("relay",))
    city.work(lambda: standing(city), roles=("relay",))
    assert sorted(letters) == [(person, "EXERCISE Silent: accounts") for person in PEOPLE]
    assert [alarm.about for alarm in standing(city)] == ["accounts exercise"]


def test_a_relay_that_is_gone_rings_once(city: Stage, letters: list[tuple[str, str]]) -> None:
    """The plan was sent and nobody settles it: the lane notices, though it only sends."""
    plan = released(city)
    city.work(lambda: len(letters) == len(PEOPLE), roles=("accounts",))
    assert sorted(letters) == [(person, "EXERCISE Silent: relay") for person in PEOPLE]
    city.work(lambda: city.plan_state(plan) == "settled", roles=("relay",))
    assert standing(city) == []


def test_a_sequencer_that_signs_nothing_rings_once(city: Stage, letters: list[tuple[str, str]]) -> None:
    """A copy knows a head that the database does not: the relay lives, and the record stands still."""
    settings = city.desk.settings
    key = KeyFileSigner(settings.path("keys", "status"))
    head = Checkpoint(origin_of(settings.deployment), 1_000_000, bytes(32), city.desk.now())
    file = copies.file_in(settings.path(*settings.checkpoints), settings.deployment)
    copies.append(file, [seal(head, key.point, key.sign_plain)])
    released(city)
    expected = [(person, "EXERCISE Silent: sequencer") for person in PEOPLE]
    city.work(lambda: set(expected) <= set(letters), roles=("relay",))
    assert sorted(letter for letter in letters if "sequencer" in letter[1]) == expected

"""After the database was restored from a backup: what was sent meanwhile is not sent again."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

import pytest
from sqlalchemy import make_url

from dispatcher.bootstrap import open_desk
from dispatcher.domain.errors import Forbidden, SignatureNeeded
from dispatcher.embedded.errors import AlreadyRunning
from dispatcher.embedded.lock import Lock
from dispatcher.service.recovering import Recovery, recover
from dispatcher.store import leading
from ops.postgres import PostgresServer
from tests.stage import CHANNELS, Stage
from tests.workers.conftest import Make

pytestmark = pytest.mark.system

ALL = {"x": 1, "bluesky": 1, "webhook": 1, "notify": 30}
COUNT = sum(ALL.values())


def everywhere(stage: Stage) -> str:
    """A released plan to an account on every channel and a list of thirty, of which nothing has begun."""
    for channel in CHANNELS:
        stage.account(channel)
    stage.numbers(30)
    plan = stage.cleared(lists=["city"])
    stage.release(plan)
    return plan


def backup(stage: Stage, request: pytest.FixtureRequest) -> str:
    """Copy the database as it is; returns the copy's address."""
    stage.desk.store.close()
    url = make_url(stage.desk.settings.database)
    name = f"{url.database}_backup"
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(url.database))) as source, closing(sqlite3.connect(name)) as target:
            source.backup(target)
        return f"sqlite:///{name}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create_database(name, template=str(url.database))


def restored(stage: Stage, copy: str) -> None:
    """Put the copy in the database's place."""
    stage.desk.store.close()
    file = stage.folder / "deployment.toml"
    lines = [
        f'database = "{copy}"' if line.startswith("database") else line for line in file.read_text().splitlines()
    ]
    file.write_text("\n".join(lines))
    stage.desk = open_desk(stage.folder)


def recovered(stage: Stage, *, act: bool = True) -> Recovery:
    """What operations do, with every role stopped."""
    return recover(stage.desk, stage.pen("ops-1"), time.sleep, act=act)


def test_what_was_sent_after_the_backup_is_not_sent_again(
    make: Make, story_url: str, request: pytest.FixtureRequest
) -> None:
    """All was ready in the backup and went out after it; recovered, it is found there or left to people."""
    stage = make(database=story_url)
    plan = everywhere(stage)
    copy = backup(stage, request)
    stage.work(lambda: stage.ended(plan))
    assert stage.published() == ALL
    restored(stage, copy)
    assert recovered(stage) == Recovery({"ready": COUNT}, COUNT)
    stage.work(lambda: stage.ended(plan))
    assert (stage.published(), stage.doubled()) == (ALL, 0)
    states = {row.channel: (row.state, row.reason) for row in stage.rows(plan)}
    assert (states["x"][0], states["notify"][0]) == ("accepted", "accepted")
    for channel in ("bluesky", "webhook"):  # nobody can look there: the spent file knows, or people do
        assert states[channel][0] == "accepted" or states[channel] == ("held", "ambiguous")


def test_what_was_not_sent_before_the_backup_was_restored_is_sent_once(
    make: Make, story_url: str, request: pytest.FixtureRequest
) -> None:
    """Absent twice on a platform that can be asked, it goes out after all."""
    stage = make(database=story_url)
    stage.account("notify")
    stage.numbers(30)
    plan = stage.cleared(lists=["city"])
    stage.release(plan)
    restored(stage, backup(stage, request))
    recovered(stage)
    stage.work(lambda: stage.ended(plan))
    assert (stage.states(plan), stage.published(), stage.doubled()) == ({"accepted": 30}, {"notify": 30}, 0)


def test_without_recovering_the_spent_file_alone_keeps_it_from_being_sent_twice(
    make: Make, request: pytest.FixtureRequest
) -> None:
    """Somebody forgets: the rows are ready, the sender knows better."""
    stage = make()
    plan = everywhere(stage)
    copy = backup(stage, request)
    stage.work(lambda: stage.ended(plan))
    restored(stage, copy)
    stage.work(lambda: stage.ended(plan))
    assert (stage.published(), stage.doubled()) == (ALL, 0)
    assert "G15" in stage.refusals(plan)


def test_a_second_run_marks_nothing(make: Make) -> None:
    """It may be typed again."""
    stage = make()
    plan = everywhere(stage)
    assert recovered(stage).marked == COUNT
    assert recovered(stage) == Recovery({}, 0)
    assert stage.states(plan) == {"in_doubt": COUNT}


def test_what_would_be_marked_is_said_first(make: Make) -> None:
    """Without leave it changes nothing, and writes nothing down."""
    stage = make()
    plan = everywhere(stage)
    assert recovered(stage, act=False) == Recovery({"ready": COUNT}, 0)
    assert stage.states(plan) == {"ready": COUNT}
    assert stage.ledger("database.restored") == []


def test_who_recovered_and_what_was_marked_is_on_record(make: Make) -> None:
    """One entry for the act, and one per turn and plan for the moves."""
    stage = make()
    plan = everywhere(stage)
    recovered(stage)
    (act,) = stage.ledger("database.restored")
    assert (act["actor"], act["unsettled"]) == ("ops-1", {"ready": COUNT})
    (swept,) = stage.ledger("deliveries.swept")
    assert (swept["plan"], swept["target"], swept["count"]) == (plan, "in_doubt", COUNT)


def test_what_has_ended_or_waits_for_people_stays(make: Make) -> None:
    """And so does a plan that nobody released; what waits for a fresh status would go on by itself."""
    stage = make()
    for number in range(1, 5):
        stage.account("webhook", number)
    waiting, plan = stage.cleared(), stage.cleared()
    stage.release(plan)
    ways = {
        "webhook-1": (("leased", "sending", "accepted"), ""),
        "webhook-2": (("leased", "sending", "held"), "exhausted"),
        "webhook-3": (("leased", "held"), "stale_status"),
        "webhook-4": (("leased", "sending"), ""),
    }
    with closing(sqlite3.connect(stage.folder / "data" / "dispatcher.db")) as database, database:
        for account, (way, reason) in ways.items():
            for state in way:
                where = "WHERE plan = ? AND account = ?"
                database.execute(
                    f"UPDATE deliveries SET state = ?, reason = ? {where}", (state, reason, plan, account)
                )
    recovered(stage)
    assert [row.state for row in stage.rows(plan)] == ["accepted", "held", "in_doubt", "in_doubt"]
    assert stage.states(waiting) == {"ready": 4}


def test_a_running_up_is_not_worked_against(make: Make) -> None:
    """Its lock says so at once."""
    stage = make()
    run = stage.folder / "run"
    run.mkdir(exist_ok=True)
    with Lock(run / "up.lock", "up"), pytest.raises(AlreadyRunning, match="already running"):
        recovered(stage)


def test_a_relay_on_another_host_is_not_worked_against(make: Make) -> None:
    """It renews its term while we wait."""
    stage = make()
    plan = everywhere(stage)

    def renew(_wait_s: float = 0) -> None:
        with stage.desk.store.write() as work:
            leading.lead(work, "relay-exercise", "elsewhere", stage.desk.settings.timing.lasting("status"))

    renew()
    with pytest.raises(Forbidden, match="relay-exercise runs on some host"):
        recover(stage.desk, stage.pen("ops-1"), renew, act=True)
    assert stage.states(plan) == {"ready": COUNT}


def test_an_author_does_not_recover(make: Make) -> None:
    """It is for operations and the duty director."""
    stage = make()
    with pytest.raises(SignatureNeeded):
        recover(stage.desk, stage.pen("author-1"), time.sleep, act=True)

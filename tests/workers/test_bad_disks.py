"""A disk that is full, and a database that cannot be written: said in words, nothing lost, nothing doubled."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import make_url

from channels.simulator.faults import FaultKind
from channels.simulator.server import Simulator
from dispatcher.bootstrap import open_desk
from dispatcher.domain.errors import Unavailable
from dispatcher.domain.statement import Mode
from dispatcher.service import incidents, proving
from ops.postgres import PostgresServer
from tests.servers import fill, missing, small_disk
from tests.stage import CHANNELS, Stage, stage_at
from tests.workers.conftest import Make

pytestmark = pytest.mark.system

ALL = {"x": 1, "bluesky": 1, "webhook": 1, "notify": 60}
ROOM = 48 * 1024 * 1024


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """For a while, whoever opens a file below ``place`` can only read it."""
    at = str(place)
    mounts = (["mount", "--bind", at, at], ["mount", "-o", "remount,bind,ro", at])
    if os.geteuid() != 0 or any(subprocess.run(words, check=False).returncode for words in mounts):
        missing("a read-only folder", "the test mounts one, which needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def ready(folder: Path, far: Simulator, database: str = "") -> tuple[Stage, str]:
    """A deployment under a folder with a plan to everything that is cleared."""
    stage = stage_at(folder, far, database=database, timing={"lease_ms": 6_000})
    for channel in CHANNELS:
        stage.account(channel)
    stage.numbers(60)
    return stage, stage.cleared(lists=["city"])


def declared(stage: Stage) -> str:
    """Declare an incident, which writes a little."""
    made = incidents.declare(
        stage.desk, kind="severe_weather", title="Storm" * 2_000, mode=Mode.EXERCISE, person="author-1"
    )
    return made.id


def test_a_disk_that_fills_up_while_sending_loses_and_doubles_nothing(tmp_path: Path, far: Simulator) -> None:
    """Database and spent files have no room for seconds; when there is some again, all is delivered, once.

    And the record holds: as many attempts as intents, and every head that was copied out.
    """
    with small_disk(tmp_path / "disk", ROOM) as disk:
        stage, plan = ready(disk, far)
        stage.fault("notify", FaultKind.LATE, times=60, delay_s=0.3)
        stage.release(plan)
        fillers: list[Path] = []

        def under_way() -> bool:
            return len(far.journal.effects) > 5

        def full() -> bool:
            fillers.append(fill(disk))
            return True

        def refused() -> bool:
            with suppress(Unavailable):
                declared(stage)
                return False
            return True

        def room() -> bool:
            fillers[0].unlink()
            return True

        stage.work(under_way, full, refused, room, lambda: stage.ended(plan), timeout_s=60)
        assert (stage.published(), stage.doubled()) == (ALL, 0)
        assert stage.states(plan).total() == stage.states(plan)["accepted"] == sum(ALL.values())
        assert proving.verify(stage.desk).faults == ()
        stage.desk.store.close()


@pytest.mark.parametrize("readable", [False, True])
def test_a_database_that_cannot_be_written_sends_nothing_and_goes_on_afterwards(
    tmp_path: Path, far: Simulator, capsys: pytest.CaptureFixture[str], readable: bool
) -> None:
    """No intent, no byte; once it can be written the same processes deliver everything, once.

    SQLite can read such a database only while some process that could write it has it open.
    """
    place = tmp_path / "database"
    place.mkdir()
    stage, plan = ready(tmp_path, far, f"sqlite:///{place}/dispatcher.db")
    stage.release(plan)
    if not readable:
        stage.desk.store.close()
    said: list[str] = []
    with ExitStack() as mounted:
        mounted.enter_context(read_only(place))
        elsewhere = open_desk(stage.folder)
        with pytest.raises(Unavailable, match="Nothing was changed"):
            declared(replace(stage, desk=elsewhere))
        elsewhere.store.close()

        def refused() -> bool:
            said.append(capsys.readouterr().out)
            return "".join(said).count("_unreachable") > 5

        def writable() -> bool:
            assert stage.published() == {}
            mounted.close()
            return True

        stage.work(refused, writable, lambda: stage.ended(plan), timeout_s=60)
    assert (stage.published(), stage.doubled()) == (ALL, 0)
    assert proving.verify(stage.desk).faults == ()
    stage.desk.store.close()


def test_a_postgres_that_takes_no_writes_is_waited_for(
    make: Make, postgres_url: str, postgres_server: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a standby does, until it is the primary: the same processes go on when it takes them."""
    stage = make(database=postgres_url)
    stage.account("webhook")
    plan = stage.cleared()
    stage.release(plan)
    name = make_url(postgres_url).database
    said: list[str] = []

    def told(setting: str) -> None:
        with postgres_server.connect() as connection:
            connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {setting}'.encode())

    def refused() -> bool:
        said.append(capsys.readouterr().out)
        return "".join(said).count("read-only transaction") > 5

    def writable() -> bool:
        assert stage.published() == {}
        told("off")
        return True

    told("on")
    stage.desk.store.close()
    with pytest.raises(Unavailable, match="read-only transaction"):
        declared(stage)
    stage.work(refused, writable, lambda: stage.ended(plan), timeout_s=60)
    assert (stage.published(), stage.doubled()) == ({"webhook": 1}, 0)

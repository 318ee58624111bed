"""The settings and roles for PostgreSQL, tried on a real server: each kind of process does its work, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from channels.simulator.server import Simulator
from dispatcher.bootstrap import open_desk
from dispatcher.service.backing_up import back_up
from dispatcher.store.database import open_engine
from dispatcher.store.tables import METADATA
from ops.postgres import temporary_postgres, wheel_postgres
from tests.ops.guarded import ROLES, as_role, rewritten
from tests.stage import far_sides, stage_at
from workers import main

pytestmark = pytest.mark.system

FOLDER = Path(__file__).parents[2] / "ops" / "deploy" / "postgresql"
KINDS = ("officer", "relay", "lane", "console", "exporter", "backup")
NUMBERS = 40


@pytest.fixture
def far() -> Iterator[Simulator]:
    """All simulated platforms."""
    with far_sides() as simulator:
        yield simulator


def test_every_kind_of_process_does_its_work_with_its_own_rights(
    guarded: str, tmp_path: Path, far: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Officers release, the relay rings and signs, lanes send, a backup is taken: nobody is refused anything."""
    stage = stage_at(tmp_path, far, database=as_role(guarded, "owner"))
    stage.desk.store.close()
    rewritten(stage, as_role(guarded, "officer"))
    stage.desk = open_desk(stage.folder)
    for channel in ("x", "bluesky", "notify"):
        stage.account(channel)
    stage.numbers(NUMBERS)
    plan = stage.cleared(lists=["city"])
    stage.release(plan)
    rewritten(stage, as_role(guarded, "lane"))
    relay, settings = main.ROLES["relay"], stage.desk.settings
    monkeypatch.setitem(
        main.ROLES, "relay", lambda _, *more: relay(replace(settings, database=as_role(guarded, "relay")), *more)
    )
    officer = stage.desk
    stage.desk = replace(officer, settings=replace(settings, database=as_role(guarded, "lane")))
    stage.work(lambda: stage.ended(plan), lambda: stage.plan_state(plan) == "settled")
    assert (stage.published(), stage.doubled()) == ({"x": 1, "bluesky": 1, "notify": NUMBERS}, 0)
    for name in wheel_postgres():
        monkeypatch.setenv("PATH", str(name), prepend=":")
    rewritten(stage, as_role(guarded, "backup"))
    desk = open_desk(stage.folder)
    assert back_up(desk, tmp_path / "backup").rows > NUMBERS
    desk.store.close()
    officer.store.close()


REFUSED = "42501"
"""insufficient_privilege (PostgreSQL's manual, appendix A)."""

FORBIDDEN = (
    "DELETE FROM ledger",
    "UPDATE ledger SET kind = kind",
    "TRUNCATE ledger",
    "DELETE FROM statements",
    "UPDATE statements SET person = person",
    "DELETE FROM deliveries",
    "DELETE FROM checkpoints",
    "UPDATE checkpoints SET note = note",
    "DROP TRIGGER ledger_kept ON ledger",
    "ALTER TABLE ledger DISABLE TRIGGER ALL",
    "SET session_replication_role = replica",
    "DROP TABLE ledger",
    "CREATE TABLE mine (id int)",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TEMPORARY TABLE mine (id int)",
    "COPY ledger TO PROGRAM 'cat'",
    "SELECT pg_read_file('/etc/passwd')",
    "CREATE ROLE friend",
    "SET ROLE dispatcher_owner",
    "UPDATE alembic_version SET version_num = '1'",
)


@pytest.mark.parametrize("kind", KINDS)
def test_no_process_can_change_the_record_or_the_schema(guarded: str, kind: str) -> None:
    """Each is refused by the server itself, whatever its triggers would have said."""
    engine = open_engine(as_role(guarded, kind))
    answers = {statement: answer(engine, statement) for statement in FORBIDDEN}
    engine.dispose()
    assert answers == dict.fromkeys(FORBIDDEN, REFUSED)


def answer(engine: Engine, statement: str) -> str:
    """The server's code for what came of it."""
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
    except DBAPIError as error:
        return str(getattr(error.orig, "sqlstate", ""))
    return "done"


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("lane", "INSERT INTO statements DEFAULT VALUES"),
        ("lane", "INSERT INTO plans DEFAULT VALUES"),
        ("lane", "INSERT INTO deliveries DEFAULT VALUES"),
        ("lane", "INSERT INTO checkpoints DEFAULT VALUES"),
        ("relay", "INSERT INTO statements DEFAULT VALUES"),
        ("relay", "INSERT INTO plans DEFAULT VALUES"),
        ("officer", "INSERT INTO checkpoints DEFAULT VALUES"),
        ("officer", "INSERT INTO attempts DEFAULT VALUES"),
        ("console", "INSERT INTO dispatches DEFAULT VALUES"),
        ("console", "INSERT INTO deliveries DEFAULT VALUES"),
        ("console", "DELETE FROM holds"),
        ("exporter", "INSERT INTO statements DEFAULT VALUES"),
        ("backup", "UPDATE deliveries SET state = state"),
    ],
)
def test_a_kind_of_process_cannot_do_another_s_work(guarded: str, kind: str, statement: str) -> None:
    """A console that was taken over releases nothing, and a lane approves nothing."""
    engine = open_engine(as_role(guarded, kind))
    with pytest.raises(Exception, match="permission denied"), engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def test_every_table_is_thought_of() -> None:
    """A table that a migration brings is written by somebody: the file says by whom."""
    granted = re.findall(r"GRANT [A-Z]+ ON (.*?) TO", ROLES.read_text(), re.DOTALL)
    named = set(re.findall(r"\b[a-z_]+\b", " ".join(granted)))
    assert set(METADATA.tables) <= named


def settings() -> dict[str, str]:
    """The settings file, by name."""
    text = (FOLDER / "postgresql.conf").read_text()
    return dict(re.findall(r"^([a-z_]+) = '?([^'#\n]*?)'?\s*(?:#.*)?$", text, re.MULTILINE))


def test_a_server_takes_the_settings() -> None:
    """A real one starts with all but the certificate and the size of its memory, and shows them."""
    wanted = settings()
    left_out = {"ssl", "shared_buffers", "max_wal_size"}
    given = {name: value for name, value in wanted.items() if name not in left_out}
    with temporary_postgres(**given) as server, server.connect() as connection:
        shown: dict[str, Any] = dict(connection.execute("SELECT name, setting FROM pg_settings").fetchall())
    durable = ("fsync", "full_page_writes", "synchronous_commit", "archive_mode")
    assert left_out <= wanted.keys() <= {name.lower() for name in shown}
    assert [shown[name] for name in durable] == ["on"] * 4
    assert shown["idle_in_transaction_session_timeout"] == "60000"

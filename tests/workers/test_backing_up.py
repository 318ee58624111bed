"""A backup taken while a fan-out runs, restored and rehearsed, on both databases; and every way it can be bad."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatcher.bootstrap import open_desk
from dispatcher.domain.errors import Invalid, Unavailable
from dispatcher.service import proving
from dispatcher.service.backing_up import MANIFEST, Backup, back_up
from dispatcher.service.restoring import Damaged, Rehearsal, note_rehearsal, rehearse, restore
from dispatcher.store import copying
from dispatcher.store.database import open_engine
from ops.postgres import wheel_postgres
from tests.stage import Stage
from tests.workers.conftest import Make

pytestmark = pytest.mark.system

NUMBERS = 150
Empty = Callable[[str], str]


@pytest.fixture(autouse=True)
def _programs_of_the_same_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """``pg_dump`` of the PostgreSQL that the tests start comes first."""
    places = [*map(str, wheel_postgres()), os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(places))


@pytest.fixture
def empty(request: pytest.FixtureRequest) -> Empty:
    """Makes an empty database to restore into, where the backup's is PostgreSQL; else there is none to name."""

    def made(database: str) -> str:
        if copying.kind_of(database) == "sqlite":
            return ""
        return str(request.getfixturevalue("postgres_server").create_database(f"restored_{os.urandom(6).hex()}"))

    return made


@pytest.fixture
def busy(make: Make, story_url: str) -> Stage:
    """A deployment with accounts, a list and a picture's worth of files, that has released nothing yet."""
    stage = make(database=story_url)
    stage.account("x")
    stage.account("notify")
    stage.numbers(NUMBERS)
    (stage.folder / "media").mkdir(exist_ok=True)
    (stage.folder / "media" / "picture").write_bytes(b"pixels")
    return stage


def during_a_fan_out(stage: Stage, folder: Path) -> Backup:
    """Back up between the first outcome and the last of a released plan."""
    plan, made = stage.cleared(lists=["city"]), list[Backup]()
    stage.release(plan)

    def begun() -> bool:
        return stage.states(plan)["accepted"] > 5

    def take() -> bool:
        if not made:
            made.append(back_up(stage.desk, folder))
        return True

    stage.work(begun, take, lambda: stage.ended(plan))
    return made[0]


def rehearsed(stage: Stage, folder: Path, empty: Empty) -> Rehearsal:
    """A rehearsal into an empty database of the same kind."""
    return rehearse(folder, open_desk, empty(stage.desk.settings.database))


def test_a_backup_taken_while_a_fan_out_runs_is_good(busy: Stage, tmp_path: Path, empty: Empty) -> None:
    """Its record holds, agrees with its tables, and is under a head from outside; the rehearsal's time is printed."""
    made = during_a_fan_out(busy, tmp_path / "backup")
    found = rehearsed(busy, tmp_path / "backup", empty)
    assert found.faults == ()
    assert found.anchored > 0
    assert found.rows == made.rows
    counts = json.loads((tmp_path / "backup" / MANIFEST).read_bytes())["database"]["counts"]
    assert counts["deliveries"] > NUMBERS
    print(f"{found.rows:,} rows: backed up in {made.took_ms} ms, rehearsed in {found.took_ms} ms")  # noqa: T201


def test_a_restored_deployment_is_the_one_that_was_backed_up(busy: Stage, tmp_path: Path, empty: Empty) -> None:
    """Its record verifies, its files are there and its own, and the old folder was not touched."""
    during_a_fan_out(busy, tmp_path / "backup")
    made = restore(tmp_path / "backup", tmp_path / "again", empty(busy.desk.settings.database))
    desk = open_desk(tmp_path / "again")
    assert desk.settings.database != busy.desk.settings.database
    assert proving.verify(desk).faults == ()
    for name in ("trust/root.json", "media/picture", "credentials/exercise/accounts/x-1.age"):
        assert (tmp_path / "again" / name).read_bytes() == (busy.folder / name).read_bytes()
    assert (tmp_path / "again/credentials/exercise/accounts/x-1.age").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "again/sender/exercise/recipients/spent.jsonl").stat().st_size > 0
    assert "keys/role-live-accounts" in made.missing_keys
    desk.store.close()


def test_both_are_on_record(busy: Stage, tmp_path: Path, empty: Empty) -> None:
    """The backup by its manifest's digest, which the rehearsal names too."""
    made = back_up(busy.desk, tmp_path / "backup")
    assert note_rehearsal(busy.desk, rehearsed(busy, tmp_path / "backup", empty))
    (taken,), (tried,) = busy.ledger("backup.made"), busy.ledger("backup.rehearsed")
    assert taken["manifest"] == tried["manifest"] == made.digest
    assert (tried["good"], taken["keys"]) == (True, False)


def test_a_rehearsal_leaves_nothing(busy: Stage, tmp_path: Path, empty: Empty) -> None:
    """Neither its folder nor its tables: the same database serves for the next."""
    back_up(busy.desk, tmp_path / "backup")
    database, before = empty(busy.desk.settings.database), set(Path("/tmp").glob("dispatcher-rehearsal-*"))
    for _ in range(2):
        assert rehearse(tmp_path / "backup", open_desk, database).faults == ()
    assert set(Path("/tmp").glob("dispatcher-rehearsal-*")) <= before


@pytest.mark.parametrize(
    "theirs",
    ["CREATE VIEW public.theirs AS SELECT 1 AS one", "CREATE SCHEMA other; CREATE TABLE other.theirs (one int)"],
)
def test_a_database_where_others_keep_anything_is_no_empty_one(postgres_url: str, theirs: str) -> None:
    """A rehearsal takes away all that is in it, so a view or another schema is reason enough not to begin."""
    engine = open_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(theirs)
    with pytest.raises(Invalid, match="nothing was touched"):
        copying.refuse_in_use(engine, postgres_url)
    engine.dispose()


def test_an_address_in_use_is_refused(busy: Stage, tmp_path: Path) -> None:
    """Neither a folder nor a database that holds anything is written over."""
    back_up(busy.desk, tmp_path / "backup")
    with pytest.raises(Invalid, match="in use"):
        back_up(busy.desk, tmp_path / "backup")
    with pytest.raises(Invalid, match="in use"):
        restore(tmp_path / "backup", busy.folder)
    if copying.kind_of(busy.desk.settings.database) == "postgresql":
        with pytest.raises(Invalid, match="has tables"):
            restore(tmp_path / "backup", tmp_path / "again", busy.desk.settings.database)
    assert proving.verify(busy.desk).faults == ()


def database_of(backup: Path) -> Path:
    """The file that holds the database."""
    (found,) = (backup / name for name in copying.FILES.values() if (backup / name).exists())
    return found


def cut(backup: Path) -> None:
    """As a copy does that ran out of room."""
    file = database_of(backup)
    os.truncate(file, file.stat().st_size // 2)


def flip(backup: Path) -> None:
    """One bit, far inside."""
    file = database_of(backup)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def lose(backup: Path) -> None:
    """A file that the manifest names."""
    (backup / "files" / "trust" / "root.json").unlink()


def slip_in(backup: Path) -> None:
    """One that it does not."""
    (backup / "files" / "trust" / "more.json").write_text("{}")


def point_out(backup: Path) -> None:
    """A name that leads out of the folder."""
    manifest = json.loads((backup / MANIFEST).read_bytes())
    manifest["files"]["../outside"] = {"bytes": 0, "sha256": ""}
    (backup / MANIFEST).write_text(json.dumps(manifest))


def tear(backup: Path) -> None:
    """Half a manifest."""
    os.truncate(backup / MANIFEST, 100)


@pytest.mark.parametrize("spoil", [cut, flip, lose, slip_in, point_out, tear])
def test_a_damaged_backup_is_refused_whole(
    spoil: Callable[[Path], None], busy: Stage, tmp_path: Path, empty: Empty
) -> None:
    """Nothing is made of it, and it is said what is wrong."""
    back_up(busy.desk, tmp_path / "backup")
    spoil(tmp_path / "backup")
    with pytest.raises(Damaged):
        restore(tmp_path / "backup", tmp_path / "again", empty(busy.desk.settings.database))
    assert not (tmp_path / "again").exists()
    with pytest.raises(Damaged):
        rehearsed(busy, tmp_path / "backup", empty)


def test_a_database_that_was_changed_before_the_backup_fails_its_rehearsal(
    busy: Stage, tmp_path: Path, empty: Empty
) -> None:
    """Every digest is right, and the record does not hold: that is what a rehearsal is for."""
    during_a_fan_out(busy, tmp_path / "good")
    with busy.desk.store.write() as work:
        if work.connection.dialect.name == "sqlite":
            work.connection.exec_driver_sql("DROP TRIGGER ledger_kept")
        else:
            work.connection.exec_driver_sql("DROP TRIGGER ledger_kept ON ledger")
        work.connection.exec_driver_sql("DELETE FROM ledger WHERE id = 5")
    back_up(busy.desk, tmp_path / "backup")
    found = rehearsed(busy, tmp_path / "backup", empty)
    assert found.faults
    assert rehearsed(busy, tmp_path / "good", empty).faults == ()


def test_a_newer_version_s_backup_is_refused(busy: Stage, tmp_path: Path) -> None:
    """It says which version to install."""
    back_up(busy.desk, tmp_path / "backup")
    manifest = json.loads((tmp_path / "backup" / MANIFEST).read_bytes())
    manifest["database"]["migration"] = "9999"
    (tmp_path / "backup" / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(Invalid, match="newer version"):
        restore(tmp_path / "backup", tmp_path / "again")


def test_an_old_program_is_named(busy: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pg_dump is missing or too old, nothing is left and it is said what to install."""
    if copying.kind_of(busy.desk.settings.database) == "sqlite":
        monkeypatch.setenv("PATH", "")
        assert back_up(busy.desk, tmp_path / "backup").files
        return
    old = tmp_path / "bin"
    old.mkdir()
    (old / "pg_dump").write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
    (old / "pg_dump").chmod(0o755)
    monkeypatch.setenv("PATH", str(old))
    monkeypatch.setattr(copying, "_INSTALLED", old)
    with pytest.raises(Unavailable, match="pg_dump is of PostgreSQL 9, too old"):
        back_up(busy.desk, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()

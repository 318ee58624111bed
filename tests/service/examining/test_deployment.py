"""Roster, policy, schema, database, coverage, credentials and separation, on a real deployment."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from channels.contract import Account, Probe, Secret
from dispatcher.domain.statement import Mode
from dispatcher.ledger import copies
from dispatcher.service import accounts, exercising
from dispatcher.service.examining import clocks, database
from dispatcher.service.examining.findings import Level
from dispatcher.service.exercising import Outcome
from dispatcher.service.missing import Counting
from dispatcher.store import alive, leading, probes
from dispatcher.store.tables import DELIVERIES, WORKERS
from tests.office import SECRETS
from tests.service.examining.conftest import Place

FAILING, WARNING = Level.FAILING, Level.WARNING
HOUR = timedelta(hours=1)


def levels(place: Place, family: str) -> dict[str, Level]:
    """What is found, by its first words."""
    return {" ".join(one.what.split()[:4]): one.level for one in place.look(family)}


def test_an_example_roster_wants_contacts_a_rota_and_second_keys(place: Place) -> None:
    """It is signed, and nobody would be told of anything."""
    said = levels(place, "roster")
    assert said["roster 1 is signed"] is Level.OK
    assert said["nobody is told of"] is WARNING
    assert said["nobody is on call"] is WARNING
    assert said["one person with one"] is WARNING


def test_trust_files_that_do_not_hold_fail(place: Place) -> None:
    """A roster that was edited after it was signed."""
    file = place.folder / "trust" / "roster.toml"
    file.write_text(file.read_text().replace("Ops 1", "Ops one"))
    assert [level for level, _ in place.wrong("roster")] == [FAILING]
    assert place.look("policy") == []


def test_examining_raises_no_floor(place: Place) -> None:
    """Reading must not make older files unreadable."""
    floor = place.folder / "data" / "floor.json"
    before = floor.read_bytes()
    place.ahead = 40 * 24 * HOUR
    place.examine()
    assert floor.read_bytes() == before


def test_a_policy_that_the_ledger_does_not_know_is_a_warning(place: Place) -> None:
    """Somebody put a file there, and no role has begun with it."""
    assert place.wrong("policy") == []
    place.sql("DROP TRIGGER ledger_kept", "DELETE FROM ledger WHERE kind = 'policy.installed'")
    assert [level for level, _ in place.wrong("policy")] == [WARNING]


def test_a_team_whose_last_exercise_is_too_old_is_a_warning(place: Place) -> None:
    """None yet, one that was broken off, a whole one; and after a month without another."""
    (never,) = place.wrong("exercises")
    assert never == (WARNING, "policy asks for an exercise every 31 days, and none is on record")
    exercising.score(place.office.desk, "exr-1", "storm", Outcome.BROKEN_OFF, {})
    assert place.wrong("exercises") == [never]
    exercising.score(place.office.desk, "exr-2", "storm", Outcome.PASSED, {})
    assert [one.level for one in place.look("exercises")] == [Level.OK]
    place.ahead = 32 * 24 * HOUR
    assert [level for level, _ in place.wrong("exercises")] == [WARNING]


def test_without_a_policy_in_force_nothing_is_released(place: Place) -> None:
    """As before the first begins."""
    place.ahead = -20_000 * 24 * HOUR
    with place.site() as site:
        from dataclasses import replace

        from dispatcher.service.examining import policy

        trust = place.office.desk.trust
        found = list(policy.check(replace(site, trust=trust)))
    assert (found[0].level, found[0].what) == (FAILING, "no policy is in force")


@pytest.mark.parametrize(("revision", "fix"), [("0009", "dispatcher migrate"), ("9999", "run the version")])
def test_a_schema_behind_or_ahead_of_the_code_fails(place: Place, revision: str, fix: str) -> None:
    """With what mends each."""
    place.sql(f"UPDATE alembic_version SET version_num = '{revision}'")
    (found,) = place.look("schema")
    assert (found.level, found.fix.startswith(fix)) == (FAILING, True)


def test_without_its_database_all_else_is_examined(place: Place) -> None:
    """And the examination says that it is not on record."""
    (place.folder / "data" / "dispatcher.db").unlink()
    examined = place.examine()
    assert [level for level, _ in place.wrong("database")] == [FAILING]
    assert {"keys", "roster", "redis", "disk"} <= {one.family for one in examined.findings}
    assert examined.unrecorded
    assert not (place.folder / "data" / "dispatcher.db").exists()


@pytest.mark.parametrize(("kind", "found"), [("nfs4", "nfs4"), ("ext4", "ext4")])
def test_the_kind_of_file_system_is_that_of_the_longest_mount(tmp_path: Path, kind: str, found: str) -> None:
    """SQLite on a shared one fails."""
    mounts = f"none / overlay rw 0 0\nhost:/x {tmp_path} {kind} rw 0 0\n"
    assert database.file_system(tmp_path / "data" / "file.db", mounts) == found
    assert (found in database.SHARED) == (kind == "nfs4")


def test_a_postgresql_that_takes_no_writes_fails(place: Place, postgres_url: str) -> None:
    """A real one, told so; before, it is well."""
    from dispatcher.store import migrate
    from dispatcher.store.database import open_engine

    engine = open_engine(postgres_url)
    migrate.upgrade(engine)
    place.replace('database = "sqlite:///data/dispatcher.db"', f'database = "{postgres_url}"')
    name = engine.url.database
    assert [what for _, what in place.wrong("database") if "fsync" not in what and "full_page" not in what] == []
    with engine.connect() as connection:
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        connection.commit()
    engine.dispose()
    assert (FAILING, "the database takes no writes") in place.wrong("database")


def test_a_postgresql_that_may_lose_what_it_wrote_fails(place: Place, postgres_url: str) -> None:
    """The tests' own runs without fsync."""
    place.replace('database = "sqlite:///data/dispatcher.db"', f'database = "{postgres_url}"')
    assert {(FAILING, "fsync is off"), (FAILING, "full_page_writes is off")} <= set(place.wrong("database"))


def test_a_clock_that_is_off_the_databases_fails(place: Place, postgres_url: str) -> None:
    """From two seconds on; by half a second it is a warning."""
    place.replace('database = "sqlite:///data/dispatcher.db"', f'database = "{postgres_url}"')
    from datetime import UTC, datetime

    for seconds, level in ((0.0, Level.OK), (1.0, WARNING), (-1.0, WARNING), (30.0, FAILING), (-30.0, FAILING)):
        off = timedelta(seconds=seconds)
        place.clock = lambda off=off: datetime.now(UTC) + off  # type: ignore[method-assign]
        assert place.look("clock")[0].level is level


@pytest.mark.parametrize(("known", "level"), [(None, Level.NOTE), (True, Level.OK), (False, WARNING)])
def test_whether_ntp_keeps_the_clock_is_said_where_it_is_known(known: bool | None, level: Level) -> None:
    """Unknown is said too; and asking the host ends well."""
    assert [one.level for one in clocks.kept(known)] == [level]
    assert clocks.asked() in (None, True, False)


def beats(place: Place, *roles: str) -> None:
    """Roles of the exercise that are alive now."""
    with place.office.desk.store.write() as work:
        for role in roles:
            if role == "relay":
                leading.lead(work, "relay-exercise", "relay:1", HOUR)
            else:
                alive.beat(work, role, "exercise", f"{role}:1")


def test_lanes_with_accounts_and_nobody_at_work_are_found(place: Place) -> None:
    """All quiet is a note in an exercise; one that is quiet beside others fails."""
    place.office.account("webhook")
    place.office.account("notify")
    assert levels(place, "coverage")["nothing runs in mode"] is Level.NOTE
    beats(place, "relay", "accounts")
    assert place.wrong("coverage") == [(FAILING, "nobody works at recipients of exercise")]
    beats(place, "recipients")
    assert place.wrong("coverage") == []


def test_a_mode_without_its_relay_fails(place: Place) -> None:
    """Its lanes work on, and nothing is settled."""
    place.office.account("webhook")
    beats(place, "accounts")
    assert place.wrong("coverage") == [(FAILING, "no relay leads in mode exercise")]


def test_entries_that_wait_long_for_a_signed_head_are_a_warning(place: Place) -> None:
    """No sequencer runs here."""
    assert place.wrong("coverage") == []
    place.office.clock.advance(HOUR)
    place.ahead = timedelta(0)
    assert [level for level, _ in place.wrong("coverage")] == [WARNING]


def test_a_lane_that_hears_no_bell_is_a_warning(place: Place) -> None:
    """While it lives."""
    at = place.office.clock.now
    about: dict[str, Any] = {
        "owner": "accounts:1",
        "role": "accounts",
        "mode": "exercise",
        "host": "h",
        "version": "1",
    }
    with place.office.desk.store.write() as work:
        times = {"started_at": at - HOUR, "seen_at": at}
        work.execute(insert(WORKERS).values(pid=1, doing="", in_flight=0, **about, **times))
    assert [what[:30] for _, what in place.wrong("coverage")] == ["no doorbell reached accounts o"]
    with place.office.desk.store.write() as work:
        work.execute(update(WORKERS).values(heard_at=at))
    assert place.wrong("coverage") == []


def test_deleted_rows_fail(place: Place) -> None:
    """As the relay found them."""
    place.office.account("webhook")
    beats(place, "relay", "accounts")
    plan = place.office.plan()
    with place.office.desk.store.write() as work:
        work.execute(delete(DELIVERIES).where(DELIVERIES.c.plan == plan))
    Counting(place.office.desk, Mode.EXERCISE, "relay:1", lambda: 0.0).turn()
    assert [(level, "1 of 1 deliveries are gone" in what) for level, what in place.wrong("coverage")] == [
        (FAILING, True)
    ]


def test_a_copy_with_a_head_that_the_database_does_not_know_fails(place: Place) -> None:
    """It was restored, or somebody changed it."""
    from dispatcher.ledger.notes import Checkpoint, origin_of, seal
    from dispatcher.statements.signing import KeyFileSigner

    key = KeyFileSigner(place.folder / "keys" / "status")
    head = Checkpoint(origin_of("example-city"), 1_000_000, bytes(32), place.office.clock.now)
    file = copies.file_in(place.folder / "checkpoints", "example-city")
    copies.append(file, [seal(head, key.point, key.sign_plain)])
    assert [(level, "does not know" in what) for level, what in place.wrong("coverage")] == [(FAILING, True)]


def test_a_production_keeps_copies_elsewhere(place: Place) -> None:
    """In its own folder they fall with it."""
    place.produce()
    assert [what[:33] for _, what in place.wrong("coverage")] == ["the ledger's heads are copied to "]


def test_accounts_and_their_files_are_held_against_each_other(place: Place) -> None:
    """In both directions."""
    place.office.account("webhook")
    assert place.wrong("credentials") == []
    vault = place.folder / "credentials" / "exercise" / "accounts"
    (vault / "webhook-1.age").rename(vault / "webhook-2.age")
    assert next(what.split()[-4:] for _, what in place.wrong("credentials")) == ["no", "credential", "file", "here"]
    assert len(place.wrong("credentials")) == 2


def test_a_credential_that_does_not_open_fails_and_says_no_secret(place: Place) -> None:
    """It was damaged."""
    place.office.account("webhook")
    (place.folder / "credentials" / "exercise" / "accounts" / "webhook-1.age").write_bytes(b"age")
    assert place.wrong("credentials") == [(FAILING, "exercise: credential file webhook-1.age does not open")]


def live(place: Place, days: int | None = None, **settings: str) -> None:
    """A live account on the webhook whose credential ends in so many days."""
    account = Account(
        "hook-9", "webhook", "Hook", ("en-GB",), {"base_url": "https://hook.example.org/in", **settings}
    )
    ends = None if days is None else place.office.clock.now + timedelta(days=days)
    accounts.add(place.office.desk, account, Mode.LIVE, {"secret": SECRETS["secret"]}, "ops-1", ends)


def probed(place: Place, probe: Probe) -> None:
    """Play the sender."""
    with place.office.desk.store.write() as work:
        for one in probes.claim(work, probes.due(work, "accounts", "live"), HOUR):
            probes.put(work, one, probe, work.now + HOUR)


def test_what_probes_showed_is_told_with_its_age(place: Place) -> None:
    """Well, failed, stale."""
    live(place)
    probed(place, Probe(ok=True, detail=""))
    assert place.wrong("credentials") == []
    place.office.clock.advance(HOUR)
    assert [(level, "STALE" in what) for level, what in place.wrong("credentials")] == [(WARNING, True)]


def test_a_probe_that_failed_is_a_warning(place: Place) -> None:
    """With what the platform said."""
    live(place)
    probed(place, Probe(ok=False, detail="check the token"))
    assert [(level, "check the token" in what) for level, what in place.wrong("credentials")] == [(WARNING, True)]


@pytest.mark.parametrize(("days", "expected"), [(90, []), (5, [WARNING]), (-1, [FAILING])])
def test_a_credential_that_ends_is_told(place: Place, days: int, expected: list[Level]) -> None:
    """A week before, and when it has."""
    live(place, max(days, 1))
    probed(place, Probe(ok=True, detail="", expires_at=place.office.clock.now + timedelta(days=days)))
    assert [level for level, _ in place.wrong("credentials")] == expected


def test_a_live_account_at_the_simulator_fails(place: Place) -> None:
    """The public would get nothing."""
    live(place)
    assert place.wrong("separation") == []
    place.sql("""UPDATE accounts SET settings = '{"base_url": "http://127.0.0.1:9/webhook"}' WHERE id = 'hook-9'""")
    assert place.wrong("separation") == [(FAILING, "live account hook-9 points to the simulator")]


def test_a_live_account_of_production_at_a_private_address_fails(place: Place) -> None:
    """A test deployment may."""
    live(place)
    place.sql("""UPDATE accounts SET settings = '{"base_url": "https://10.0.0.1/in"}' WHERE id = 'hook-9'""")
    assert place.wrong("separation") == []
    place.produce()
    assert next(what[:26] for _, what in place.wrong("separation")) == "live account hook-9 points"


def test_an_exercise_account_anywhere_else_fails(place: Place) -> None:
    """The public would get an exercise."""
    place.office.account("webhook")
    place.sql("""UPDATE accounts SET settings = '{"base_url": "https://hook.example.org/in"}'""")
    assert [level for level, _ in place.wrong("separation")] == [FAILING]


def test_folders_and_keys_that_both_modes_share_fail(place: Place) -> None:
    """A link from one to the other, and a key that was copied."""
    shutil.rmtree(place.folder / "credentials" / "exercise")
    (place.folder / "credentials" / "exercise").symlink_to(place.folder / "credentials" / "live")
    keys = place.folder / "keys"
    shutil.copy(keys / "role-live-accounts.pub", keys / "role-exercise-accounts.pub")
    assert [what for _, what in place.wrong("separation")] == [
        "credentials/live and credentials/exercise are one folder",
        "role accounts has one key for both modes",
    ]


def test_a_production_with_example_keys_fails(place: Place) -> None:
    """They lie unencrypted beside the roster that names them."""
    place.produce()
    assert [level for level, _ in place.wrong("separation")] == [FAILING]
    shutil.rmtree(place.folder / "keys" / "exercise")
    assert place.wrong("separation") == []


def test_no_secret_is_ever_said(place: Place) -> None:
    """Neither an account's nor a key's, nor the password of a database that is not there."""
    place.office.account("webhook")
    place.replace(
        'database = "sqlite:///data/dispatcher.db"', 'database = "postgresql+psycopg://u:hunter2@127.0.0.1:9/d"'
    )
    said = repr(place.examine())
    keys = [
        path.read_text() for path in (place.folder / "keys").rglob("*") if path.is_file() and path.suffix != ".pub"
    ]
    assert not [key for key in keys if key.splitlines()[-2 if len(key.splitlines()) > 1 else 0] in said]
    assert "hunter2" not in said
    assert Secret(SECRETS["secret"].reveal()).reveal() not in said


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming somebody else takes root")
def test_somebody_who_may_not_read_the_keys_examines_the_rest(place: Place) -> None:
    """In a process of theirs; what could not be looked at is said."""
    from multiprocessing import get_context
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(dir="/tmp") as public:  # where others may look
        Path(public).chmod(0o755)
        target = Path(public) / "deployment"
        shutil.copytree(place.folder, target)
        target.chmod(0o755)
        with get_context("fork").Pool(1) as pool:
            found = pool.apply(_as_nobody, (target,))
    assert ("keys", "note") in found
    assert ("settings", "ok") in found
    assert not [one for one in found if one[0] == "keys" and one[1] in ("ok", "failing")]


def _as_nobody(folder: Path) -> list[tuple[str, str]]:
    from dispatcher.cli.doctor import dial
    from dispatcher.sender_bootstrap import network, now
    from dispatcher.service.examining.examine import examine
    from dispatcher.service.examining.site import open_site

    os.setgid(65_534)
    os.setuid(65_534)
    with open_site(folder, now, "doctor", network, dial) as site:
        return [(one.family, str(one.level)) for one in examine(site).findings]

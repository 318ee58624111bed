"""What a scrape says of a real deployment, read by Prometheus' own parser."""

from __future__ import annotations

import json
import subprocess
import urllib.error
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from sqlalchemy import insert, update

from channels.simulator.faults import FaultKind
from dispatcher.cli import doctor
from dispatcher.domain.errors import Invalid, Unavailable
from dispatcher.store import holds
from dispatcher.store.tables import ACCOUNTS, DELIVERIES
from ops.metrics.names import METRICS, Kind
from ops.metrics.names import scraped as names_of
from ops.metrics.serving import Serving
from tests.ops.metrics.scraping import OPENMETRICS, scraped
from tests.servers import program
from tests.stage import MODE, Stage
from tests.workers.sentinels import watched_redis
from workers.broker import NAMESPACE, open_broker, ring

pytestmark = pytest.mark.system
X = {"channel": "x", "mode": str(MODE)}


def test_a_scrape_is_text_or_openmetrics_by_what_is_asked_for(stage: Stage) -> None:
    """And both parsers take all of it."""
    with scraped(stage.desk) as exporter:
        assert exporter.get()[1].startswith("text/plain; version=")
        assert exporter.get(accept=OPENMETRICS)[1].startswith("application/openmetrics-text")
        plain, strict = exporter.families(), exporter.families(OPENMETRICS)
    assert len(strict) == len(plain) > 0


def test_promtool_finds_no_fault_in_a_scrape(stage: Stage) -> None:
    """Names, units and help are as Prometheus wants them."""
    promtool = program("promtool")
    with scraped(stage.desk) as exporter:
        body = exporter.get()[2]
    done = subprocess.run([promtool, "check", "metrics"], input=body, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_nothing_is_exported_that_has_no_name_in_the_table(stage: Stage) -> None:
    """Every sample, its labels too."""
    known = {name: metric for metric in METRICS.values() for name in names_of(metric)}
    with scraped(stage.desk) as exporter:
        samples = [sample for family in exporter.families() for sample in family.samples]
    assert {sample.name for sample in samples} <= known.keys()
    for sample in samples:
        assert set(sample.labels) - {"le"} == set(known[sample.name].labels), sample.name


def test_what_is_approved_and_not_public_is_told_until_it_is(stage: Stage) -> None:
    """By the time since when, on its channel and in its mode; and so is when its window ends."""
    with scraped(stage.desk) as exporter:
        assert exporter.value("unreached_since_timestamp_seconds", **X) is None
        plan = stage.cleared()
        stage.release(plan)
        exporter.says("queue_deliveries", 2, lane="accounts", mode=str(MODE), state="waiting")
        since = exporter.value("unreached_since_timestamp_seconds", **X)
        assert since is not None
        assert abs(since - stage.desk.now().timestamp()) < 60
        assert exporter.value("gate_clear_until_timestamp_seconds", **X) is not None
        assert exporter.value("queue_oldest_due_timestamp_seconds", lane="accounts") is not None
        stage.work(lambda: stage.ended(plan))
        exporter.says("deliveries_total", 1, **X, outcome="accepted")
        exporter.says("channel_deliveries", 1, **X, state="accepted")
        assert exporter.value("unreached_since_timestamp_seconds", **X) is None


def test_attempts_and_times_are_counted_once_each(stage: Stage) -> None:
    """A retry is two attempts; a list is counted by the number; each stage has as many as were accepted."""
    stage.account("notify")
    stage.numbers(20)
    with scraped(stage.desk) as exporter:
        stage.fault("x", FaultKind.REFUSE, status=503)
        plan = stage.cleared(lists=("city",))
        stage.release(plan)
        stage.work(lambda: stage.ended(plan))
        exporter.says("attempts_total", 1, **X, verdict="accepted")
        exporter.says("attempts_total", 20, channel="notify", verdict="accepted")
        assert exporter.value("attempts_total", **X, verdict="in_doubt") == 1
        assert exporter.value("deliveries_total", channel="notify", outcome="accepted") == 20
        assert exporter.value("delivery_seconds_count", **X, stage="provider") == 2
        for stage_of, channel, count in (("release", "x", 1), ("approval", "x", 1), ("release", "notify", 20)):
            about = {"channel": channel, "stage": f"{stage_of}_to_accepted"}
            assert exporter.value("delivery_seconds_count", **about) == count


def test_what_is_in_doubt_and_held_is_told_with_its_reason(stage: Stage) -> None:
    """In doubt by the lane, held by channel and reason."""
    plan = stage.cleared()
    stage.release(plan)
    with scraped(stage.desk) as exporter:
        with stage.desk.store.write() as work:
            for state in ("leased", "sending", "in_doubt"):
                work.execute(update(DELIVERIES).where(DELIVERIES.c.channel == "x").values(state=state))
            work.record("incident.noted", incident=stage.rows(plan)[0].incident)
        exporter.says("queue_deliveries", 1, lane="accounts", mode=str(MODE), state="in_doubt")
        with stage.desk.store.write() as work:
            held = {"state": "held", "reason": "ambiguous"}
            work.execute(update(DELIVERIES).where(DELIVERIES.c.channel == "x").values(**held))
        exporter.says("held_deliveries", 1, **X, reason="ambiguous")


def test_refusals_are_counted_by_clause(stage: Stage) -> None:
    """A release before the approvals are there."""
    with scraped(stage.desk) as exporter:
        assert exporter.value("refusals_total", at="release", clause="G08", mode=str(MODE)) == 0
        with pytest.raises(Exception, match="not clear"):
            stage.release(stage.submitted())
        exporter.says("refusals_total", 1, at="release", clause="G08", mode=str(MODE))


def test_a_notice_that_nobody_took_is_counted(stage: Stage) -> None:
    """From the ledger."""
    with scraped(stage.desk) as exporter:
        with stage.desk.store.write() as work:
            work.record("notice.failed", person="director-1", scheme="mailto")
        exporter.says("notices_total", 1, outcome="failed")
        assert exporter.value("notices_total", outcome="sent") == 0


def test_an_account_of_the_other_mode_is_a_leak(stage: Stage) -> None:
    """By where it points, and by what moves over it."""
    with scraped(stage.desk) as exporter:
        assert exporter.value("mode_leak", mode="exercise") == 0
        incident = stage.declared()
        with stage.desk.store.write() as work:
            away = {"base_url": "https://api.example.org", "handle": "x"}
            work.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == "x-1").values(settings=away, mode="live"))
            work.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == "webhook-1").values(settings=away))
            moved = {"source": "leased", "target": "sending", "account": "x-1", "channel": "x"}
            work.record("delivery.moved", incident=incident, **moved)
        exporter.says("mode_leak", 1, mode="exercise")
        exporter.says("mode_leaks_total", 1, account_mode="live", mode="exercise")


def test_redis_says_how_it_keeps_what_it_is_told(stage: Stage, redis_url: str) -> None:
    """And how many rings wait, and how many messages nobody could read."""
    ring(open_broker(redis_url), "accounts", str(MODE), "dsp-1")
    with redis.Redis.from_url(redis_url) as client:
        client.zadd(f"{NAMESPACE}:recipients-live.XQ", {"forged": 1})
    with scraped(stage.desk) as exporter:
        assert exporter.value("redis_aof_enabled") == exporter.value("redis_noeviction") == 1
        assert exporter.value("doorbell_messages", lane="accounts", mode=str(MODE)) == 1
        assert exporter.value("doorbell_dead_letters", lane="recipients", mode="live") == 1
        with redis.Redis.from_url(redis_url) as client:
            client.config_set("maxmemory-policy", "allkeys-lru")
            exporter.says("redis_noeviction", 0)
            client.config_set("maxmemory-policy", "noeviction")


def test_a_scrape_succeeds_while_redis_is_away(stage: Stage) -> None:
    """It says so, and what the database says is there all the same."""
    desk = replace(stage.desk, settings=replace(stage.desk.settings, redis="unix:///nowhere/redis.sock"))
    with scraped(desk) as exporter:
        exporter.says("up", 0, part="redis")
        exporter.says("up", 1, part="database")
        assert exporter.value("redis_aof_enabled") is None
        assert exporter.value("ledger_entries") is not None


def test_a_scrape_succeeds_while_the_database_is_away(stage: Stage) -> None:
    """It says so; what was counted stays, what was seen does not."""
    with scraped(stage.desk) as exporter:
        exporter.says("up", 1, part="database")
        stage.desk.store.engine.dispose()
        database = stage.folder / "data" / "dispatcher.db"
        for file in database.parent.glob("dispatcher.db*"):
            file.rename(file.with_name(f"away-{file.name}"))
        exporter.says("up", 0, part="database")
        assert exporter.value("ledger_entries") is None
        assert exporter.value("notices_total", outcome="failed") == 0
        exporter.says("up", 1, part="redis")


def test_where_a_breaker_leaves_an_account_alone_it_is_told_until_when(stage: Stage) -> None:
    """For as long as it does."""
    with stage.desk.store.write() as work:
        holds.broke(work, "x-1", 60.0, "five failures")
    with scraped(stage.desk) as exporter:
        assert exporter.value("rate_paused_until_timestamp_seconds", account="x-1", mode=str(MODE)) is not None


def test_a_bad_entry_ends_no_look(stage: Stage) -> None:
    """Somebody wrote into the ledger what is no entry; counting goes on after it."""
    from dispatcher.store.tables import LEDGER

    with scraped(stage.desk) as exporter:
        with stage.desk.store.write() as work:
            forged = {"writer": "forger", "sequence": 1, "prev": "", "leaf": "00" * 32, "recorded_at": work.now}
            work.execute(insert(LEDGER).values(kind="delivery.moved", incident=None, body=b"\xff[", **forged))
            work.record("notice.failed", person="director-1", scheme="mailto")
        exporter.says("notices_total", 1, outcome="failed")


def test_healthz_answers_and_nothing_else_does(stage: Stage) -> None:
    """The rest is 404; whoever wants to change something gets 405."""
    with scraped(stage.desk) as exporter:
        assert exporter.get("/healthz")[::2] == (200, "OK\n")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            exporter.get("/metrics/../etc")
        assert (stage.folder / "run" / "metrics.url").read_text().strip() == exporter.url
        assert exporter.url.startswith("http://127.0.0.1:")
    assert not (stage.folder / "run" / "metrics.url").exists()


@pytest.mark.parametrize("said", ["9464", "host:", "127.0.0.1:70000", "127.0.0.1:x"])
def test_an_address_that_is_none_is_refused(stage: Stage, said: str) -> None:
    """With the key to mend."""
    from prometheus_client import CollectorRegistry

    with pytest.raises(Invalid, match="metrics ="):
        Serving(replace(stage.desk.settings, metrics=said), CollectorRegistry())


def test_a_port_that_is_taken_is_said_so(stage: Stage) -> None:
    """With the key to change."""
    from prometheus_client import CollectorRegistry

    with scraped(stage.desk) as exporter:
        port = exporter.url.rpartition(":")[2].removesuffix("/metrics")
        taken = replace(stage.desk.settings, metrics=f"127.0.0.1:{port}")
        with pytest.raises(Unavailable, match="nothing can listen on"):
            Serving(taken, CollectorRegistry())


def test_counters_and_times_are_named_as_prometheus_wants() -> None:
    """``_total`` for counters and nothing else, base units, one prefix; no label that grows with what happens."""
    for name, metric in METRICS.items():
        assert name.startswith("dispatcher_")
        assert name.endswith("_total") == (metric.kind is Kind.COUNTER), name
        assert not {"incident", "plan", "delivery", "person", "dispatch"} & set(metric.labels), name
        assert not name.endswith(("_ms", "_minutes", "_age_seconds", "_kb", "_percent")), name


def test_the_documented_table_is_what_is_exported() -> None:
    """docs/metrics.md has a row for each, with its labels and what it says."""
    page = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text()
    for name, metric in METRICS.items():
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        assert f"| `{name}` | {metric.kind} | {labels} | {metric.says} |" in page, json.dumps(name)
    assert page.count("| `dispatcher_") == len(METRICS)


def test_redis_is_asked_at_the_primary_that_its_sentinels_name(stage: Stage, tmp_path: Path) -> None:
    """By the exporter, and by the doctor."""
    with watched_redis(tmp_path) as watched:
        settings = replace(stage.desk.settings, redis=watched.url)
        with scraped(replace(stage.desk, settings=settings)) as exporter:
            exporter.says("up", 1, part="redis")
            exporter.says("redis_aof_enabled", 1)
        with doctor.dial(settings) as client:
            assert client.info("replication")["role"] == "master"

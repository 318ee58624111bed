"""A real Prometheus scrapes a real exporter over a real deployment until a rule fires."""

from __future__ import annotations

import json
import socket
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from dispatcher.service.desk import Desk
from dispatcher.store import workers
from tests.e2e.processes import process
from tests.ops.metrics.scraping import scraped
from tests.ops.metrics.test_watched import PROMETHEUS
from tests.servers import program, until
from tests.stage import MODE, Stage

pytestmark = pytest.mark.system
ROLES = ("relay", "console", "exporter")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


def hastened(document: dict[str, Any]) -> dict[str, Any]:
    """The rules as shipped, looked at every second, and firing without the wait that people want."""
    for group in document["groups"]:
        group["interval"] = "1s"
        for rule in group["rules"]:
            if "alert" in rule:
                rule["for"] = "0s"
    return document


@contextmanager
def prometheus(folder: Path, exporter: str) -> Iterator[str]:
    """Run Prometheus with the shipped rules and the shipped example, scraping this exporter each second."""
    binary, port = program("prometheus"), free_port()
    folder.mkdir()
    rules = hastened(yaml.safe_load((PROMETHEUS / "rules.yml").read_text()))
    (folder / "rules.yml").write_text(yaml.safe_dump(rules))
    document = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    document["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    del document["alerting"]
    (job,) = document["scrape_configs"]
    job["static_configs"] = [{"targets": [urllib.parse.urlsplit(exporter).netloc]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(document))
    at = f"127.0.0.1:{port}"
    words = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    with process([binary, *words, f"--web.listen-address={at}"], folder / "log"):
        yield f"http://{at}"


@contextmanager
def watched(desk: Desk, folder: Path) -> Iterator[str]:
    """An exporter of this desk, and a Prometheus that scrapes it."""
    with scraped(desk) as exporter, prometheus(folder / "prometheus", exporter.url) as url:
        yield url


def worker(stage: Stage, role: str) -> list[str | Path]:
    """The command that runs a role."""
    words = ("--deployment", stage.folder, "worker", role, "--mode", MODE)
    return [sys.executable, "-c", "from dispatcher.cli.main import run; run()", *words]


def asked(url: str, query: str) -> list[dict[str, Any]]:
    """What Prometheus answers to a query now; nothing while it starts."""
    try:
        path = f"{url}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        with urllib.request.urlopen(path, timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return found
    except OSError:
        return []


def firing(url: str, alert: str) -> list[dict[str, str]]:
    """The labels of an alert that fires."""
    return [one["metric"] for one in asked(url, f'ALERTS{{alertname="{alert}", alertstate="firing"}}')]


def test_alerts_fire_over_a_real_deployment_and_end_when_it_is_mended(stage: Stage, tmp_path: Path) -> None:
    """A plan is released and nobody works: no live worker, as a ticket, for it is an exercise. Then somebody does."""
    with watched(stage.desk, tmp_path) as url:
        until(lambda: asked(url, "up == 1"), "Prometheus scrapes", 30)
        assert firing(url, "NoLiveWorker") == []
        plan = stage.cleared()
        stage.release(plan)
        (labels,) = until(lambda: firing(url, "NoLiveWorker"), "nobody works at the lane", 30)
        assert (labels["lane"], labels["mode"], labels["severity"]) == ("accounts", str(MODE), "ticket")
        (waiting,) = until(lambda: asked(url, 'dispatcher:unreached_seconds:max{channel="x"}'), "it is recorded", 30)
        assert 0 <= float(waiting["value"][1]) < 120
        stage.work(lambda: stage.ended(plan))
        until(lambda: not firing(url, "NoLiveWorker"), "the alert ends", 30)
        until(lambda: not asked(url, "dispatcher:unreached_seconds:max"), "nothing is awaited", 30)


def registered(stage: Stage) -> set[str]:
    """The roles in the registry of processes."""
    with stage.desk.store.read() as work:
        return {row.role for row in workers.rows(work)}


def test_roles_that_are_killed_are_silent(stage: Stage, tmp_path: Path) -> None:
    """Those too that send nothing: nobody stopped them in good order, and their last beats grow old."""
    quick = replace(stage.desk.settings, timing=replace(stage.desk.settings.timing, silence_ms=2_000))
    with ExitStack() as running:
        killed = [running.enter_context(process(worker(stage, role), tmp_path / role)) for role in ROLES]
        url = running.enter_context(watched(replace(stage.desk, settings=quick), tmp_path))
        until(lambda: registered(stage) == set(ROLES), "all are in the registry", 60)
        until(lambda: len(asked(url, 'dispatcher_workers{state="live"} == 1')) == len(ROLES), "all live", 30)
        assert firing(url, "RoleSilent") == []
        for one in killed:
            one.kill()
        until(lambda: len(firing(url, "RoleSilent")) == len(ROLES), "all are silent", 30)
        said = {(labels["role"], labels["severity"]) for labels in firing(url, "RoleSilent")}
        assert said == {(role, "ticket") for role in ROLES}


def test_an_exporter_that_is_gone_is_noticed(stage: Stage, tmp_path: Path) -> None:
    """By Prometheus itself, as a page."""
    with scraped(stage.desk) as exporter:
        url_of_exporter = exporter.url
    with prometheus(tmp_path / "prometheus", url_of_exporter) as url:
        (labels,) = until(lambda: firing(url, "ExporterGone"), "nobody answers", 30)
        assert labels["severity"] == "page"

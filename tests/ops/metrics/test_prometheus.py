"""A real Prometheus scrapes a real exporter over a real deployment until a rule fires."""

from __future__ import annotations

import json
import socket
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from dispatcher.store.workers import Process, beat
from tests.e2e.processes import process
from tests.ops.metrics.scraping import scraped
from tests.ops.metrics.test_watched import PROMETHEUS
from tests.servers import program, until
from tests.stage import MODE, Stage

pytestmark = pytest.mark.system


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
    with scraped(stage.desk) as exporter, prometheus(tmp_path / "prometheus", exporter.url) as url:
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


def test_a_worker_that_is_killed_is_silent(stage: Stage, tmp_path: Path) -> None:
    """Its last beat grows old; nobody stopped it in good order."""
    gone = Process("accounts:1:gone", "accounts", str(MODE), "host-1", 1, "0.1.0")
    with stage.desk.store.write() as work:
        beat(work, gone)
    quick = replace(stage.desk.settings, timing=replace(stage.desk.settings.timing, silence_ms=500))
    with (
        scraped(replace(stage.desk, settings=quick)) as exporter,
        prometheus(tmp_path / "prometheus", exporter.url) as url,
    ):
        (labels,) = until(lambda: firing(url, "RoleSilent"), "the role is silent", 30)
        assert (labels["role"], labels["severity"]) == ("accounts", "ticket")


def test_an_exporter_that_is_gone_is_noticed(stage: Stage, tmp_path: Path) -> None:
    """By Prometheus itself, as a page."""
    with scraped(stage.desk) as exporter:
        url_of_exporter = exporter.url
    with prometheus(tmp_path / "prometheus", url_of_exporter) as url:
        (labels,) = until(lambda: firing(url, "ExporterGone"), "nobody answers", 30)
        assert labels["severity"] == "page"

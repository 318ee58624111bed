"""An exporter on a deployment, and what a scrape of it says."""

from __future__ import annotations

import asyncio
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from dispatcher.service.desk import Desk
from ops.metrics.exporting import Exporter
from ops.metrics.serving import Serving
from tests.servers import until

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@dataclass(frozen=True)
class Scraped:
    """One running exporter."""

    url: str
    exporter: Exporter

    def get(self, path: str = "/metrics", accept: str = "text/plain") -> tuple[int, str, str]:
        """Status, content type and body."""
        request = urllib.request.Request(self.url.removesuffix("/metrics") + path, headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()

    def families(self, accept: str = "text/plain") -> list[Metric]:
        """What a scrape says, read by Prometheus' own parser."""
        body = self.get(accept=accept)[2]
        return list(openmetrics(body) if accept == OPENMETRICS else plain(body))  # type: ignore[no-untyped-call]

    def value(self, name: str, **labels: str) -> float | None:
        """One sample; None where there is none."""
        for family in self.families():
            for sample in family.samples:
                if sample.name == f"dispatcher_{name}" and labels.items() <= sample.labels.items():
                    return float(sample.value)
        return None

    def says(self, name: str, value: float, **labels: str) -> None:
        """Wait until a sample has this value."""
        until(lambda: self.value(name, **labels) == value, f"{name}{labels} is {value}")


@contextmanager
def scraped(desk: Desk) -> Iterator[Scraped]:
    """Run an exporter beside the test until the block ends, from when it has looked at everything once."""
    desk = replace(desk, settings=replace(desk.settings, timing=replace(desk.settings.timing, poll_ms=50)))
    exporter, stopping = Exporter(desk), asyncio.Event()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(exporter.run(stopping),), daemon=True)
    serving = Serving(desk.settings, exporter.registry)
    thread.start()
    try:
        until(lambda: all(part.looked for part in exporter.parts), "every part was looked at")
        yield Scraped(serving.url, exporter)
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(20)
        loop.close()
        serving.close()

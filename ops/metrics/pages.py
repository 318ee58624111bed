"""A page: the samples of one look, and how they become what prometheus_client writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.core import Metric as Family

from ops.metrics.names import BUCKETS_S, METRICS, Kind, Metric

Labels = tuple[str, ...]


@dataclass
class Histogram:
    """Observations of seconds in the buckets that every histogram here has."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    seconds: float = 0.0

    def observe(self, seconds: float, times: int = 1) -> None:
        """Add one observation, or several alike."""
        place = next((place for place, most in enumerate(BUCKETS_S) if seconds <= most), len(BUCKETS_S))
        self.counts[place] += times
        self.seconds += seconds * times

    def cumulated(self) -> list[tuple[str, float]]:
        """Each bucket's upper end, and how many were no longer than that."""
        ends = [*map(str, BUCKETS_S), "+Inf"]
        return [(end, float(sum(self.counts[: place + 1]))) for place, end in enumerate(ends)]


class Page:
    """Samples by metric. A name or a label that is not in ``names`` is a KeyError: nothing else is exported."""

    def __init__(self) -> None:
        self._values: dict[str, dict[Labels, float | Histogram]] = defaultdict(dict)

    def put(self, name: str, value: float | datetime | None, **labels: str) -> None:
        """One sample; a time as seconds since 1970, and nothing for None."""
        if value is not None:
            seconds = value.timestamp() if isinstance(value, datetime) else float(value)
            self._values[_known(name).name][_ordered(name, labels)] = seconds

    def add(self, name: str, value: float = 1, **labels: str) -> None:
        """Add to a sample, which begins at zero."""
        samples, at = self._values[_known(name).name], _ordered(name, labels)
        before = samples.get(at, 0.0)
        assert not isinstance(before, Histogram)  # noqa: S101 - one name is of one kind
        samples[at] = before + value

    def first(self, name: str, value: datetime | None, **labels: str) -> None:
        """Put the earliest of the times that are given for the same labels."""
        at = _ordered(name, labels)
        before = self._values[_known(name).name].get(at)
        if value is not None and (not isinstance(before, float) or value.timestamp() < before):
            self.put(name, value, **labels)

    def observe(self, name: str, seconds: float, times: int = 1, **labels: str) -> None:
        """Add to a histogram."""
        found = self._values[_known(name).name].setdefault(_ordered(name, labels), Histogram())
        assert isinstance(found, Histogram)  # noqa: S101 - as above
        found.observe(seconds, times)

    def value(self, name: str, **labels: str) -> float | None:
        """What was put."""
        found = self._values[_known(name).name].get(_ordered(name, labels))
        return None if isinstance(found, Histogram) else found

    def families(self) -> Iterator[Family]:
        """As prometheus_client takes them."""
        for name, samples in list(self._values.items()):
            if samples:
                yield _family(METRICS[name], samples.items())


def _known(name: str) -> Metric:
    return METRICS[f"dispatcher_{name}"]


def _ordered(name: str, labels: dict[str, str]) -> Labels:
    metric = _known(name)
    if labels.keys() != set(metric.labels):
        raise KeyError(f"{name} has the labels {metric.labels}, not {tuple(labels)}")
    return tuple(labels[label] for label in metric.labels)


def _family(metric: Metric, samples: Iterable[tuple[Labels, float | Histogram]]) -> Family:
    made = list(samples)
    match metric.kind:
        case Kind.COUNTER:
            counter = CounterMetricFamily(metric.name.removesuffix("_total"), metric.says, labels=metric.labels)
            for labels, value in made:
                counter.add_metric(labels, _number(value))
            return counter
        case Kind.HISTOGRAM:
            histogram = HistogramMetricFamily(metric.name, metric.says, labels=metric.labels)
            for labels, value in made:
                if isinstance(value, Histogram):
                    histogram.add_metric(labels, value.cumulated(), value.seconds)
            return histogram
        case Kind.INFO:
            info = InfoMetricFamily(metric.name, metric.says)
            for labels, _ in made:
                info.add_metric((), dict(zip(metric.labels, labels, strict=True)))
            return info
        case Kind.GAUGE:
            gauge = GaugeMetricFamily(metric.name, metric.says, labels=metric.labels)
            for labels, value in made:
                gauge.add_metric(labels, _number(value))
            return gauge


def _number(value: float | Histogram) -> float:
    return value if isinstance(value, float) else 0.0

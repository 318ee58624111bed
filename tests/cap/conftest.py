"""A small builder of CAP alerts, and the sample set beside the repository where there is one."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from lxml import etree

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "cap-samples"

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
ALERT = "identifier sender sent status msgType source scope restriction addresses code note references incidents"
INFO = (
    "language category event responseType urgency severity certainty audience effective onset expires senderName"
    " headline description instruction web contact"
)
AREA = "areaDesc polygon circle geocode altitude ceiling"

Values = str | tuple[str, ...] | None


def _render(order: str, values: Mapping[str, Values]) -> str:
    unknown = set(values) - set(order.split())
    assert not unknown, f"the builder knows no {unknown}"
    lines: list[str] = []
    for name in order.split():
        value = values.get(name)
        texts = () if value is None else (value,) if isinstance(value, str) else value
        lines += [f"<{name}>{escape(text)}</{name}>" for text in texts]
    return "\n".join(lines)


class CapBuilder:
    """Builds alerts in the standard's order; a field given as None is left out, as a tuple repeated."""

    square = "52.40,-4.10 52.40,-4.00 52.50,-4.00 52.40,-4.10"

    def area(self, **changes: Values) -> str:
        """One ``area`` element."""
        return f"<area>{_render(AREA, {'areaDesc': 'Lower Wylan valley', 'polygon': self.square} | changes)}</area>"

    def info(self, *areas: str, more: str = "", **changes: Values) -> str:
        """One ``info`` element; ``more`` is markup between the fields and the areas."""
        fields: dict[str, Values] = {
            "language": "en-GB",
            "category": "Met",
            "event": "River flooding",
            "urgency": "Immediate",
            "severity": "Severe",
            "certainty": "Likely",
            "expires": "2026-11-22T00:00:00-00:00",
            "headline": "Flood warning for the Wylan",
            "description": "The river is rising.",
            "instruction": "Move to higher ground.",
        }
        return f"<info>{_render(INFO, fields | changes)}\n{more}{''.join(areas or (self.area(),))}</info>"

    def alert(self, *infos: str, more: str = "", **changes: Values) -> bytes:
        """A whole document; ``more`` is markup after the last ``info``."""
        fields: dict[str, Values] = {
            "identifier": "wylan-2026-42",
            "sender": "alerts@wylan.example",
            "sent": "2026-11-21T18:05:00-00:00",
            "status": "Actual",
            "msgType": "Alert",
            "scope": "Public",
        }
        body = f"{_render(ALERT, fields | changes)}\n{''.join(infos or (self.info(),))}{more}"
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<alert xmlns="{NAMESPACE}">\n{body}</alert>'.encode()


@pytest.fixture(scope="session")
def cap() -> CapBuilder:
    """The builder of alerts."""
    return CapBuilder()


@pytest.fixture(scope="session")
def oasis() -> etree.XMLSchema:
    """The OASIS schema; skips where the sample set is not at hand."""
    if not SAMPLES.is_dir():
        pytest.skip("no ../shared/cap-samples beside the repository")
    return etree.XMLSchema(etree.parse(SAMPLES / "CAP-v1.2.xsd"))


def manifest() -> list[dict[str, str]]:
    """The manifest's rows; none where the sample set is not at hand."""
    if not SAMPLES.is_dir():
        return []
    with (SAMPLES / "MANIFEST.tsv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def _is_alert(row: dict[str, str]) -> bool:
    return row["default_verdict"] == "ok" and row["msgType"] == "Alert" and bool(row["languages"])


ROWS: dict[str, Callable[[dict[str, str]], bool]] = {
    "sample": lambda _row: True,
    "attack_sample": lambda row: row["default_verdict"] == "any",
    "refused_sample": lambda row: row["default_verdict"] == "refuse",
    "valid_sample": lambda row: row["default_verdict"] == "ok",
    "unending_sample": lambda row: _is_alert(row) and "no-expires" in row["warnings"],
    "odd_sample": lambda row: row["class"] in ("policy", "signature"),
    "ending_sample": lambda row: _is_alert(row) and "no-expires" not in row["warnings"],
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each argument named in ``ROWS`` one manifest row per test, or one skip."""
    for name in ROWS.keys() & set(metafunc.fixturenames):
        rows = [pytest.param(row, id=row["file"]) for row in manifest() if ROWS[name](row)]
        skip = pytest.param({}, marks=pytest.mark.skip(reason="no ../shared/cap-samples beside the repository"))
        metafunc.parametrize(name, rows or [skip])


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of samples."""
    return SAMPLES

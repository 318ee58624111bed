"""Rules, runbooks and dashboards: each hangs together with the others, and names only what is exported."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from dispatcher.cli.main import root
from ops.metrics.names import METRICS
from ops.metrics.names import scraped as names_of
from tests.servers import program

OPS = Path(__file__).parents[3] / "ops"
PROMETHEUS, RUNBOOKS = OPS / "prometheus", OPS / "runbooks"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"] for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
TESTS = [
    case for file in sorted(PROMETHEUS.glob("tests/*.yml")) for case in yaml.safe_load(file.read_text())["tests"]
]
DASHBOARDS = {file.stem: json.loads(file.read_text()) for file in sorted((OPS / "grafana").glob("*.json"))}
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
EXPORTED = {name: metric for metric in METRICS.values() for name in names_of(metric)}


def expected(case: dict[str, Any], alert: str) -> list[list[Any]]:
    """What a case expects of an alert, per question about it."""
    asked = [one for one in case["promql_expr_test"] if f'alertname="{alert}"' in one["expr"]]
    return [one["exp_samples"] for one in asked]


def fires(case: dict[str, Any], alert: str) -> bool:
    """Whether a case expects an alert to fire, not only to be pending."""
    found = [sample["labels"] for samples in expected(case, alert) for sample in samples]
    return any('alertstate="firing"' in labels for labels in found)


def both(cases: list[dict[str, Any]], alert: str) -> bool:
    """Whether a case fires an alert, and another with the same series does not."""
    firing = [case for case in cases if fires(case, alert)]
    quiet = [case for case in cases if [] in expected(case, alert)]
    return any(series(one) & series(other) for one in firing for other in quiet if one is not other)


def series(case: dict[str, Any]) -> set[str]:
    """The names of a case's series."""
    return {one["series"].partition("{")[0] for one in case["input_series"]}


@pytest.mark.system
@pytest.mark.parametrize(
    "words",
    [
        ("promtool", "check", "rules", "rules.yml"),
        ("promtool", "check", "config", "prometheus.yml"),
        ("promtool", "test", "rules", *(f"tests/{file.name}" for file in sorted(PROMETHEUS.glob("tests/*.yml")))),
        ("amtool", "check-config", "alertmanager.yml"),
    ],
    ids=lambda words: " ".join(words[:3]),
)
def test_prometheus_own_tools_find_no_fault(words: tuple[str, ...]) -> None:
    """Rules, configurations, and every recording of series."""
    command = [str(program(words[0])), *words[1:]]
    done = subprocess.run(command, cwd=PROMETHEUS, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_has_a_recording_that_fires_it_and_one_that_does_not(alert: str) -> None:
    """Both of the same series: an alert that looks at nothing stays quiet too."""
    assert both(TESTS, alert)


@pytest.mark.parametrize("alert", ["DeliveryHeld", "RoleSilent"])
@pytest.mark.parametrize("kept", ["firing", "quiet"])
def test_an_alert_without_one_of_its_recordings_is_noticed(alert: str, kept: str) -> None:
    """The other half alone is not enough."""
    less = [case for case in TESTS if (kept == "firing") == fires(case, alert)]
    assert any(expected(case, alert) for case in less)
    assert not both(less, alert)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_how_grave_it_is_what_it_means_and_what_to_do(alert: str) -> None:
    """In words, with a runbook at a relative path."""
    rule = ALERTS[alert]
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"ops/runbooks/{alert}.md"
    assert re.fullmatch(
        r'page|ticket|\{\{ if eq \$labels\.mode "live" \}\}page.*ticket.*', rule["labels"]["severity"]
    )
    assert len(rule["annotations"]["description"].split()) > 8


@pytest.mark.parametrize("alert", [name for name, rule in ALERTS.items() if rule["labels"]["severity"] == "page"])
def test_what_always_pages_has_no_mode_but_for_the_leak(alert: str) -> None:
    """An alert about an exercise pages nobody, unless exercise and live are mixed."""
    cases = [case for case in TESTS for one in expected(case, alert) for sample in one if "mode=" in sample["labels"]]
    assert (alert == "DrillLeak") == bool(cases)


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    """And the index names each."""
    books = {file.stem for file in RUNBOOKS.glob("*.md")} - {"README"}
    assert books == set(ALERTS)
    assert set(re.findall(r"\]\((\w+)\.md\)", (RUNBOOKS / "README.md").read_text())) == books


@pytest.mark.parametrize("book", sorted(RUNBOOKS.glob("*.md")), ids=lambda file: file.stem)
def test_a_runbook_has_its_four_parts_and_links_that_lead_somewhere(book: Path) -> None:
    """Meaning, impact, diagnosis, mitigation; the index has none of them."""
    text = book.read_text()
    if book.stem != "README":
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (book.parent / link).exists(), link


def commands() -> Iterator[tuple[str, str]]:
    """Every command of ours in a runbook."""
    for book in sorted(RUNBOOKS.glob("*.md")):
        for line in re.findall(r"`(dispatcher(?: [^`]*)?)`", book.read_text()):
            yield book.stem, line


@pytest.mark.parametrize(("book", "line"), sorted(set(commands())))
def test_every_command_in_a_runbook_exists(book: str, line: str) -> None:
    """Its verb, and each option of it."""
    command: click.Command = root
    _, *words = shlex.split(line)
    while words and isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words.pop(0))
        assert found is not None, line
        command = found
    assert not isinstance(command, click.Group), line
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word.partition("=")[0] for word in words if word.startswith("-")} <= known | {"--help"}, line


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every panel of every dashboard."""
    for name, board in DASHBOARDS.items():
        for panel in board["panels"]:
            yield name, panel


def queries() -> Iterator[tuple[str, str]]:
    """Everything that Prometheus is asked, and by whom."""
    yield from ((rule.get("alert") or rule["record"], rule["expr"]) for rule in RULES)
    for name, panel in panels():
        yield from ((f"{name}: {panel['title']}", target["expr"]) for target in panel["targets"])


@pytest.mark.parametrize(("asker", "query"), list(queries()), ids=lambda word: word[:40])
def test_a_query_names_only_what_is_exported(asker: str, query: str) -> None:
    """Metrics and recorded series by name, and of each metric its labels only."""
    for name in re.findall(r"\b(?<!:)dispatcher_\w+", query):
        assert name in EXPORTED, name
    assert set(re.findall(r"\bdispatcher:[\w:]+", query)) <= RECORDED
    for name, chosen in re.findall(r"\b(dispatcher_\w+)\{([^}]*)\}", query):
        labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", chosen))
        assert labels <= {*EXPORTED[name].labels, "le"}, (asker, labels)
    grouped = {label for group in re.findall(r"(?:by|on) \(([^)]*)\)", query) for label in group.split(", ")}
    known = {label for name in re.findall(r"\bdispatcher_\w+", query) for label in EXPORTED[name].labels}
    assert grouped <= known | {"le"} or "dispatcher:" in query


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_well_formed(name: str) -> None:
    """Unique ids, a unit each, nothing on top of anything else, and a datasource that can be chosen."""
    board = DASHBOARDS[name]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids)) > 0
    assert [one["name"] for one in board["templating"]["list"] if one["type"] == "datasource"] == ["datasource"]
    cells: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
        at = panel["gridPos"]
        mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not mine & cells, panel["title"]
        assert at["x"] + at["w"] <= 24
        cells |= mine


def test_the_public_comes_first() -> None:
    """The first panel of the first dashboard says how long the public has not been reached."""
    assert "dispatcher:unreached_seconds:max" in DASHBOARDS["now"]["panels"][0]["targets"][0]["expr"]


def test_every_metric_is_looked_at_by_a_rule_or_a_dashboard() -> None:
    """What nobody looks at need not be exported."""
    asked = " ".join(query for _, query in queries())
    unseen = {metric.name for metric in METRICS.values() if metric.name not in asked}
    assert unseen == set()

"""The bench measures on a real deployment and keeps its figures in one file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ops.bench import cli, gate, metrics, night, review, stale
from ops.bench.__main__ import MEASUREMENTS, chosen
from ops.bench.figures import Figure, table, write

GATE = {"gate.decide.warm", "gate.permit.warm", "gate.permit.first", "gate.permit.cold", "gate.permit.flat"}
SHAPE = {"median", "min", "max", "p95", "p99", "unit", "target", "judged_by", "samples", "met"}


def test_the_gate_is_measured_with_real_permits(tmp_path: Path) -> None:
    """Each figure of the gate comes from permits that were given, and has the shape that the file promises."""
    file = tmp_path / "bench.json"

    write(file, gate.measure(tmp_path / "gate", gate.Size(few=2, many=5, runs=3, passes=1)))

    figures = json.loads(file.read_text())
    assert figures.keys() == GATE
    assert all(figure.keys() == SHAPE and 0 < figure["min"] <= figure["max"] for figure in figures.values())


def test_no_t3_send_starts_once_the_status_is_over_sixty_seconds_old(tmp_path: Path) -> None:
    """Looked at every twenty seconds, sends start up to sixty and never after."""
    (figure,) = stale.measure(tmp_path / "stale", step_s=20.0)

    assert figure.samples == [20.0, 40.0, 60.0]


def test_a_review_is_measured_on_an_incident_of_the_size_that_was_asked_for(tmp_path: Path) -> None:
    """By a process of its own, which counts the deliveries that it read."""
    seconds, memory = review.measure(tmp_path / "review", 1_000, ("sqlite",))

    assert (seconds.name, memory.name) == ("review.sqlite.seconds", "review.sqlite.memory")
    assert 0 < seconds.samples[0] < review.TARGET_S
    assert 10 < memory.samples[0] < review.TARGET_MB


def test_the_exporter_and_tracing_are_measured(tmp_path: Path) -> None:
    """Looks and scrapes of a real exporter over so many deliveries, and attempts that have a trace."""
    figures = metrics.measure(tmp_path / "metrics", 1_000, ("sqlite",))

    names = ["metrics.sqlite.first_look", "metrics.sqlite.look", "metrics.sqlite.scrape", "metrics.tracing.attempt"]
    assert [figure.name for figure in figures] == names
    assert all(min(figure.samples) > 0 for figure in figures)


def test_the_command_line_is_measured_against_programs_that_do_less(tmp_path: Path) -> None:
    """Each program runs on a real deployment; what was promised has its target."""
    figures = {figure.name: figure for figure in cli.measure(tmp_path / "cli", rounds=1)}

    assert figures.keys() >= {"cli.pass", "cli.help", "cli.completion", "cli.names", "cli.status", "cli.status.ratio"}
    assert all(min(figure.samples) > 0 for figure in figures.values())
    assert (figures["cli.help"].target, figures["cli.status.ratio"].target) == (100.0, 1.5)


def test_a_night_is_measured_from_the_commands_that_are_typed(tmp_path: Path) -> None:
    """A release and its correction, to the first and the last account, the simulator answering after 200 ms."""
    figures = night.measure(tmp_path / "night", accounts=3, nights=1)

    assert {figure.name: figure.target for figure in figures} == night.PROMISES
    assert all(night.LATENCY_S < figure.samples[0] < night.TIMEOUT_S for figure in figures)


def test_everything_but_the_full_size_is_measured_unless_words_say_otherwise() -> None:
    """A bare ``make bench`` names nothing."""
    assert (chosen([]), chosen(["full", "gate"])) == (
        [name for name in MEASUREMENTS if name != "full"],
        ["full", "gate"],
    )


def test_a_measurement_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The message names those there are."""
    with pytest.raises(SystemExit, match="2"):
        chosen(["engines"])
    assert f"engines is none of {', '.join(MEASUREMENTS)}" in capsys.readouterr().err


def test_figures_of_other_measurements_stay_in_the_file(tmp_path: Path) -> None:
    """A second measurement adds to what the first one wrote, and replaces its own."""
    file = tmp_path / "bench.json"
    write(file, [Figure("one", "ms", [1.0], 2), Figure("two", "ms", [1.0])])

    write(file, [Figure("one", "ms", [3.0], 2)])

    figures = json.loads(file.read_text())
    assert {name: known["met"] for name, known in figures.items()} == {"one": False, "two": True}


def test_a_missed_promise_is_seen_in_the_table() -> None:
    """Whoever reads the table sees which promise was judged by what, and that it is not met."""
    line = table([Figure("slow", "ms", [1.0, 9.0], 5, "max")]).splitlines()[1]

    assert line.split()[-4:] == ["5", "ms", "max", "NO"]

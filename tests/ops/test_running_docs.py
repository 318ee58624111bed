"""What the pages about running it tell people to type can be typed, and what they name is there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from math import ceil
from pathlib import Path

import click
import pytest

from dispatcher.cli.commands import SUMMARIES
from dispatcher.cli.main import load

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "ops" / "deploy"
PAGES = ("disaster", "running", "upgrading")


def text(page: str) -> str:
    """A page."""
    return (ROOT / "docs" / f"{page}.md").read_text()


def typed(page: str) -> Iterator[str]:
    """Every command between backticks or in a block that is one of ours."""
    without_blocks = re.sub(r"```.*?```", "", text(page), flags=re.DOTALL)
    spans = re.findall(r"`([^`]+)`", without_blocks)
    lines = [line for block in re.findall(r"```(.*?)```", text(page), re.DOTALL) for line in block.splitlines()]
    for found in (*spans, *lines):
        words = " ".join(found.split())
        if words.startswith("dispatcher "):
            yield words


COMMANDS = sorted({command for page in PAGES for command in typed(page)})


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_can_be_typed(command: str) -> None:
    """Its verb is there, with these options and so many words after it."""
    words = shlex.split(command)[1:]
    assert words[0] in SUMMARIES, command
    found = load(words.pop(0))
    if isinstance(found, click.Group):
        found = found.commands[words.pop(0)]
    context = click.Context(found, info_name=command)
    options, given, _ = found.make_parser(context).parse_args(words)
    assert given == []
    for parameter in found.params:
        if isinstance(parameter, click.Argument) and parameter.required:
            assert options.get(parameter.name or ""), f"{parameter.name} is missing"


def test_there_are_many() -> None:
    """A night's worth of them: the page is found, and read as it is written."""
    assert len(list(typed("disaster"))) > 35


def test_every_file_that_running_names_is_there() -> None:
    """Under ops/deploy, by the name that people type."""
    named = set(
        re.findall(
            r"`((?:[a-z]+/)?[A-Za-z@.-]+(?:\.yaml|\.conf|\.sql|\.acl|\.sysusers|\.tmpfiles|file))`", text("running")
        )
    )
    there = {path.name for path in DEPLOY.rglob("*") if path.is_file()}
    assert {Path(name).name for name in named} - there - {"deployment.toml"} == set()
    assert len(named) > 15


@pytest.mark.parametrize("page", PAGES)
def test_every_unit_that_is_named_is_there(page: str) -> None:
    """As a unit, or as an instance of a template."""
    units = {path.name for path in (DEPLOY / "systemd").iterdir()}
    for named in re.findall(r"\bdispatcher-[a-z-]+(?:@[a-z]+)?(?:\.timer|\.service)?(?=[` ])", text(page)):
        name, _, kind = named.partition(".")
        name = re.sub(r"@.*", "@", name)
        of_kubernetes = name.removesuffix("@") in {"dispatcher-relay", "dispatcher-tiktok"}
        claims = name in {"dispatcher-checkpoints", "dispatcher-media", "dispatcher-backups"}
        assert f"{name}.{kind or 'service'}" in units or of_kubernetes or claims, named


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    """To a file that is there, and to a heading of it."""
    for target in re.findall(r"\]\(([^)#]*)(?:#[^)]*)?\)", text(page)):
        assert not target or (ROOT / "docs" / target).exists(), target


def figure(name: str) -> float:
    """What the last bench measured, by the generated page."""
    found = re.search(rf"^\| `{re.escape(name)}` \| ([\d.]+)", text("figures"), re.MULTILINE)
    assert found, name
    return float(found[1])


def test_the_capacity_guide_follows_from_what_was_measured() -> None:
    """Its rate per process is within a third of the last bench, and every row is the arithmetic that it says."""
    guide = text("sizing").partition("## How many processes")[2]
    (per_process,) = (int(found) for found in re.findall(r"\*\*(\d+) a second\*\* and process", guide))
    assert abs(figure("recipients.postgresql.rate") / 2 / per_process - 1) < 1 / 3
    rows = re.findall(r"^\| ([\d,]+) \| (\d+) min \| ([\d,]+) \| (\d+) \| (\d+) \| ([\d.]+) GB", guide, re.MULTILINE)
    assert len(rows) >= 6
    for row in rows:
        deliveries, minutes, rate, least, with_reserve = (int(value.replace(",", "")) for value in row[:5])
        assert rate == ceil(deliveries / (minutes * 60)), row
        assert (least, with_reserve) == (ceil(rate / per_process), ceil(1.5 * rate / per_process)), row
        assert float(row[5]) == pytest.approx(deliveries * 1.3e-6, abs=0.06), row

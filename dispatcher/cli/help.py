"""How help is laid out: examples first, and the commands by who types them (reference: ux 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import click

from dispatcher.cli.examples import examples

NIGHT = """Emergency public messaging: nothing leaves without the right signatures, nothing is lost, nothing doubled.

\b
The night, each command by the person whose act it is:
  dispatcher incident declare severe_weather "Storm tonight" --mode exercise
  dispatcher message draft INCIDENT --text en-GB=storm.txt --valid-until +6h
  dispatcher clearance submit MESSAGE
  dispatcher clearance approve PLAN
  dispatcher release PLAN

\b
Each says what is missing, who can give it, and what to type next. At any time:
  dispatcher status         where we are, what is next, who is awaited
  dispatcher halt           stop sending, at once
  dispatcher correct PLAN   put right what was sent

\b
A first exercise begins with:
  dispatcher init deployment --kind test --name example-city
  dispatcher up --mode exercise

Names of things may be shortened to any beginning that fits only one; commands may not."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Everyone": ("status", "overview", "watch", "halt", "whoami", "night"),
    "Officers": ("incident", "message", "release", "correct", "withdraw", "all-clear", "exercise", "cap"),
    "Approvers": ("clearance", "evidence", "gate", "spend", "resume"),
    "Operations": (
        *("init", "migrate", "up", "worker", "doctor", "account", "area", "recipients", "device", "channel"),
        *("delivery", "handoff", "task", "console", "log", "backup", "restore", "recover"),
    ),
    "Reviewers": ("review", "report", "ledger"),
    "Policy owners": ("roster", "policy"),
}
"""The commands by who types them most; one that is in no group stands under :data:`OTHERS`."""

OTHERS = "The program itself"
AT_MOST = 3
"""So many examples for a noun; each of its commands has its own."""


def grouped(names: Iterable[str]) -> dict[str, list[str]]:
    """The names by group, in the order of the groups; what there is not is left out, as is a group without any."""
    there = list(names)
    known = {name for group in GROUPS.values() for name in group}
    found = {title: [name for name in group if name in there] for title, group in GROUPS.items()}
    found[OTHERS] = [name for name in there if name not in known]
    return {title: group for title, group in found.items() if group}


def write_table(formatter: click.HelpFormatter, summaries: Mapping[str, str]) -> None:
    """The top-level table of commands, in groups under one width, without importing a command."""
    wide = max(map(len, summaries))
    for title, names in grouped(summaries).items():
        with formatter.section(title):
            formatter.write_dl([(name.ljust(wide), summaries[name]) for name in names])


def write_command(formatter: click.HelpFormatter, path: str, docstring: str) -> str:
    """A command's examples; gives what is left of its docstring without them."""
    lines = examples(path, docstring)
    _write(formatter, lines)
    kept = [line for line in docstring.splitlines() if line.strip() not in lines]
    paragraphs = "\n".join(kept).split("\n\n")
    return "\n\n".join(one for one in paragraphs if one.strip() not in ("\b", ""))


def write_noun(formatter: click.HelpFormatter, noun: str, commands: Mapping[str, click.Command]) -> None:
    """The examples of a noun's first commands."""
    found = [line for name, one in commands.items() for line in examples(f"{noun} {name}", one.help or "")[:1]]
    _write(formatter, found[:AT_MOST])


def _write(formatter: click.HelpFormatter, lines: list[str]) -> None:
    if lines:
        formatter.write_paragraph()
        formatter.write("".join(f"    {line}\n" for line in lines))

"""The table of kinds in docs/ledger.md is what the code writes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
KIND = re.compile(r"[a-z_]+\.[a-z_]+")
MOVED = ("incident", "plan", "clearance", "spend")
"""What ``records.moved`` moves."""


def written() -> set[str]:
    """The kinds of all entries that any module records."""
    files = [path for folder in ("dispatcher", "workers") for path in (ROOT / folder).rglob("*.py")]
    found = {kind for path in files for kind in kinds_in(ast.parse(path.read_text()))}
    return (found - {"WHAT.moved"}) | {f"{what}.moved" for what in MOVED if "WHAT.moved" in found}


def kinds_in(module: ast.Module) -> Iterator[str]:
    """Those of one module; where a call names its kind by a variable, every constant of the module that is one."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "record":
            match node.args[0]:
                case ast.Constant(value=str(kind)):
                    yield kind
                case ast.JoinedStr(values=values):
                    yield "".join(part_of(value) for value in values)
                case ast.Name(id="kind"):
                    constants = (n.value for n in ast.walk(module) if isinstance(n, ast.Constant))
                    yield from (c for c in constants if isinstance(c, str) and KIND.fullmatch(c))


def part_of(value: ast.expr) -> str:
    """A part of a formatted kind; what varies as the last word of its name, in capitals."""
    if isinstance(value, ast.Constant):
        return str(value.value)
    assert isinstance(value, ast.FormattedValue)
    return ast.unparse(value.value).rpartition(".")[2].upper()


def documented() -> list[str]:
    """The first column of the table."""
    return re.findall(r"^\| `([A-Za-z_.]+)` \|", (ROOT / "docs" / "ledger.md").read_text(), re.MULTILINE)


def test_every_kind_that_is_written_is_explained_once() -> None:
    """And none is explained that nobody writes."""
    assert sorted(documented()) == sorted(written())

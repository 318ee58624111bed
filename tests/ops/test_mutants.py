"""What a mutation may be, and what is left alone."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from ops.mutants.__main__ import REASONS
from ops.mutants.operators import Mutant, mutants_of

ROOT = Path(__file__).parents[2]


def mutants(folder: Path, text: str) -> list[Mutant]:
    """Every mutant of a file with this text."""
    file = folder / "tried.py"
    file.write_text(text)
    return list(mutants_of(file))


@pytest.mark.parametrize(
    ("text", "mutations"),
    [
        ("a < b", ["a < b  ->  a <= b", "a < b  ->  a >= b"]),
        ("a and b", ["a and b  ->  a or b", "a and b  ->  b", "a and b  ->  a"]),
        ("if a: b", ["if a:  ->  if True:", "if a:  ->  if False:"]),
        ("a(b)", ["a(b)  ->  pass"]),
        ("raise a from b", ["raise a from b  ->  pass"]),
        ("a = not b", ["not b  ->  b"]),
        ("a = b if c else d", ["b if c else d  ->  b if True else d", "b if c else d  ->  b if False else d"]),
        ("a = {b for b in c if d if e}", ["for b if d if e  ->  for b if e", "for b if d if e  ->  for b if d"]),
        ("a = 3", ["3  ->  4", "3  ->  2"]),
        ("a = 'word'", ["'word'  ->  'wordz'"]),
        ("a += b", ["a += b  ->  a -= b"]),
        ("match a:\n case b.c: d\n case _: e", ["case b.c:  ->  case _:", "case _:  ->  "]),
    ],
)
def test_a_place_is_changed_in_every_way_there_is(tmp_path: Path, text: str, mutations: list[str]) -> None:
    """Each kind of expression and statement has its own changes."""
    assert [mutant.mutation for mutant in mutants(tmp_path, text)] == mutations


@pytest.mark.parametrize(
    "text",
    [
        '"""Says 3 things."""',
        'a = "more than one word"',
        'a = f"{3 + b}"',
        'log.info("event", count=3)',
        'self._log.info("event")',
        'structlog.get_logger("name")',
        '__all__ = ["name"]',
        "a: Literal[3]",
        "@a(frozen=True)\nclass B: c",
    ],
)
def test_wording_annotations_and_decorators_are_left_alone(tmp_path: Path, text: str) -> None:
    """No test need know how something is said."""
    assert mutants(tmp_path, text) == []


def test_a_mutant_is_the_module_with_one_change(tmp_path: Path) -> None:
    """Applied, a mutant is a module that runs and differs in its place."""
    changed, _ = mutants(tmp_path, "a = 3\nb = a")
    found: dict[str, object] = {}
    exec(compile(changed.applied(), changed.file, "exec"), found)
    assert found["b"] == 4


def test_a_mutant_knows_its_function_and_the_lines_that_lead_to_it(tmp_path: Path) -> None:
    """A method's default is run on import, its body when it is called."""
    default, body = mutants(tmp_path, "class A:\n  def b(self, c=True):\n    return (c and\n      ~c)")[:2]
    assert (default.function, body.function, body.lines) == ("", "A.b", range(3, 5))


def test_every_reason_says_why() -> None:
    """A survivor that is accepted names a file that is there, and why."""
    survivors = tomllib.loads(REASONS.read_text())["survivor"]
    assert [one for one in survivors if not (one["reason"].strip() and (ROOT / one["file"]).is_file())] == []

"""What a mutation may be: every way in which one place of a syntax tree is changed."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
UNTOUCHED = {"annotation", "returns", "decorator_list", "cause"}
LOGS = {"log", "_log"}
SHOWN, AROUND = 60, 30


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: ``node`` takes the place ``field``[``index``] of ``parent``.

    ``function`` is its qualified name, empty outside of functions; ``lines`` lead to the changed place.
    """

    file: str
    function: str
    lines: range
    mutation: str
    tree: ast.Module
    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST

    def applied(self) -> ast.Module:
        """The module with the change made; the tree itself is changed."""
        if self.index is None:
            setattr(self.parent, self.field, self.node)
        else:
            getattr(self.parent, self.field)[self.index] = self.node
        return ast.fix_missing_locations(self.tree)


def mutants_of(file: Path) -> Iterator[Mutant]:
    """Every mutant of a file, in the order of the text."""
    tree = ast.parse(file.read_text())
    yield from _within(tree, str(file), tree, "", False, 1)


def _within(
    node: ast.AST, file: str, tree: ast.Module, scope: str, in_function: bool, start: int
) -> Iterator[Mutant]:
    for field, value in ast.iter_fields(node):
        inner, inside = _scope(node, field, scope, in_function)
        for index, child in enumerate(value if isinstance(value, list) else [value]):
            if field in UNTOUCHED or not isinstance(child, ast.AST) or _is_wording(child):
                continue
            first = child.lineno if isinstance(child, ast.stmt) else start
            for changed in _changes(child):
                lines = range(first, getattr(child, "end_lineno", first) + 1)
                function = inner if inside else ""
                where = index if isinstance(value, list) else None
                yield Mutant(file, function, lines, _sentence(child, changed), tree, node, field, where, changed)
            yield from _within(child, file, tree, inner, inside, first)


def _scope(node: ast.AST, field: str, scope: str, in_function: bool) -> tuple[str, bool]:
    """The qualified name that applies to a field of ``node``, and whether it runs only when a function is called."""
    if field != "body" or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return scope, in_function
    name = f"{scope}.{node.name}" if scope else node.name
    return (name, in_function) if isinstance(node, ast.ClassDef) else (f"{name}", True)


def _is_wording(node: ast.AST) -> bool:
    match node:
        case ast.JoinedStr() | ast.Expr(ast.Constant()) | ast.Import() | ast.ImportFrom():
            return True
        case ast.Constant(str(text)):
            return " " in text
        case ast.Call(ast.Attribute(ast.Name(name) | ast.Attribute(_, name), attribute)):
            return name in LOGS or attribute == "get_logger"
        case ast.Call(ast.Name("TypeVar")) | ast.Assign([ast.Name("__all__")]):
            return True
    return False


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.stmt():
            yield from _statement(node)
        case ast.expr():
            yield from _expression(node)
        case ast.comprehension(ifs=conditions):
            yield from (_with(node, ifs=rest) for rest in _without_one(conditions))


def _expression(node: ast.expr) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(_, operators):
            for index, operator in enumerate(operators):
                for other in COMPARISONS[type(operator)]:
                    yield _with(node, ops=[*operators[:index], other(), *operators[index + 1 :]])
        case ast.BoolOp(operator, values):
            yield _with(node, op=ast.Or() if isinstance(operator, ast.And) else ast.And())
            yield from (_with(node, values=rest) if rest[1:] else rest[0] for rest in _without_one(values))
        case ast.BinOp(_, operator, _) if type(operator) in ARITHMETIC:
            yield _with(node, op=ARITHMETIC[type(operator)]())
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.IfExp():
            yield from (_with(node, test=_constant(node, value)) for value in (True, False))
        case ast.Name(name) if name in NAMES:
            yield _with(node, id=NAMES[name])
        case ast.Constant(value):
            yield from (_constant(node, other) for other in _other_values(value))


def _statement(node: ast.stmt) -> Iterator[ast.AST]:
    match node:
        case ast.If() | ast.While():
            forced = (True, False) if isinstance(node, ast.If) else (False,)
            yield from (_with(node, test=_constant(node.test, value)) for value in forced)
        case ast.Return(value) if value is not None and not isinstance(value, ast.Constant):
            yield _with(node, value=_constant(value, None))
        case ast.Match(_, cases) if len(cases) > 1:
            yield from (_with(node, cases=rest) for rest in _without_one(cases))
        case ast.AugAssign(_, operator, _) if type(operator) in ARITHMETIC:
            yield _with(node, op=ARITHMETIC[type(operator)]())
        case (
            ast.Expr(ast.Call() | ast.Await())
            | ast.Raise()
            | ast.Continue()
            | ast.Break()
            | ast.Delete()
            | ast.Assign([ast.Attribute() | ast.Subscript(), *_])
        ) if not _is_wording(getattr(node, "value", node)):
            yield ast.copy_location(ast.Pass(), node)


def _other_values(value: object) -> tuple[object, ...]:
    match value:
        case bool():
            return (not value,)
        case 0:
            return (1,)
        case int():
            return (value + 1, value - 1)
        case float():
            return (value + 1,)
        case str():
            return (value + "z",)
        case bytes():
            return (value + b"z",)
    return ()


def _without_one(many: Sequence[T]) -> Iterator[list[T]]:
    return ([*many[:index], *many[index + 1 :]] for index in range(len(many)))


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _constant(node: ast.AST, value: object) -> ast.AST:
    return ast.copy_location(ast.Constant(value), node)  # type: ignore[arg-type]  # any literal


def _sentence(old: ast.AST, new: ast.AST) -> str:
    """The change in one line: the first lines that differ, and of long ones what surrounds the difference."""
    before, after = _text(old), _text(new)
    was, now = next([a.strip(), b.strip()] for a, b in zip_longest(before, after, fillvalue="") if a != b)
    if len(was) > SHOWN:
        start = max(_shared(was, now) - AROUND, 0)
        end = max(_shared(was[:start:-1], now[:start:-1]) - AROUND, 0)
        was, now = (f"{'…' * bool(start)}{line[start : len(line) - end]}{'…' * bool(end)}" for line in (was, now))
    return f"{was}  ->  {now}"


def _shared(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _text(node: ast.AST) -> list[str]:
    if isinstance(node, ast.comprehension):
        return [" ".join(["for", ast.unparse(node.target), *(f"if {ast.unparse(test)}" for test in node.ifs)])]
    return ast.unparse(node).splitlines()

"""The JSON that commands print is described, all of it, and the description holds."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from dispatcher.cli.schema import SCHEMAS, known
from ops.schemas import seen, widened
from tests.cli import documents, recorded
from tests.cli.conftest import Office

CLI = SCHEMAS.parent
SHOWN = {"show", "read_out", "document", "show_channels"}


def named(path: Path) -> set[str]:
    """The documents that a module of commands names where it prints them."""
    found = set()
    for call in ast.walk(ast.parse(path.read_text())):
        if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in SHOWN:
            words = [word.value for word in call.args[:2] if isinstance(word, ast.Constant)]
            found |= {word for word in words if isinstance(word, str)}
    return found


def test_every_document_that_is_printed_has_a_schema() -> None:
    """Whichever command names it."""
    printed = set().union(*map(named, CLI.glob("*.py")))
    assert len(printed) > 60
    assert printed - set(known()) == set()


@pytest.mark.parametrize("name", sorted(known()))
def test_a_schema_is_one(name: str) -> None:
    """Of the draft it says, about the document it is named after, printed by commands that there are."""
    schema = known()[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["properties"]["schema"] == {"const": f"dispatcher/{name}/v1"}
    assert set(schema["commands"]) <= {verb for verb, _ in recorded.verbs()}
    assert schema["commands"] or name == "error"


def test_a_schema_is_printed_by_name_and_the_list_says_who_prints_what(office: Office) -> None:
    """By the name alone, or as a document says it."""
    listed = {one["name"]: one["commands"] for one in office.run("schema").json["schemas"]}
    assert "status" in listed["status"]
    assert office.run("schema", "status").out == (SCHEMAS / "status.json").read_text()
    assert office.run("schema", "dispatcher/status/v1").json["title"] == "dispatcher/status/v1"
    assert "dispatcher schema" in office.run("schema", "nothing", code=2).err


@pytest.mark.parametrize("words", [("relaese",), ("status", "--nothing"), ("incident", "show", "inc-0")])
def test_an_error_is_a_document_where_json_is_asked_for(office: Office, words: tuple[str, ...]) -> None:
    """On stderr, with its exit code, whatever was wrong."""
    said = office.run("--json", *words, code=2)
    (document,) = documents.printed(said.err)
    assert (document["schema"], document["exit_code"]) == ("dispatcher/error/v1", 2)
    assert documents.faults(document) == []


def test_a_name_that_the_schema_does_not_know_is_found() -> None:
    """And so is a type, a name that lacks, and a document without a schema."""
    good = {"schema": "dispatcher/migration/v1", "before": None, "now": "0001"}
    assert documents.faults(good) == []
    assert documents.faults(good | {"later": 1})
    assert documents.faults(good | {"now": 1})
    assert documents.faults({"schema": "dispatcher/migration/v1", "now": "0001"})
    assert documents.faults({"schema": "dispatcher/unheard/v1"})


def test_gate_explain_is_described(office: Office) -> None:
    """With what fails, for a plan."""
    plan = office.plan()
    assert office.run("gate", "explain", plan).json["failing"] > 0
    assert office.run("gate", "explain", plan, "--all").json["clauses"]


def test_what_was_seen_is_allowed_afterwards_and_nothing_else() -> None:
    """Types join, a name that lacked once is no longer required, null says nothing of the type."""
    first, second = {"a": 1, "b": None, "c": []}, {"a": "x", "b": "y", "c": [{"d": True}]}
    schema = widened(seen(first), seen(second))
    check = Draft202012Validator(schema)
    assert all(check.is_valid(value) for value in (first, second, {"a": 2, "b": "z", "c": []}))
    assert not check.is_valid({"a": 1.5, "b": None, "c": []})
    assert not check.is_valid({"a": 1, "b": None, "c": [{"d": "no"}]})
    assert not check.is_valid({"a": 1, "b": None})
    assert Draft202012Validator(widened(schema, seen({"a": 1}))).is_valid({"a": 1})


def test_every_schema_can_be_read_by_a_program_that_knows_no_more() -> None:
    """Names that are added later do not break who reads them."""
    assert not any('"additionalProperties": false' in path.read_text() for path in SCHEMAS.glob("*.json"))
    assert json.loads((SCHEMAS / "error.json").read_text())["properties"]["exit_code"]["type"] == "integer"

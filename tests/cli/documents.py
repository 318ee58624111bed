"""Every JSON document that a command prints in a test fits its schema, and no name of it is unknown there.

With ``SCHEMA_DOCUMENTS`` set to a folder, what is printed is kept there instead, for ``python -m ops.schemas``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from dispatcher.cli.schema import SCHEMAS
from tests.cli.recorded import verb_of

MEND = "SCHEMA_DOCUMENTS=build/documents make test TESTS=tests/cli; python -m ops.schemas build/documents/*.jsonl"


def check(typed: Sequence[str], text: str) -> None:
    """Hold every document in what a command printed to its schema."""
    for document in printed(text):
        if folder := os.environ.get("SCHEMA_DOCUMENTS"):
            _keep(Path(folder), typed, document)
        else:
            assert faults(document) == [], f"mend the command, or widen its schema: {MEND}"


def printed(text: str) -> Iterator[dict[str, Any]]:
    """The documents in what was printed, one a line."""
    for line in text.splitlines():
        if line.startswith('{"schema": "dispatcher/'):
            yield json.loads(line)


def faults(document: dict[str, Any]) -> list[str]:
    """What a document has that its schema does not allow, or does not know."""
    name = document["schema"].split("/")[1]
    if not (SCHEMAS / f"{name}.json").is_file():
        return [f"{document['schema']} has no schema"]
    return [f"{name}: {'/'.join(map(str, one.path))}: {one.message}" for one in _strict(name).iter_errors(document)]


@cache
def _strict(name: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(_closed(schema))


def _closed(schema: Any) -> Any:
    """The same schema, with no names but those it has: readers must bear new ones, we have to know of them."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    return {"additionalProperties": False, **closed} if isinstance(closed.get("properties"), dict) else closed


def _keep(folder: Path, typed: Sequence[str], document: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    command = "" if document["schema"] == "dispatcher/error/v1" else verb_of(typed)
    with (folder / f"{os.getpid()}.jsonl").open("a") as file:
        file.write(json.dumps({"command": command, "document": document}, ensure_ascii=False) + "\n")

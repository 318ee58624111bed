"""The JSON Schemas of what commands print, kept true to it: ``python -m ops.schemas FILE …`` widens them.

Each FILE holds a line per document, ``{"command": …, "document": …}``, as the tests of the command line write them::

    SCHEMA_DOCUMENTS=build/documents make test TESTS=tests/cli
    python -m ops.schemas build/documents/*.jsonl

Rules
  1. A schema says what was ever printed: types, and the names that were always there. It is only ever widened here;
     what is to be narrower is written by hand, and what no longer is printed is taken out by hand.
  2. A name that was null each time, or a list that was empty, says nothing of what else it may be.
  3. What one dataclass is shown as is taken from its annotations, so that what was never seen is in it as well.
  4. Objects that map names to values are known by their own names, :data:`MAPS` and :data:`OPEN`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum, IntEnum
from functools import reduce
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from channels.contract import Secret
from dispatcher.domain.statement import Mode

SCHEMAS = Path(__file__).parents[1] / "dispatcher" / "cli" / "schemas"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
OPEN = {"facts", "source", "body", "given", "item", "text", "media", "policy", "value", "before", "after"}
"""Objects in which anything may stand: what people and alerts say of an incident, entries of the ledger."""
MAPS = {
    *("settings", "by", "contributors", "texts", "reasons", "unsettled", "clearances", "deliveries", "by_state"),
    *("states", "kinds", "clauses", "counts", "renderings", "standing", "attestation_max_age_hours", "flags"),
    *("stands", "expires", "fingerprints"),
}
"""Objects whose names are data: languages, channels, states. Their values are all alike."""
PATTERNS = {
    "time": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
    "digest": r"^[0-9a-f]{64}$",
}
WORDS = {"mode": [str(mode) for mode in Mode]}
"""What can only be one of these words, whichever was seen."""
KINDS: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", type(None): "null"}

Schema = dict[str, Any]


def seen(value: Any, name: str = "") -> Schema:
    """The schema of one value, which stands under ``name``."""
    if isinstance(value, list):
        return {"type": ["array"], "items": _alike(value, name if name in OPEN else "")}
    if not isinstance(value, dict):
        if name in WORDS and value in WORDS[name]:
            return {"type": ["string"], "enum": WORDS[name]}
        known = {"type": [KINDS[type(value)]]}
        pattern = next((one for one in PATTERNS.values() if isinstance(value, str) and re.search(one, value)), None)
        return known | ({"pattern": pattern} if pattern else {})
    if name in OPEN:
        return {"type": ["object"]}
    if name in MAPS:
        return {"type": ["object"], "additionalProperties": _alike(list(value.values()), "")}
    inner = {key: seen(item, key) for key, item in value.items()}
    return {"type": ["object"], "properties": inner, "required": sorted(value)}


def _alike(values: list[Any], name: str) -> Schema:
    found: Schema = {}
    for value in values:
        found = widened(found, seen(value, name))
    return found


def widened(known: Schema, more: Schema) -> Schema:
    """What both allow. An empty schema is one of which nothing was seen yet."""
    if not known or not more:
        return known or more
    types = sorted({*known.get("type", ()), *more.get("type", ())})
    made: Schema = {"type": types}
    both = [one for one in (known, more) if one.get("type") != ["null"]]
    if both and len({one.get("pattern") for one in both}) == 1 and "pattern" in both[0]:
        made["pattern"] = both[0]["pattern"]
    if both and all("enum" in one for one in both):
        made["enum"] = [*both[0]["enum"], *([None] if "null" in types else [])]
    for key in ("items", "additionalProperties"):
        if key in known or key in more:
            made[key] = widened(known.get(key, {}), more.get(key, {}))
    objects = [one for one in (known, more) if "properties" in one]
    if objects:
        first, last = objects[0]["properties"], objects[-1]["properties"]
        names = [*first, *(name for name in last if name not in first)]
        made["properties"] = {name: widened(first.get(name, {}), last.get(name, {})) for name in names}
        made["required"] = sorted(set(objects[0]["required"]) & set(objects[-1]["required"]))
    return made


def of_type(kind: Any) -> Schema:
    """The schema of what :func:`dispatcher.cli.output.facts` makes of a value of this type."""
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return reduce(widened, map(of_type, inside))
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        names = [field.name for field in fields(kind)]
        inner = {
            name: {"type": ["object"]} if name in OPEN and _maps(hints[name]) else of_type(hints[name])
            for name in names
        }
        return {"type": ["object"], "properties": inner, "required": sorted(names)}
    if _maps(kind):
        return {"type": ["object"], "additionalProperties": of_type(inside[1]) if inside else {}}
    if isinstance(origin, type) and issubclass(origin, Collection):
        return {"type": ["array"], "items": of_type(inside[0]) if inside else {}}
    if kind is datetime:
        return {"type": ["string"], "pattern": PATTERNS["time"]}
    if isinstance(kind, type) and issubclass(kind, Enum):
        words = [one.name if issubclass(kind, IntEnum) else str(one.value) for one in kind]
        return {"type": ["string"], "enum": words}
    if kind in KINDS:
        return {"type": [KINDS[kind]]}
    return {"type": ["string"]} if isinstance(kind, type) and issubclass(kind, (Path, Secret)) else {}


def _maps(kind: Any) -> bool:
    origin = get_origin(kind) or kind
    return isinstance(origin, type) and issubclass(origin, Mapping)


def shown_whole() -> dict[str, type]:
    """The documents that are one dataclass, shown as it is or with a name or two added."""
    from dispatcher.domain.incident import Incident
    from dispatcher.service import (
        backing_up,
        deploying,
        evidence,
        handing_off,
        ledger,
        many,
        packing,
        policies,
        proving,
        recipients,
        recovering,
        redacting,
        releasing,
        resolving,
        restoring,
        retaining,
        trusting,
    )

    return {
        "act": many.Acted,
        "backup": backing_up.Backup,
        "choice": many.Chosen,
        "deployment": deploying.Made,
        "dispatch": releasing.Dispatch,
        "entries": ledger.Found,
        "entry": ledger.LedgerLine,
        "evidence": evidence.Recorded,
        "evidence-pack": packing.Exported,
        "hand_off": handing_off.Shown,
        "incident": Incident,
        "packet": handing_off.Opened,
        "policy-replay": policies.Replayed,
        "receipt": handing_off.Receipt,
        "recipient-list": recipients.Imported,
        "recovery": recovering.Recovery,
        "redacted-pack": redacting.Redacted,
        "rehearsal": restoring.Rehearsal,
        "resolution": resolving.Resolved,
        "restored": restoring.Restored,
        "retained": retaining.Retained,
        "roster": trusting.Checked,
        "trust-change": trusting.Change,
        "verification": proving.Proof,
        "witnessed": proving.Witnessed,
    }


def take(documents: list[tuple[str, dict[str, Any]]]) -> dict[str, Schema]:
    """The schemas there are, by name, widened by documents and the commands that printed them."""
    found = {path.stem: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}
    for name, kind in shown_whole().items():
        known = found.get(name, {"commands": []})
        found[name] = known | widened(of_type(kind), _plain(known))
    for command, document in documents:
        name = document["schema"].split("/")[1]
        known = found.get(name, {"commands": []})
        inner = widened(_plain(known), seen(document))
        found[name] = {"commands": sorted({*known["commands"], *([command] if command else [])}), **inner}
    return {name: _whole(name, known) for name, known in found.items()}


def _whole(name: str, known: Schema) -> Schema:
    inner, title = _plain(known), f"dispatcher/{name}/v1"
    others = {key: value for key, value in inner["properties"].items() if key != "schema"}
    inner["properties"] = {"schema": {"const": title}, **others}
    inner["required"] = sorted({*inner["required"], "schema"})
    return {"$schema": DRAFT, "title": title, "commands": known["commands"], **inner}


def _plain(known: Schema) -> Schema:
    return _lists({key: value for key, value in known.items() if key not in ("$schema", "title", "commands")})


def _lists(schema: Schema) -> Schema:
    """A schema whose types are lists throughout, as they are joined here."""
    found: Schema = {}
    for key, value in schema.items():
        if key == "type":
            found[key] = value if isinstance(value, list) else [value]
        elif key == "properties":
            found[key] = {name: _lists(one) for name, one in value.items()}
        else:
            found[key] = _lists(value) if isinstance(value, dict) else value
    return found


def _written(schema: Any) -> Any:
    """The same as people write it: one type is no list."""
    if not isinstance(schema, dict):
        return schema
    single = isinstance(schema.get("type"), list) and len(schema["type"]) == 1
    return {
        key: value[0] if key == "type" and single else _written(value) if key != "required" else value
        for key, value in schema.items()
    }


def main() -> None:
    """Widen the schemas by what the files hold."""
    documents = []
    for file in sys.argv[1:]:
        for line in Path(file).read_text().splitlines():
            told = json.loads(line)
            documents.append((told["command"], told["document"]))
    SCHEMAS.mkdir(exist_ok=True)
    for name, schema in take(documents).items():
        (SCHEMAS / f"{name}.json").write_text(json.dumps(_written(schema), indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

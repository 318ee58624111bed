"""The table of looks: how a post of each channel is laid out, read from ``looks.toml``."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from channels.contract import Json

FILE = Path(__file__).with_name("looks.toml")


@dataclass(frozen=True, slots=True)
class Look:
    """One channel's arrangement; the fields are those of ``looks.toml``."""

    shape: str = "plain"
    calls: str = "text"
    media_first: bool = False
    title: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    def told(self, options: Mapping[str, Json]) -> Iterator[tuple[str, str, bool]]:
        """Label and value of each fact that a rendering has, and whether the value is data rather than words."""
        for label, option in self.facts.items():
            value = options.get(option)
            if value not in (None, "", [], {}):
                yield (label, *_written(value))


def look_of(channel: str) -> Look:
    """The look of a channel; a plain one for who has no row."""
    return _table().get(channel, Look())


@cache
def _table() -> dict[str, Look]:
    return {name: Look(**row) for name, row in tomllib.loads(FILE.read_text("utf-8")).items()}


def _written(value: Json) -> tuple[str, bool]:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(map(str, value)), False
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, indent=2), True
    return str(value), False

"""``dispatcher schema``: the JSON Schema (2020-12) of every document that a command prints.

The schemas are files beside this module. A reader must bear names that it does not know: they may grow in number,
while what is there stays what it is as long as the document's version does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from dispatcher.cli.commands import Text, Verb
from dispatcher.cli.session import Session
from dispatcher.domain.errors import NotFound

SCHEMAS = Path(__file__).with_name("schemas")


def known() -> dict[str, dict[str, Any]]:
    """Every schema by the name of its document."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(SCHEMAS.glob("*.json"))}


@click.command(cls=Verb)
@click.argument("name", required=False)
def schema(session: Session, name: Text) -> None:
    """List the JSON documents that commands print; with NAME, print the JSON Schema of one.

    A document says which it is: dispatcher/NAME/v1. Names may be added to it; what is there stays until v2.
    """
    if name is None:
        listed = [{"name": one, "commands": found["commands"]} for one, found in known().items()]
        session.show("schemas", {"schemas": listed}, schemas="name commands")
        return
    wanted = name.removeprefix("dispatcher/").removesuffix("/v1")
    if wanted not in {path.stem for path in SCHEMAS.glob("*.json")}:
        raise NotFound(f"there is no document {name}", "dispatcher schema")
    click.echo((SCHEMAS / f"{wanted}.json").read_text(), nl=False)

"""One command's session: which deployment, who is at the keyboard, and in what form it answers."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dispatcher.cli import output
from dispatcher.domain.errors import DispatcherError

if TYPE_CHECKING:
    from dispatcher.service.desk import Desk, Pen

NONCE_BYTES = 16
IDS = {"clearance": ("plan",), "dispatch": ("plan",), "way_back": ("plan",), "message": ("message",)}
"""What ``--quiet`` prints of a document that has no ``id``, or whose next command wants another."""
LISTS = {
    "incidents": ("incidents", "id"),
    "accounts": ("accounts", "id"),
    "deliveries": ("deliveries", "id"),
    "lists": ("lists", "name"),
    "areas": ("areas", "name"),
    "templates": ("templates", "name"),
    "cap-alerts": ("alerts", "alert"),
    "cap-feeds": ("feeds", "feed"),
    "tasks": ("tasks", "id"),
    "exercises": ("runs", "run"),
    "channels": ("channels", "name"),
    "schemas": ("schemas", "name"),
    "spends": ("spends", "plan"),
}
"""Of a document that lists: the list whose names ``--quiet`` prints, one a line, and what each is named by."""


@dataclass
class Session:
    """The options that mean the same everywhere, as given; ``words`` are all the words typed."""

    deployment: str | None = None
    json: bool = False
    quiet: bool = False
    key: str | None = None
    no_color: bool = False
    to_sign: str | None = None
    payload: str | None = None
    signature: str | None = None
    words: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The deployment's folder. Raises NotFound."""
        from dispatcher.settings import find_deployment

        return find_deployment(self.deployment)

    @cached_property
    def desk(self) -> Desk:
        """The desk; for a signature made elsewhere, at the moment and with the nonce of what was signed."""
        from dispatcher.bootstrap import open_desk

        desk = open_desk(self.folder)
        click.get_current_context().call_on_close(desk.store.close)
        if self.payload:
            from dispatcher.cli.pens import read_payload

            statement = read_payload(Path(self.payload), desk.now())
            moment, nonce = statement.not_before, bytes.fromhex(statement.nonce)
        elif self.to_sign:
            moment, nonce = desk.now(), secrets.token_bytes(NONCE_BYTES)
        else:
            return desk
        draw = desk.random_bytes
        return replace(desk, clock=lambda: moment, random_bytes=lambda n: nonce if n == NONCE_BYTES else draw(n))

    @cached_property
    def pen(self) -> Pen:
        """Whoever signs at this keyboard. Raises SignatureNeeded, Invalid, NeedsTerminal."""
        from dispatcher.cli.pens import take

        return take(self, self.desk.trust.roster)

    @property
    def person(self) -> str:
        """Who is at the keyboard. Raises SignatureNeeded."""
        return self.desk.person(self.pen).id

    def note_reading(self, command: str, given: Mapping[str, Any]) -> None:
        """Have it on record where a reviewer reads. Of anybody else nothing is recorded, nor without a key.

        Nobody is asked for a passphrase in order to read. Raises Unavailable where a reviewer cannot be recorded.
        """
        from dispatcher.cli.pens import known_key
        from dispatcher.domain.people import Role
        from dispatcher.service.ledger import note_reading

        try:
            desk = self.desk
            reader = desk.trust.roster.person_of_key(known_key(self.key, desk.trust.roster))
        except DispatcherError:
            return
        if reader and desk.trust.roster.holds(reader.id, Role.REVIEWER, desk.now()):
            now = desk.now()
            asked = {name: now + value if isinstance(value, timedelta) else value for name, value in given.items()}
            note_reading(desk, reader.id, command, output.facts(asked))

    def show(self, schema: str, made: Any, **columns: str) -> None:
        """Print what was made: one JSON document, or its tables for a person (see :func:`output.tables`)."""
        body = output.facts(made)
        if self.quiet and schema in LISTS:
            listed, key = LISTS[schema]
            for name in dict.fromkeys(one[key] for one in body[listed]):
                click.echo(name)
        elif self.quiet and (name := next((body[key] for key in IDS.get(schema, ("id",)) if body.get(key)), "")):
            click.echo(name)
        elif output.wants_json(self.json):
            output.document(schema, body)
        else:
            output.tables(body, columns)

    def read_out(self, schema: str, made: Any, text: str) -> None:
        """Print one JSON document, or for a person the text that says the same."""
        if output.wants_json(self.json):
            output.document(schema, made)
        else:
            click.echo(output.plain(text))

    def ring_stops(self, mode: str) -> None:
        """Have every sender look at what is stopped, now; without Redis they look by themselves."""
        from workers.doorbell import ring_stops

        ring_stops(self.desk.settings, mode)

    def second_half(self) -> str:
        """The command that brings a signature back to what ``--to-sign`` wrote."""
        file = shlex.quote(self.to_sign or "")
        words = shlex.join(self.words).replace(f"--to-sign {file}", f"--payload {file} --signature {file}.sig")
        return f"dispatcher {words}".replace("clearance show", "clearance approve", 1)

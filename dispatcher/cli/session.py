"""One command's session: which deployment, who is at the keyboard, and in what form it answers."""

from __future__ import annotations

import os
import secrets
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dispatcher.cli import output

if TYPE_CHECKING:
    from dispatcher.domain.people import Person
    from dispatcher.service.desk import Desk, Pen
    from dispatcher.settings import Settings

NONCE_BYTES = 16


@dataclass(slots=True)
class Session:
    """The options that mean the same everywhere, as given; ``words`` are all the words typed."""

    deployment: str | None = None
    json: bool = False
    key: str | None = None
    to_sign: str | None = None
    payload: str | None = None
    signature: str | None = None
    words: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The deployment's folder. Raises NotFound."""
        from dispatcher.settings import find_deployment

        return find_deployment(self.deployment)

    def settings(self) -> Settings:
        """The deployment's settings. Raises NotFound, Invalid."""
        from dispatcher.settings import load_settings

        return load_settings(self.folder)

    def desk(self) -> Desk:
        """The desk; for a signature made elsewhere, at the moment and with the nonce of what was signed."""
        from dispatcher.bootstrap import open_desk
        from dispatcher.cli.pens import read_payload
        from dispatcher.domain.errors import Invalid

        if bool(self.payload) != bool(self.signature) or (self.to_sign and self.payload):
            both = "first --to-sign FILE; then --payload FILE --signature FILE.sig"
            raise Invalid("a signature made elsewhere needs both its files", both)
        desk = open_desk(self.folder)
        click.get_current_context().call_on_close(desk.store.close)
        if self.payload:
            statement = read_payload(Path(self.payload))
            if statement.expires <= desk.now():
                raise Invalid(f"{self.payload} has expired", "write it again with --to-sign, and sign that")
            moment, nonce = statement.not_before, bytes.fromhex(statement.nonce)
        elif self.to_sign:
            moment, nonce = desk.now(), secrets.token_bytes(NONCE_BYTES)
        else:
            return desk
        draw = desk.random_bytes
        return replace(desk, clock=lambda: moment, random_bytes=lambda n: nonce if n == NONCE_BYTES else draw(n))

    def pen(self, desk: Desk) -> Pen:
        """Whoever signs at this keyboard. Raises SignatureNeeded, Invalid, NeedsTerminal."""
        from dispatcher.cli import pens

        if self.payload and self.signature:
            return pens.detached(Path(self.payload), Path(self.signature), desk.trust.roster)
        found = os.environ.get("SSH_AUTH_SOCK")
        agent = Path(found) if found else None
        if self.to_sign and self.key and self.key.endswith(".pub"):
            return pens.PaperPen(pens.public_fingerprint(Path(self.key)), Path(self.to_sign), self._again())
        pen = pens.from_key(Path(self.key), agent) if self.key else pens.from_agent(agent, desk.trust.roster)
        return pens.PaperPen(pen.fingerprint, Path(self.to_sign), self._again()) if self.to_sign else pen

    def person(self, desk: Desk) -> Person:
        """Who is at the keyboard. Raises SignatureNeeded."""
        return desk.person(self.pen(desk))

    def show(self, schema: str, made: Any, *tables: output.Table) -> None:
        """Print what was made: as tables for a person (its fields, unless given), as one JSON document otherwise."""
        body = output.facts(made)
        if output.wants_json(self.json):
            output.document(schema, body)
        else:
            output.tables(tables or [output.Table(list(body.items()))])

    def rows(self, name: str, made: Iterable[Any], columns: str) -> None:
        """Print a list: some columns (names with spaces between) for a person, all in JSON under ``name``."""
        found, shown = [output.facts(item) for item in made], columns.split()
        self.show(name, {name: found}, output.Table([[item[column] for column in shown] for item in found], shown))

    def _again(self) -> str:
        words, rest = [], iter(self.words)
        for word in rest:
            if word == "--to-sign":
                next(rest, None)
            elif not word.startswith("--to-sign="):
                words.append(word)
        if words[:2] == ["clearance", "show"]:
            words[1] = "approve"
        file = shlex.quote(self.to_sign or "")
        return f"dispatcher {shlex.join(words)} --payload {file} --signature {file}.sig"

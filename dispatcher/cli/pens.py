"""Pens: how the person at this keyboard signs.

    key file      reads an OpenSSH private key; its passphrase is asked for on a terminal only
    agent         the key stays in ssh-agent, here or forwarded; hardware keys sign this way
    paper         ``--to-sign FILE`` writes the exact bytes and stops
    detached      ``--payload FILE --signature FILE`` brings the signature back

A statement signed elsewhere is composed twice: the second time at the moment and with the nonce of the first, so that
the command must arrive at the very bytes that were signed. Where the case has moved on it does not, and says so.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from dispatcher.cli.errors import NeedsTerminal
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid, SignatureNeeded, Stale
from dispatcher.domain.people import Roster
from dispatcher.domain.statement import Envelope, Statement, StatementError
from dispatcher.statements import sshsig
from dispatcher.statements.agent import AgentSigner, agent_keys
from dispatcher.statements.errors import SigningError
from dispatcher.statements.keys import parse_public_line
from dispatcher.statements.signing import KeyFileSigner, Signer, attach, read_signature, sign, to_sign


@dataclass(frozen=True, slots=True)
class Held:
    """A pen in somebody's hand: whose key, and what becomes of a statement put before it."""

    fingerprint: str
    write: Callable[[Statement], Envelope]

    def sign(self, statement: Statement) -> Envelope:
        """Sign, or raise what the kind of pen raises."""
        return self.write(statement)


def take(session: Session, roster: Roster) -> Held:
    """The pen that the options ask for. Raises SignatureNeeded, Invalid, NeedsTerminal."""
    if session.payload or session.signature:
        return _detached(session.payload, session.signature)
    key = Path(session.key) if session.key else None
    if session.to_sign:
        is_public = key is not None and key.suffix == ".pub"
        fingerprint = _public(key) if key and is_public else _signer(key, roster).fingerprint
        return _paper(fingerprint, Path(session.to_sign), session.second_half())
    signer = _signer(key, roster)
    return Held(signer.fingerprint, lambda statement: sign(statement, signer))


def known_key(key: str | None, roster: Roster) -> str:
    """The fingerprint of the key at hand, for who only reads: nothing is asked and nothing can be signed with it.

    Raises SigningError where there is none.
    """
    public = Path(key).with_name(f"{Path(key).name.removesuffix('.pub')}.pub") if key else None
    if public and public.exists():
        return _public(public)
    return KeyFileSigner(Path(key)).fingerprint if key else _signer(None, roster).fingerprint


def read_payload(path: Path, now: datetime) -> Statement:
    """The statement that ``--to-sign`` wrote, if it still holds. Raises Invalid."""
    try:
        statement = Statement.decode(path.read_bytes())
    except (OSError, StatementError) as error:
        raise Invalid(f"{path}: {error}", "name the file that --to-sign wrote, unchanged") from error
    if statement.expires <= now:
        raise Invalid(f"{path} has expired", "write it again with --to-sign, and sign that")
    return statement


def _paper(fingerprint: str, target: Path, again: str) -> Held:
    """Writes what is to be signed and stops; ``again`` is the command to give afterwards."""

    def write(statement: Statement) -> Envelope:
        try:
            with target.open("xb") as file:
                file.write(to_sign(statement))
        except OSError as error:
            raise Invalid(f"{target}: cannot be written ({error.strerror})", "name a new file") from error
        raise SignatureNeeded(
            f"{target} holds what {statement.person} is to sign; nothing was changed",
            f"ssh-keygen -Y sign -n {sshsig.NAMESPACES[statement.mode]} -f KEY {target}\nthen: {again}",
        )

    return Held(fingerprint, write)


def _detached(payload: str | None, signature: str | None) -> Held:
    """Brings a signature made elsewhere, by whoever made it."""
    if not payload or not signature:
        raise Invalid("a signature made elsewhere needs both its files", "give --payload FILE --signature FILE.sig")
    signed, text = Path(payload).read_bytes(), read_signature(Path(signature))
    found = sshsig.verify(text, signed, sshsig.NAMESPACES[Statement.decode(signed).mode])

    def write(statement: Statement) -> Envelope:
        if to_sign(statement) != signed:
            raise Stale(
                "what was signed is not what this command would record now: case, signer or options differ",
                "give the same options as with --to-sign, or write it again with --to-sign and sign that",
            )
        return attach(statement, text)

    return Held(found.fingerprint, write)


def _signer(key: Path | None, roster: Roster) -> Signer:
    """The key file, or the agent's key: the one named, else its first that is on the roster. Raises SigningError."""
    if key and key.suffix != ".pub":
        return KeyFileSigner(key, lambda: _passphrase(key))
    socket = os.environ.get("SSH_AUTH_SOCK")
    if not socket:
        raise SigningError("no key to sign with", "name yours: --key FILE, or use ssh-agent (SSH_AUTH_SOCK)")
    agent = Path(socket)
    if key:
        return AgentSigner(agent, _public(key))
    held = agent_keys(agent)
    known = next((one for one in held if roster.person_of_key(one.fingerprint)), None)
    if known is None:
        what = f"none of the agent's {len(held)} keys is on roster {roster.version}"
        raise SigningError(what, "ssh-add the key that is on the roster, or name one: --key FILE")
    return AgentSigner(agent, known.fingerprint)


def _public(path: Path) -> str:
    try:
        return parse_public_line(path.read_text()).fingerprint
    except (OSError, UnicodeDecodeError) as error:
        raise SigningError(f"{path}: cannot be read ({error})", "name your .pub file") from error


def _passphrase(path: Path) -> str:
    if not sys.stdin.isatty():
        raise NeedsTerminal(
            f"{path} is encrypted, and there is no terminal to ask for its passphrase",
            f"use the agent: ssh-add {path}, or run this on a terminal",
        )
    typed: str = click.prompt(f"Passphrase of {path}", hide_input=True, err=True)
    return typed

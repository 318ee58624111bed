"""Pens: how the person at this keyboard signs.

    key file      reads an OpenSSH private key; its passphrase is asked for on a terminal only
    agent         the key stays in ssh-agent, here or forwarded; hardware keys sign this way
    paper         ``--to-sign FILE`` writes the exact bytes and stops
    detached      ``--payload FILE --signature FILE`` brings the signature back

A statement signed elsewhere is composed twice: the second time at the moment and with the nonce of the first, so that
the command must arrive at the very bytes that were signed. Where the case has moved on it does not, and says so.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import click

from dispatcher.domain.errors import DispatcherError, Invalid, SignatureNeeded, Stale
from dispatcher.domain.people import Roster
from dispatcher.domain.statement import Envelope, Statement, StatementError
from dispatcher.service.desk import Pen
from dispatcher.statements import sshsig
from dispatcher.statements.agent import AgentSigner, agent_keys
from dispatcher.statements.errors import SigningError
from dispatcher.statements.keys import parse_public_line
from dispatcher.statements.signing import KeyFileSigner, Signer, attach, read_signature, sign, to_sign


class NeedsTerminal(DispatcherError):
    """Somebody has to type something, and nobody is there."""

    exit_code = 7
    word = "needs_terminal"


@dataclass(frozen=True, slots=True)
class SignerPen:
    """Signs here, with a key file or through the agent."""

    signer: Signer

    @property
    def fingerprint(self) -> str:
        """The key's fingerprint."""
        return self.signer.fingerprint

    def sign(self, statement: Statement) -> Envelope:
        """Sign."""
        return sign(statement, self.signer)


@dataclass(frozen=True, slots=True)
class PaperPen:
    """Writes what is to be signed and stops. ``again`` is the command to give afterwards."""

    fingerprint: str
    target: Path
    again: str

    def sign(self, statement: Statement) -> Envelope:
        """Write the bytes. Raises SignatureNeeded always, Invalid where the file exists."""
        try:
            with self.target.open("xb") as file:
                file.write(to_sign(statement))
        except OSError as error:
            raise Invalid(f"{self.target}: cannot be written ({error.strerror})", "name a new file") from error
        namespace = sshsig.NAMESPACES[statement.mode]
        raise SignatureNeeded(
            f"{self.target} holds what {statement.person} is to sign; nothing was changed",
            f"ssh-keygen -Y sign -n {namespace} -f KEY {self.target}\nthen: {self.again}",
        )


@dataclass(frozen=True, slots=True)
class DetachedPen:
    """Brings a signature made elsewhere."""

    fingerprint: str
    payload: bytes
    signature: str

    def sign(self, statement: Statement) -> Envelope:
        """Attach it. Raises Stale where the case is no longer the one that was signed."""
        if to_sign(statement) != self.payload:
            raise Stale(
                "what was signed is not what this command would record now: the case or the command has changed",
                "give the same options as with --to-sign, or write it again with --to-sign and sign that",
            )
        return attach(statement, self.signature)


def read_payload(path: Path) -> Statement:
    """The statement that ``--to-sign`` wrote. Raises Invalid."""
    try:
        return Statement.decode(path.read_bytes())
    except OSError as error:
        raise Invalid(f"{path}: cannot be read ({error.strerror})", "name the file that --to-sign wrote") from error
    except StatementError as error:
        raise Invalid(f"{path}: {error}", "name the file that --to-sign wrote, unchanged") from error


def detached(payload: Path, signature: Path, roster: Roster) -> DetachedPen:
    """A pen from the two files. Raises Invalid, SigningError, SignatureNeeded for somebody else's signature."""
    statement = read_payload(payload)
    text = read_signature(signature)
    found = sshsig.verify(text, to_sign(statement), sshsig.NAMESPACES[statement.mode])
    signer = roster.person_of_key(found.fingerprint)
    if signer is None or signer.id != statement.person:
        raise SignatureNeeded(
            f"{payload} is for {statement.person}, and another key signed it", "sign with their key"
        )
    return DetachedPen(found.fingerprint, to_sign(statement), text)


def from_key(path: Path, agent: Path | None) -> Pen:
    """A pen from ``--key``: a private key file, or a public one whose key the agent holds. Raises SigningError."""
    if path.suffix != ".pub":
        return SignerPen(KeyFileSigner(path, lambda: _passphrase(path)))
    if agent is None:
        raise SigningError(f"{path} is a public key, and there is no agent to sign with it", "start ssh-agent")
    return SignerPen(AgentSigner(agent, public_fingerprint(path)))


def from_agent(agent: Path | None, roster: Roster) -> Pen:
    """A pen from the agent's first key that is on the roster. Raises SigningError."""
    if agent is None:
        raise SigningError("no key to sign with", "name yours: --key FILE, or use ssh-agent (SSH_AUTH_SOCK)")
    held = agent_keys(agent)
    known = next((key for key in held if roster.person_of_key(key.fingerprint)), None)
    if known is None:
        what = f"none of the agent's {len(held)} keys is on roster {roster.version}"
        raise SigningError(what, "ssh-add the key that is on the roster, or name one: --key FILE")
    return SignerPen(AgentSigner(agent, known.fingerprint))


def public_fingerprint(path: Path) -> str:
    """The fingerprint of a ``.pub`` file. Raises SigningError."""
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

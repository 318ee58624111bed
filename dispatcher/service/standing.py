"""What a deployment goes by, on its record: which root, roster and policy, by whom signed, since when; and who runs.

Rules
  1. Root, roster and policy are files, and the ledger is in the database: no transaction holds both. So whoever
     installs them records them, and every role that starts records those that it finds and the ledger does not know;
     running roles end when the files are replaced, and start again with the new ones.
  2. A root and a roster are recorded once per version; a policy, which has none, once per signing.
  3. A process that is lost leaves no word of its end. One that stops says so, as the last entry of the chain
     in which it recorded its moves (reference: reliability 3.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dispatcher.domain.canonical import format_time
from dispatcher.domain.statement import Statement
from dispatcher.gate.policy import Policies
from dispatcher.service.ledger import line_of
from dispatcher.statements.trust import Trust
from dispatcher.store import history
from dispatcher.store.database import Work


def note_trust(work: Work, trust: Trust[Policies]) -> None:
    """Record root, roster and policy where the ledger does not know them yet."""
    for kind, order, facts in _installed(trust):
        newest = history.entries(work, limit=1, kinds=[kind])
        if not newest or line_of(newest[0]).facts[order] < facts[order]:
            work.record(kind, **facts)


def note_start(work: Work, trust: Trust[Policies], role: str, mode: str, owner: str) -> None:
    """Record that a process of a role has started, and what it goes by."""
    note_trust(work, trust)
    work.record("role.started", role=role, mode=mode, owner=owner)


def note_stop(work: Work, role: str, mode: str, owner: str) -> None:
    """Record that it stops."""
    work.record("role.stopped", role=role, mode=mode, owner=owner)


def _installed(trust: Trust[Policies]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The kind of entry, the fact that only rises, and all facts, of each."""
    root, roster = trust.root, trust.roster
    owners = {"owners": [owner.person for owner in root.owners], "threshold": root.threshold}
    yield "root.installed", "version", {"version": root.version, "digest": root.digest, **owners}
    signed = _signers(trust.signed["roster"])
    yield "roster.installed", "version", {"version": roster.version, "digest": roster.digest, **signed}
    versions = [
        {"version": one.version, "digest": one.digest, "effective_from": format_time(one.effective_from)}
        for one in trust.policy.versions
    ]
    signed = _signers(trust.signed["policy"])
    yield "policy.installed", "signed_at", {"digest": trust.policy_digest, "versions": versions, **signed}


def _signers(statements: Iterable[Statement]) -> dict[str, Any]:
    said = sorted((statement.not_before, statement.person) for statement in statements)
    return {"signed_by": [person for _, person in said], "signed_at": format_time(said[0][0])}

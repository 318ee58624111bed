"""Does the record agree with the tables? What entries say happened, held against what the tables say is.

Rules (reference: reliability 3.2, domain rules)
  1. Every signed statement has its entry and every entry its statement; the signature holds, with the key that the
     entry names, whoever is on the roster now.
  2. Per plan as many attempts were made as intents are on record, and none before its release.
  3. Per plan and state as many deliveries are there as moved in and never out. Waiting for a turn and being leased
     are one: that a worker took a delivery to look at it is nothing to keep.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from dispatcher.domain.statement import Envelope, Statement, StatementError
from dispatcher.ledger.chain import UNREADABLE, Record, facts_of
from dispatcher.statements import sshsig
from dispatcher.statements.errors import SshsigError
from dispatcher.store.database import Work
from dispatcher.store.tables import ATTEMPTS, DELIVERIES, LEDGER, STATEMENTS

PAGE = 5_000
WAITING = ("ready", "leased")
MANY = ("deliveries.moved", "deliveries.swept")
MOVES = ("delivery.moved", *MANY)
_MOVE = re.compile(rb'"plan":"(\w{64})".*"source":"(\w+)".*"target":"(\w+)"')
_COUNT = re.compile(rb'"count":(\d+)')


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What does not fit; ``id`` is that of the ledger's row, None where there is none."""

    id: int | None
    what: str


def statements(work: Work, found: list[Disagreement]) -> Iterator[tuple[Statement, str]]:
    """The statements that are on record as they were signed, with the fingerprints of the keys that signed them.

    What is wrong with the others goes to ``found``.
    """
    rows = {row.id: row for row in work.execute(select(STATEMENTS.c.id, STATEMENTS.c.envelope))}
    for id_, facts in entries(work, LEDGER.c.kind.startswith("statement.", autoescape=True)):
        row = rows.pop(facts.get("statement"), None)
        if row is None:
            found.append(Disagreement(id_, f"statement {facts.get('statement')} is on record, and it is gone"))
        elif isinstance(said := _signed(row, str(facts.get("key"))), Statement):
            yield said, str(facts["key"])
        else:
            found.append(Disagreement(id_, f"statement {row.id}: {said}"))
    found += [Disagreement(None, f"statement {id_} is there, and not on record") for id_ in rows]


def _signed(row: Any, key: str) -> Statement | str:
    """The statement of a row, or what is wrong with it."""
    try:
        envelope = Envelope.from_document(row.envelope)
        statement = Statement.decode(envelope.payload)
        signature = sshsig.verify(envelope.signature, envelope.payload, sshsig.NAMESPACES[statement.mode])
    except (StatementError, SshsigError) as error:
        return str(error)
    if statement.id != row.id:
        return f"its bytes are those of {statement.id}"
    return statement if signature.fingerprint == key else f"signed by {signature.fingerprint}, on record as {key}"


class Moves:
    """What entries say of deliveries' moves, counted as they go by: by plan, state before and state after."""

    def __init__(self) -> None:
        self._counted: Counter[tuple[bytes, bytes, bytes]] = Counter()

    def take(self, records: Sequence[Record]) -> None:
        """Count what is said; what cannot be read is for who verifies entries to tell."""
        counted = self._counted
        for record in records:
            if record.kind in MOVES and type(record.entry) is bytes and (told := _MOVE.search(record.entry)):
                many = record.kind in MANY and _COUNT.search(record.entry)
                counted[told.groups()] += int(many[1]) if many else 1  # type: ignore[index]

    def add(self, others: Moves) -> None:
        """Count what was counted elsewhere."""
        self._counted += others._counted

    def disagreements(self, work: Work) -> list[Disagreement]:
        """What does not fit between the moves that were counted and the tables (rules 2 and 3)."""
        flow: dict[str, Counter[str]] = defaultdict(Counter)
        intents: Counter[str] = Counter()
        for (plan, source, target), count in self._counted.items():
            flow[plan.decode()].update({target.decode(): count})
            flow[plan.decode()].subtract({source.decode(): count})
            intents[plan.decode()] += count if target == b"sending" else 0
        return [*_states(work, flow), *_attempts(work, intents)]


def _states(work: Work, flow: dict[str, Counter[str]]) -> Iterator[Disagreement]:
    by = (DELIVERIES.c.plan, DELIVERIES.c.state)
    query = select(*by, func.count()).group_by(*by)
    there: dict[str, Counter[str]] = defaultdict(Counter)
    for plan, state, count in work.execute(query):
        there[plan][state] = count
    for plan in sorted({*flow, *there}):
        for state in sorted({*flow[plan], *there[plan]} - {*WAITING}):
            if there[plan][state] != flow[plan][state]:
                said = f"{flow[plan][state]} deliveries are {state} on record, and {there[plan][state]} in the table"
                yield Disagreement(None, f"plan {plan[:12]}: {said}")


def _attempts(work: Work, intents: Counter[str]) -> Iterator[Disagreement]:
    query = select(DELIVERIES.c.plan, func.count(), func.min(ATTEMPTS.c.intended_at))
    query = query.join(ATTEMPTS, ATTEMPTS.c.delivery == DELIVERIES.c.id).group_by(DELIVERIES.c.plan)
    made = {plan: (count, first) for plan, count, first in work.execute(query)}
    is_release = LEDGER.c.kind == "plan.released"
    times = dict(work.execute(select(LEDGER.c.id, LEDGER.c.recorded_at).where(is_release)).all())
    released = {facts.get("plan"): times[id_] for id_, facts in entries(work, is_release)}
    for plan in sorted({*made, *intents}):
        count, first = made.get(plan, (0, None))
        if count != intents[plan]:
            yield Disagreement(None, f"plan {plan[:12]}: {count} attempts, and {intents[plan]} intents on record")
        if first and (plan not in released or first < released[plan]):
            yield Disagreement(None, f"plan {plan[:12]}: an attempt was made before any release on record")


def entries(work: Work, where: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Row id and facts of the entries that fit, oldest first; who verifies entries tells what is unreadable."""
    query = select(LEDGER.c.id, LEDGER.c.prev, LEDGER.c.body).where(where).order_by(LEDGER.c.id)
    for id_, prev, body in work.execute(query.execution_options(yield_per=PAGE)):
        try:
            facts = facts_of(prev, body)
        except UNREADABLE:
            continue
        if isinstance(facts, Mapping):
            yield id_, facts

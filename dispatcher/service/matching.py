"""Do the tables that a review shows agree with the record? Documents, incidents and deliveries, row by row.

Rules (reference: reliability 3.2, domain rules)
  1. A document's bytes are those that its digest names, and every revision and plan has its entry and every entry
     its document.
  2. An incident's title and severity are those that were recorded last.
  3. A delivery's channel and account are those that the entries of its moves name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Table, select

from dispatcher.domain import canonical, message, plan
from dispatcher.domain.incident import Severity
from dispatcher.ledger.chain import UNREADABLE
from dispatcher.sending.prepared import RENDERING_SCHEMA
from dispatcher.service.tallying import PAGE, Disagreement, entries
from dispatcher.store.database import Work
from dispatcher.store.tables import DELIVERIES, INCIDENTS, LEDGER, PLANS, RENDERINGS, REVISIONS

DOCUMENTS: tuple[tuple[str, Table[Any], str, str, str], ...] = (
    ("revision", REVISIONS, message.SCHEMA, "message.revised", "revision"),
    ("plan", PLANS, plan.SCHEMA, "plan.submitted", "plan"),
    ("rendering", RENDERINGS, RENDERING_SCHEMA, "", ""),
)
"""What each is called, its table and schema, and the kind of entry and the fact that name it, if any does."""


def disagreements(work: Work) -> list[Disagreement]:
    """What does not fit between the record and the tables; what cannot be read is one of them."""
    found: list[Disagreement] = []
    for look in (_documents, _incidents, _deliveries):
        try:
            found += look(work)
        except UNREADABLE as error:
            found.append(Disagreement(None, f"a table cannot be read as it was written: {error}"))
    return found


def _documents(work: Work) -> Iterator[Disagreement]:
    for name, table, schema, kind, fact in DOCUMENTS:
        there = set[str]()
        for digest, body in work.execute(_paged(table.c.digest, table.c.body)):
            there.add(digest)
            if not isinstance(body, bytes) or canonical.digest(schema, body) != digest:
                yield Disagreement(None, f"{name} {digest[:12]}: its bytes are not those that its digest names")
        if not kind:
            continue
        recorded = {facts.get(fact): id_ for id_, facts in _said(work, kind)}
        for digest in recorded.keys() - there:
            yield Disagreement(recorded[digest], f"{name} {str(digest)[:12]} is on record, and it is gone")
        for digest in sorted(there - recorded.keys()):
            yield Disagreement(None, f"{name} {digest[:12]} is there, and not on record")


def _incidents(work: Work) -> Iterator[Disagreement]:
    recorded: dict[str, dict[str, Any]] = {}
    for _, facts in _said(work, "incident.declared", "incident.amended"):
        told = {name: facts[name] for name in ("title", "severity") if name in facts}
        recorded.setdefault(facts["incident"], {}).update(told)
    for id_, title, severity in work.execute(_paged(INCIDENTS.c.id, INCIDENTS.c.title, INCIDENTS.c.severity)):
        said = recorded.get(id_, {})
        for name, now in (("title", title), ("severity", _level(severity))):
            if said.get(name) != now:
                yield Disagreement(None, f"incident {id_}: its {name} is {now}, on record as {said.get(name)}")


def _level(number: Any) -> str:
    return Severity(number).name if number in list(Severity) else str(number)


def _deliveries(work: Work) -> Iterator[Disagreement]:
    query = _paged(DELIVERIES.c.id, DELIVERIES.c.channel, DELIVERIES.c.account).where(DELIVERIES.c.list.is_(None))
    there = {id_: {"channel": channel, "account": account} for id_, channel, account in work.execute(query)}
    for row, facts in _said(work, "delivery.moved"):
        for name, now in there.get(facts.get("delivery"), {}).items():
            if name in facts and facts[name] != now:
                yield Disagreement(row, f"delivery {facts['delivery']}: its {name} is {now}, on record {facts[name]}")


def _said(work: Work, *kinds: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    return entries(work, LEDGER.c.kind.in_(kinds))


def _paged(*columns: Any) -> Any:
    return select(*columns).execution_options(yield_per=PAGE)

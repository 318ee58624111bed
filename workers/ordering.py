"""From leased rows to orders: the plan's bundle, and for recipients the row with its path to the signed root."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from dispatcher.domain.merkle import Tree
from dispatcher.sending.lists import tree_of
from dispatcher.sending.order import Bundle, Order, RecipientProof
from dispatcher.store import queue, records, spends
from dispatcher.store.database import Store, Work
from dispatcher.store.queue import Leased

UNPAID = "no reservation is committed for this plan"
"""Said of every channel without one; the gate asks where space is bought."""

TREES = 4
"""Trees kept in memory: about 64 bytes a recipient each."""


class Orders:
    """Builds orders from the store. Nothing it reads is believed by the sender."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._trees: dict[str, Tree] = {}
        self._building = threading.Lock()

    def of(self, plan: str, items: Sequence[Leased]) -> tuple[Bundle, list[Order]]:
        """The bundle of a plan, and an order for each of its leased deliveries, in the same order."""
        with self._store.read() as work:
            bundle = records.bundle(work, plan)
            states = records.incident_states(work, {item.incident for item in items})
            proofs = self._proofs(work, items)
            committed = spends.committed(work, plan)
            asked_at = work.now
        return bundle, [
            queue.order(
                item,
                states.get(item.incident, "unknown"),
                item.intended_at,
                item.attempts + 1,
                proofs.get(item.id),
                asked_at=asked_at,
                spend_fault=None if item.channel in committed else UNPAID,
            )
            for item in items
        ]

    def _proofs(self, work: Work, items: Sequence[Leased]) -> dict[str, RecipientProof]:
        lists: dict[str, list[Leased]] = {}
        for item in items:
            if item.list is not None and item.position is not None:
                lists.setdefault(item.list, []).append(item)
        proofs: dict[str, RecipientProof] = {}
        for name, members in lists.items():
            tree = self._tree(work, name)
            sealed = records.sealed_rows(work, name, [m.position for m in members if m.position is not None])
            for member in members:
                position = member.position if member.position is not None else -1
                path = tuple(node.hex() for node in tree.path(position)) if 0 <= position < tree.size else ()
                proofs[member.id] = RecipientProof(name, position, sealed.get(position, b""), path)
        return proofs

    def _tree(self, work: Work, name: str) -> Tree:
        with self._building:  # chunks ask from several threads; a big list's tree is built once
            if name not in self._trees:
                while len(self._trees) >= TREES:
                    self._trees.pop(next(iter(self._trees)))
                self._trees[name] = tree_of([leaf for _, leaf in records.leaves(work, name)])
            return self._trees[name]

"""From leased rows to orders: the plan's bundle, and for recipients the row with its path to the signed root.

Of a list, the roots of its blocks are at hand in each process, half a byte a recipient; the block that a row stands
in is read with it. So neither memory nor the time to the first order grows with the list.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import replace

from dispatcher.domain import canonical
from dispatcher.domain.merkle import BLOCK, Tree, block_roots, leaf_hash
from dispatcher.domain.plan import SCHEMA as PLAN_SCHEMA
from dispatcher.domain.plan import Plan
from dispatcher.sending.lists import tree_of
from dispatcher.sending.order import Bundle, Order, RecipientProof
from dispatcher.sending.prepared import RENDERING_SCHEMA
from dispatcher.store import leasing, queue, recipients, records, spends, statements
from dispatcher.store.database import Store, Work
from dispatcher.store.leasing import Leased

UNPAID = "no reservation is committed for this plan"
"""Said of every channel without one; the gate asks where space is bought."""

PLANS = 8
"""Plans whose texts are kept in memory."""

TREES = 4
"""Lists whose trees over block roots are kept in memory: about a byte a recipient each."""


class Orders:
    """Builds orders from the store. Nothing it reads is believed by the sender."""

    def __init__(self, store: Store, mode: str) -> None:
        self._store = store
        self._mode = mode
        self._bundles: dict[str, Bundle] = {}
        self._trees: dict[str, Tree] = {}
        self._keeping = threading.Lock()

    def of(self, plan: str, items: Sequence[Leased]) -> tuple[Bundle, list[Order]]:
        """The bundle of a plan, and an order for each of its leased deliveries, in the same order."""
        with self._store.read() as work:
            bundle = self._bundle(work, plan, {item.rendering for item in items})
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

    def submitted(self, lane: str) -> list[Bundle]:
        """The bundles of the newest plans with deliveries in a lane that wait for their release."""
        with self._store.read() as work:
            return [self._bundle(work, plan) for plan in leasing.unreleased(work, lane, self._mode, PLANS)]

    def _bundle(self, work: Work, plan: str, needed: Collection[str] = ()) -> Bundle:
        """The bundle of a plan; while nothing is signed it is the same one.

        Read again is what is signed, and the texts that are ``needed`` now: whoever edits them is found out.
        """
        with self._keeping:  # chunks ask from several threads
            known = self._bundles.get(plan)
            if known is None or not records.stands(work, plan, known, needed):
                known = records.bundle(work, plan)
                if not _is_sound(known, plan):
                    return known  # whoever mends its rows need not start this process again
                while len(self._bundles) >= PLANS:
                    self._bundles.pop(next(iter(self._bundles)))
            elif (envelopes := tuple(statements.envelopes_for(work, plan, self._mode))) != known.envelopes:
                known = replace(known, envelopes=envelopes)
            self._bundles[plan] = known
            return known

    def _proofs(self, work: Work, items: Sequence[Leased]) -> dict[str, RecipientProof]:
        blocks: dict[tuple[str, int], list[tuple[str, int]]] = {}
        for item in items:
            if item.list is not None and item.position is not None:
                blocks.setdefault((item.list, item.position // BLOCK), []).append((item.id, item.position))
        proofs: dict[str, RecipientProof] = {}
        for (name, number), members in blocks.items():
            proofs |= self._proved(work, name, number, members)
        return proofs

    def _proved(
        self, work: Work, name: str, number: int, members: Sequence[tuple[str, int]]
    ) -> dict[str, RecipientProof]:
        """The proofs of some deliveries, given with their positions, to recipients in one block of a list.

        What does not stand there gets an empty one, and a block that is not whole gets paths that lead elsewhere.
        """
        whole = self._tree(work, name)
        rows = recipients.block(work, name, number) if 0 <= number < whole.size else []
        found = {position: (index, sealed) for index, (position, _, sealed) in enumerate(rows)}
        own = tree_of([leaf for _, leaf, _ in rows])
        above = [node.hex() for node in whole.path(number)] if rows else []
        proofs = {}
        for id_, position in members:
            index, sealed = found.get(position, (None, b""))
            path = () if index is None else (*(node.hex() for node in own.path(index)), *above)
            proofs[id_] = RecipientProof(name, position, sealed, path)
        return proofs

    def _tree(self, work: Work, name: str) -> Tree:
        with self._keeping:  # chunks ask from several threads
            if name not in self._trees:
                while len(self._trees) >= TREES:
                    self._trees.pop(next(iter(self._trees)))
                leaves = (leaf_hash(bytes.fromhex(leaf)) for leaf in recipients.leaves(work, name))
                self._trees[name] = Tree(recipients.block_roots(work, name) or block_roots(leaves))
            return self._trees[name]


def _is_sound(bundle: Bundle, plan: str) -> bool:
    """Whether plan and renderings are all there, and what their names say."""
    if canonical.digest(PLAN_SCHEMA, bundle.plan) != plan:
        return False
    needed = {name for one in Plan.decode(bundle.plan).destinations for name in one.renderings.values()}
    bodies = bundle.renderings.items()
    return needed == {name for name, body in bodies if canonical.digest(RENDERING_SCHEMA, body) == name}

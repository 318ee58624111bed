"""Orders to recipients: each row comes with its path to the signed root, however long the list is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import delete, update

from channels.contract import Secret
from dispatcher.domain.merkle import BLOCK, Tree, block_roots, leaf_hash
from dispatcher.domain.plan import SignedList
from dispatcher.sending.lists import ListError, ListKey, Row, prove
from dispatcher.sending.order import RecipientProof
from dispatcher.store import recipients
from dispatcher.store.tables import RECIPIENT_LISTS, RECIPIENTS
from tests.builders import drawn
from tests.workers.leases import Table
from workers.ordering import Orders

KEY = ListKey(bytes(32))
COUNT = 2 * BLOCK + 3


def stored(table: Table, name: str = "city") -> SignedList:
    """A list of two blocks and a bit, sealed with KEY; its recipients are named by their places."""
    draw = drawn(name)
    rows = [KEY.seal(Row(Secret(str(place)), "cy"), draw) for place in range(COUNT)]
    roots = block_roots(leaf_hash(bytes.fromhex(row.leaf)) for row in rows)
    signed = SignedList(name, Tree(roots).root.hex(), COUNT)
    header = {"id": name, "mode": "exercise", "root": signed.root, "count": COUNT, "created_by": "ops-1"}
    with table.store.write() as work:
        recipients.begin(work, {**header, "block_roots": roots})
        recipients.add(
            work,
            name,
            (
                {"position": place, "language": "cy", "leaf": row.leaf, "sealed": row.sealed}
                for place, row in enumerate(rows)
            ),
        )
    return signed


def ordered(table: Table, positions: Sequence[int], name: str = "city") -> dict[int, RecipientProof]:
    """The proofs in the orders of leased deliveries to these places of a list, by place."""
    for position in positions:
        table.add(destination=f"d{position}", list=name, position=position, lane="recipients")
    leased = table.lease(lane="recipients", limit=1_000)
    assert len(leased) == len(positions)
    _, orders = Orders(table.store, "exercise").of("plan-1", leased)
    return {order.recipient.position: order.recipient for order in orders if order.recipient}


def test_every_place_of_a_list_is_proved(table: Table) -> None:
    """Each opens to its own recipient, in whole blocks and in the last, which is not."""
    signed = stored(table)
    proofs = ordered(table, range(COUNT))
    told = [prove(proofs[place], KEY, signed)[1].address.reveal() for place in range(COUNT)]
    assert told == [str(place) for place in range(COUNT)]


def test_a_list_that_an_older_version_wrote_is_proved(table: Table) -> None:
    """Without the roots of its blocks they are worked out from its rows."""
    signed = stored(table)
    with table.store.write() as work:
        work.execute(update(RECIPIENT_LISTS).values(block_roots=None))
    (proof,) = ordered(table, [BLOCK + 1]).values()
    assert prove(proof, KEY, signed)[1].address.reveal() == str(BLOCK + 1)


@pytest.mark.parametrize("position", [-1, COUNT, 10 * COUNT, 2**31 - 1])
def test_a_place_outside_the_list_has_an_empty_proof(table: Table, position: int) -> None:
    """It holds up no other, and no sender takes it."""
    signed = stored(table)
    proofs = ordered(table, [0, position])
    assert proofs[position] == RecipientProof("city", position, b"", ())
    assert prove(proofs[0], KEY, signed)[1].address.reveal() == "0"


def test_a_block_that_lost_a_row_is_not_proved_and_others_are(table: Table) -> None:
    """A row deleted by hand leads nobody else to another's place."""
    signed = stored(table)
    with table.store.write() as work:
        work.execute(delete(RECIPIENTS).where(RECIPIENTS.c.position == 3))
    proofs = ordered(table, [3, 4, BLOCK])
    for lost in (3, 4):
        with pytest.raises(ListError):
            prove(proofs[lost], KEY, signed)
    assert prove(proofs[BLOCK], KEY, signed)[1].address.reveal() == str(BLOCK)


def test_a_chunk_of_two_lists_is_proved_by_each(table: Table) -> None:
    """The same place in two lists is two recipients."""
    signed = [stored(table, name) for name in ("city", "coast")]
    for made in signed:
        table.add(destination=made.id, list=made.id, position=1, lane="recipients")
    _, orders = Orders(table.store, "exercise").of("plan-1", table.lease(lane="recipients"))
    proofs = {order.recipient.list: order.recipient for order in orders if order.recipient}
    assert [prove(proofs[made.id], KEY, made)[1].address.reveal() for made in signed] == ["1", "1"]

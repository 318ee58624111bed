"""Text messages go to the rows of the signed list, each once, and to nobody else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dispatcher.sending.permit import Permit
from tests.builders import draft, everything_signed, recipient_list
from tests.sending.kit import House, clauses, run

LIST = recipient_list("residents", "07700900001", "07700900002", "07700900003")
OTHER = recipient_list("visitors", "07700900001", "07700900009")
SLIPPED_IN = recipient_list("residents", "07700900001", "07700900002", "07700900003", "07700900666")


@pytest.fixture
def texting(tmp_path: Path) -> House:
    """A sender of text messages with a plan to one list."""
    return House(tmp_path, draft("notify", lists=[LIST]), identity=LIST.identity)


def test_each_recipient_of_the_signed_list_is_sent_to_once(texting: House) -> None:
    """The adapter gets the number and language of the row; a row comes once."""

    async def main() -> None:
        for proof in (*LIST.proofs, *LIST.proofs):
            order = texting.drafted.order("notify", recipient=proof, delivery=f"dlv-{proof.position}")
            await texting.deliver(order)

    run(main)
    sent = [(made.job.recipient, made.job.language) for made in texting.platforms["notify"].made]
    assert [(number and number.reveal()[-1], language) for number, language in sent] == [
        ("1", "en-GB"),
        ("2", "en-GB"),
        ("3", "en-GB"),
    ]


NOT_IN_THE_LIST = {
    "a row slipped in": replace(SLIPPED_IN.proofs[3], position=0),
    "another list's row": OTHER.proofs[0],
    "another list's row under this name": replace(OTHER.proofs[1], list="residents"),
    "a row at another position": replace(LIST.proofs[0], position=1),
    "a position below none": replace(LIST.proofs[0], position=-1),
    "a path of another row": replace(LIST.proofs[0], path=LIST.proofs[2].path),
    "no path": replace(LIST.proofs[0], path=()),
    "a path that is not hex": replace(LIST.proofs[0], path=("zz",)),
    "bytes that do not open": replace(LIST.proofs[0], sealed=b"\0" * 60),
    "no recipient": None,
}


@pytest.mark.parametrize("proof", NOT_IN_THE_LIST.values(), ids=NOT_IN_THE_LIST.keys())
def test_a_recipient_who_is_not_in_the_signed_list_is_refused(texting: House, proof: Any) -> None:
    """Whatever is wrong with the row or its path, the rest of the chunk goes on."""

    async def main() -> list[tuple[str, ...]]:
        orders = [texting.drafted.order("notify", recipient=one) for one in (proof, LIST.proofs[1])]
        return clauses(await texting.sender.permit(texting.bundle, orders))

    assert run(main) == [("G07",), ()]


def test_a_recipient_for_an_account_without_list_is_refused(tmp_path: Path) -> None:
    """A post to the public has no recipients."""
    house = House(tmp_path, draft("x"), identity=LIST.identity)

    async def main() -> Any:
        return await house.refused(house.drafted.order("x", recipient=LIST.proofs[0]))

    assert run(main) == ("G07",)


@pytest.mark.parametrize("sealed", ["", "AAAA", OTHER.sealed_key])
def test_a_list_key_that_is_not_sealed_to_this_sender_opens_nothing(texting: House, sealed: str) -> None:
    """Without the list's key no row is proved."""

    async def main() -> Any:
        bundle = replace(texting.bundle, list_keys={"residents": sealed})
        return await texting.refused(texting.drafted.order("notify", recipient=LIST.proofs[0]), bundle)

    assert run(main) == ("G07",)


def test_a_sender_without_an_identity_for_lists_proves_nobody(tmp_path: Path) -> None:
    """Only the recipients' role can open a list."""
    house = House(tmp_path, draft("notify", lists=[LIST]))

    async def main() -> Any:
        return await house.refused(house.drafted.order("notify", recipient=LIST.proofs[0]))

    assert run(main) == ("G07",)


def test_a_row_is_proved_by_the_list_that_it_is_of(tmp_path: Path) -> None:
    """An account may have several signed lists; each has its own root and key."""
    house = House(tmp_path, draft("notify", lists=[OTHER, LIST]), identity=LIST.identity)

    async def main() -> Any:
        return await house.ask(house.drafted.order("notify", recipient=LIST.proofs[0]))

    assert isinstance(run(main), Permit)


def test_a_list_that_the_plan_does_not_have_is_named(texting: House) -> None:
    """The refusal says which."""

    async def main() -> Any:
        return await texting.ask(texting.drafted.order("notify", recipient=OTHER.proofs[0]))

    assert "recipient list visitors is not in the signed plan" in run(main).sentence


def test_a_recipient_for_an_account_that_the_plan_does_not_have_is_refused(tmp_path: Path) -> None:
    """The sender holds the account, and the plan has no destination there."""
    house = House(tmp_path, draft("x", "notify", lists=[LIST]), identity=LIST.identity)
    order = house.drafted.order("notify", recipient=LIST.proofs[0])
    house.drafted = draft("x")
    house.envelopes = everything_signed(house.drafted.plan)

    async def main() -> Any:
        return await house.refused(order)

    assert run(main)[0] == "G07"


@pytest.mark.parametrize("lacking", ["key", "identity"])
def test_a_list_key_that_is_not_at_hand_is_named(tmp_path: Path, lacking: str) -> None:
    """Neither a bundle without the key nor a sender without an identity opens a list."""
    identity = None if lacking == "identity" else LIST.identity
    house = House(tmp_path, draft("notify", lists=[LIST]), identity=identity)
    bundle = replace(house.bundle, list_keys={}) if lacking == "key" else house.bundle

    async def main() -> Any:
        return await house.ask(house.drafted.order("notify", recipient=LIST.proofs[0]), bundle)

    assert "the key of recipient list residents is not at hand" in run(main).sentence


def test_a_lists_key_is_opened_once(texting: House) -> None:
    """A hundred thousand rows are proved with it."""
    sender, bundle = texting.sender, texting.bundle
    assert sender._list_key(bundle, "residents") is sender._list_key(bundle, "residents")

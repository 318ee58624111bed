"""What a sender is given and cannot read, and what it lets go of when it closes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dispatcher.domain import canonical
from dispatcher.domain.statement import Mode
from dispatcher.sending.order import Bundle
from dispatcher.sending.permit import Permit, Refusal
from dispatcher.sending.prepared import RENDERING_SCHEMA, Renderings
from dispatcher.sending.sender import LocalSender
from dispatcher.sending.spent import SpentEvent
from tests.builders import draft
from tests.cast import NOW
from tests.sending.handing import DEVICE, Office, opening
from tests.sending.kit import House, run

JUNK = Bundle(b"junk", {}, ())


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A sender of X with a cleared plan."""
    return House(tmp_path, draft("x"))


def test_no_code_is_issued_for_a_plan_that_cannot_be_read(tmp_path: Path) -> None:
    """The refusal is the one of a plan that cannot be read, for the delivery that was asked about."""
    office = Office(tmp_path)

    async def main() -> object:
        return await office.sender.issue(JUNK, office.order(), DEVICE, opening(office.order()))

    refusal = run(main)
    assert isinstance(refusal, Refusal)
    assert (refusal.delivery, refusal.clauses) == (office.order().delivery, ("G07",))


@pytest.mark.parametrize("body", [b"[]", b"1", b"junk", b"\xff", b"{}"])
def test_bytes_that_are_no_rendering_harm_no_other(house: House, body: bytes) -> None:
    """They have no digest that anybody signed; what was signed goes out."""
    bundle = house.bundle
    more = Bundle(bundle.plan, {"ab" * 32: body, **bundle.renderings}, bundle.envelopes)

    async def main() -> object:
        return await house.ask(house.drafted.order("x"), more)

    assert isinstance(run(main), Permit)


def test_closing_lets_go_of_connections_and_of_the_spent_file(house: House) -> None:
    """After it, nothing can be recorded, so nothing can be sent."""
    let_go: list[str] = []

    async def go() -> None:
        let_go.append("connections")

    async def main() -> None:
        keeping = house.sender._keeping
        sender = LocalSender(keeping, house._outlets, Mode.LIVE, house.clock, lambda: "n", let_go=go)
        await sender.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            await keeping.spent.append("k", SpentEvent.OPEN, "dlv-1 t", NOW)

    run(main)
    assert let_go == ["connections"]


def test_a_sender_without_connections_closes_too(house: House) -> None:
    """Only the spent file is let go of."""

    async def main() -> None:
        await house.sender.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            await house.sender._keeping.spent.append("k", SpentEvent.OPEN, "dlv-1 t", NOW)

    run(main)


def test_what_one_bundle_lacked_the_next_may_bring(house: House) -> None:
    """Bundles are told apart by all that they hold: plan, renderings, signatures."""
    whole, order = house.bundle, house.drafted.order("x")
    poorer = (Bundle(whole.plan, {}, whole.envelopes), Bundle(whole.plan, whole.renderings, ()))

    async def main() -> list[bool]:
        return [isinstance(await house.ask(order, bundle), Permit) for bundle in (*poorer, whole)]

    assert run(main) == [False, False, True]


def test_a_signature_is_told_from_its_forgery(house: House) -> None:
    """The same statement under another signature makes another bundle, read for itself."""
    whole, order = house.bundle, house.drafted.order("x")
    forged = tuple(replace(envelope, signature=envelope.signature[::-1]) for envelope in whole.envelopes)

    async def main() -> list[bool]:
        bundles = (replace(whole, envelopes=forged), whole)
        return [isinstance(await house.ask(order, bundle), Permit) for bundle in bundles]

    assert run(main) == [False, True]


def held(*junk: bytes) -> Renderings:
    """A plan's renderings, and bytes that are none."""
    bodies = draft("x").renderings
    return Renderings({**bodies, **{f"{number:064x}": body for number, body in enumerate(junk)}})


def test_what_is_no_rendering_is_not_there() -> None:
    """Neither by its digest nor when they are counted or gone through."""
    junk = (b"junk", b"[]", b'"text"')
    found, whole = held(*junk), held()
    names = [canonical.digest(RENDERING_SCHEMA, body) for body in junk]
    assert [name in found for name in names] == [False] * 3
    assert (list(found), len(found)) == (list(whole), len(whole))
    assert len(whole) == len(draft("x").renderings) > 0


def test_a_rendering_that_is_not_at_hand_is_missing() -> None:
    """As in any mapping."""
    with pytest.raises(KeyError):
        held(b"junk")[canonical.digest(RENDERING_SCHEMA, b"junk")]


def test_a_rendering_is_read_once() -> None:
    """A thousand deliveries carry the same."""
    found = held()
    (name, *_) = found
    assert found[name] is found[name]

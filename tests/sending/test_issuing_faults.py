"""Why a code is not issued, clause by clause, and who is not kept from asking for one."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from channels.contract import DeliveryKind
from dispatcher.domain.people import Role
from dispatcher.domain.statement import StatementKind
from dispatcher.gate.evidence import Failure, Then
from dispatcher.sending.issuing import spent_fault, window_end
from dispatcher.sending.permit import HandOff, Refusal
from dispatcher.sending.spent import Account, Opened, SpentEvent
from tests.builders import draft
from tests.cast import NOW, person, roster, signed
from tests.sending.handing import DEVICE, MINUTE, Office, opening
from tests.sending.kit import House, run

PLAN = draft("tiktok").plan
NOT_HANDED_OVER = "this delivery was not handed over by this sender"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """A sender whose only account is on TikTok."""
    return Office(tmp_path)


async def refusal(office: Office, **receipt: object) -> Refusal:
    """Ask for a code that must be refused, on a receipt of this sort."""
    answer = await office.issue(envelope=opening(office.order(), **receipt))  # type: ignore[arg-type]  # its keywords
    assert isinstance(answer, Refusal)
    return answer


@pytest.mark.parametrize("kind", [DeliveryKind.CORRECT, DeliveryKind.WITHDRAW])
def test_the_way_back_has_the_window_of_armed_texts(kind: DeliveryKind) -> None:
    """It stays open for days after there is nothing to publish any more."""
    assert window_end(PLAN, kind) == PLAN.armed_not_after > window_end(PLAN, DeliveryKind.PUBLISH)


@pytest.mark.parametrize(
    "known",
    [
        Account(),
        Account((Opened("dlv-1 t", NOW),)),
        Account((Opened("dlv-1 t", NOW),), SpentEvent.ACCEPTED),
        Account((), SpentEvent.HANDED_OVER),
    ],
)
def test_only_what_this_sender_handed_over_may_be_opened(office: Office, known: Account) -> None:
    """Not what was never tried, is in doubt, was posted, or has no attempt to its name."""
    assert spent_fault(known, office.order()) == NOT_HANDED_OVER


def test_a_receipt_of_ten_minutes_ago_still_opens(office: Office) -> None:
    """At most ten minutes old means ten as well."""

    async def main() -> object:
        await office.hand_over(office.order())
        return await office.issue(envelope=opening(office.order(), ago=10 * MINUTE))

    assert isinstance(run(main), HandOff)


def test_a_receipt_that_is_too_old_is_refused_with_its_limit(office: Office) -> None:
    """Whoever signed it reads how fresh it has to be."""

    async def main() -> Refusal:
        await office.hand_over(office.order())
        return await refusal(office, ago=10 * MINUTE + timedelta(seconds=1))

    assert run(main).sentence.endswith("it must be signed within the last 10 minutes")


@pytest.mark.parametrize(
    ("kind", "about"),
    [(StatementKind.APPROVE, "ab" * 32), (StatementKind.RESOLVE, "")],
    ids=["an approval of another plan", "another statement about this plan"],
)
def test_what_is_no_approval_of_this_plan_keeps_nobody_from_opening_it(
    tmp_path: Path, kind: StatementKind, about: str
) -> None:
    """Only who approved this plan is kept apart from who posts it (reference: policy 6.2)."""
    office = Office(tmp_path, roster=roster(operator_1=person("operator-1", Role.CHECKER)))
    subject = about or office.drafted.plan.digest
    role = Role.CHECKER if kind is StatementKind.APPROVE else None
    office.envelopes.append(signed(kind, "operator-1", role, subject=subject, channels=["tiktok"]))

    async def main() -> HandOff:
        await office.hand_over(office.order())
        return await office.issued()

    assert isinstance(run(main), HandOff)


def test_of_several_reasons_the_gravest_says_what_becomes_of_it(office: Office) -> None:
    """A receipt that people have to mend outweighs a halt that ends by itself."""
    halt = signed(StatementKind.HALT, "ops-1", scope="channel", target="tiktok", at=NOW - MINUTE)

    async def main() -> Refusal:
        await office.hand_over(office.order())
        await office.fresh(halt)
        return await refusal(office, step="posted")

    refused = run(main)
    assert ([failure.then for failure in refused.failures], refused.then) == ([Then.WAIT, Then.HOLD], Then.HOLD)


def test_a_full_disk_is_for_operations_to_mend_and_waits(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal says what failed, and that it ends by itself."""

    def full(_: int, _lines: Sequence[memoryview]) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def main() -> object:
        await office.hand_over(office.order())
        monkeypatch.setattr(os, "writev", full)
        return await office.issue()

    fact = "no code was issued: spent file: No space left on device"
    failure = Failure("G15", fact, "ops", Then.WAIT)
    assert run(main) == Refusal(office.order().delivery, (failure,), Then.WAIT)


def test_an_account_that_nobody_finishes_by_hand_has_no_codes(tmp_path: Path) -> None:
    """Its adapter seals nothing: whoever asks is told that this sender does not hold such an account."""
    house = House(tmp_path, draft("x"))
    order = house.drafted.order("x")

    async def main() -> object:
        return await house.sender.issue(house.bundle, order, DEVICE, opening(order))

    answer = run(main)
    assert isinstance(answer, Refusal)
    assert answer.clauses == ("G07",)

"""What a sender writes down and says, to the word."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from channels.contract import Outcome, Verdict
from dispatcher.domain.canonical import format_time
from dispatcher.sending.decisions import Decisions
from dispatcher.sending.permit import Refusal
from tests.builders import draft, status
from tests.cast import NOW
from tests.sending.handing import MINUTE, Office, opening
from tests.sending.kit import House, note, run, told


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A sender of X with a cleared plan."""
    return House(tmp_path, draft("x"))


def test_a_judgement_has_a_place_for_each_thing_it_was_made_from(house: House) -> None:
    """Auditors and their programs find each under its name."""

    async def main() -> None:
        await told(house.sender, status=status(at=NOW))
        await house.permit(house.drafted.order("x"))

    run(main)
    (entry,) = (json.loads(line) for line in house.decisions_path.read_text().splitlines())
    assert set(entry) == {
        *("decided", "decision", "at", "until", "plan", "generation", "channel", "account", "kind"),
        *("policy", "roster", "status_at", "statements", "failures"),
    }
    assert (entry["decided"], entry["channel"], entry["account"], entry["kind"]) == ("plan", "x", "x-1", "publish")
    assert (entry["at"], entry["status_at"]) == (format_time(NOW), format_time(NOW))


def test_a_refusal_on_record_has_a_place_for_each_thing(house: House) -> None:
    """Delivery, time and every failure with its clause."""

    async def main() -> None:
        await house.refused(house.drafted.order("x", account="x-9"))

    run(main)
    (entry,) = (json.loads(line) for line in house.decisions_path.read_text().splitlines())
    assert set(entry) == {"decided", "at", "delivery", "failures"}
    assert (entry["decided"], entry["at"]) == ("refusal", format_time(NOW))


def test_the_folder_of_the_record_is_made(tmp_path: Path) -> None:
    """As deep as the deployment has it, and once."""
    path = tmp_path / "deployment" / "sender" / "decisions.jsonl"
    for _ in range(2):
        Decisions(path)
    assert path.parent.is_dir()


def test_an_operators_receipt_that_is_too_old_is_told_how_old_it_may_be(tmp_path: Path) -> None:
    """In minutes."""
    office = Office(tmp_path)

    async def main() -> object:
        await office.hand_over(office.order())
        return await office.issue(envelope=opening(office.order(), ago=10 * MINUTE + timedelta(seconds=1)))

    refusal = run(main)
    assert isinstance(refusal, Refusal)
    assert "it must be signed within the last 10 minutes" in refusal.sentence


def test_the_second_of_two_permits_is_deferred_by_its_clause(house: House) -> None:
    """The worker learns which clause it was, as from a refusal."""

    async def main() -> Outcome:
        first, second = [await house.permit(house.drafted.order("x")) for _ in range(2)]
        await house.sender.send(first, note)
        return await house.sender.send(second, note)

    outcome = run(main)
    assert (outcome.verdict, outcome.code) == (Verdict.DEFERRED, "G15")


def test_an_adapter_that_fails_is_told_from_a_platform_that_does(house: House) -> None:
    """By the outcome's code; its reason names the kind of error and none of its words."""
    house.platforms["x"].script.append(RuntimeError("token tops3cret"))

    async def main() -> Outcome:
        return await house.sender.send(await house.permit(house.drafted.order("x")), note)

    outcome = run(main)
    assert (outcome.verdict, outcome.code) == (Verdict.IN_DOUBT, "adapter")
    assert outcome.reason == "the adapter failed: RuntimeError"

"""What one sender asks the gate: once for orders alike, and before a byte leaves whatever may have changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.contract import Outcome
from dispatcher.domain.statement import StatementKind
from dispatcher.gate import decide as gate
from dispatcher.sending import judge
from dispatcher.sending.judge import Answer
from dispatcher.sending.permit import Permit
from tests.builders import draft, status
from tests.cast import NOW, signed
from tests.draws import draws
from tests.sending.kit import House, note, run, told

SECOND = timedelta(seconds=1)
DRAFTED = draft("x", "webhook", "tiktok")


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A sender of X, webhook and TikTok with a cleared plan."""
    return House(tmp_path, DRAFTED)


def asked(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The accounts that the gate is asked about, as it is asked."""
    seen, ask = list[str](), gate.decide
    monkeypatch.setattr(judge, "decide", lambda *given: (seen.append(given[1].account), ask(*given))[1])
    return seen


def test_orders_with_the_same_facts_are_answered_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two deliveries of one text to one account are one question; each has a permit of its own."""
    seen = asked(house, monkeypatch)
    one = house.drafted.order("x")
    answers = run(lambda: house.sender.permit(house.bundle, [one, replace(one, delivery="dlv-other")]))
    assert (seen, {answer.delivery for answer in answers}) == (["x-1"], {one.delivery, "dlv-other"})
    assert len({answer.id for answer in answers if isinstance(answer, Permit)}) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"incident_state": "stood_down"},
        {"rendering": "0" * 64},
        {"asked_at": NOW + 60 * SECOND},
        {"incident": "inc-other"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_the_gate_can_tell_apart_is_asked_apart(house: House, change: dict[str, object]) -> None:
    """An order like the one before it in all but this is refused beside it."""
    one = house.drafted.order("x")
    other = replace(one, delivery="dlv-other", **change)  # type: ignore[arg-type]
    good, bad = run(lambda: house.sender.permit(house.bundle, [one, other]))
    assert (isinstance(good, Permit), isinstance(bad, Permit)) == (True, False)


def test_the_next_call_asks_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that was answered outlasts its call: a halt in between is heard."""
    seen, one = asked(house, monkeypatch), house.drafted.order("x")

    async def main() -> tuple[str, ...]:
        await house.permit(one)
        await told(house.sender, signed(StatementKind.HALT, "ops-1", scope="all"))
        return tuple(await house.refused(one))

    assert (run(main), seen) == (("G16",), ["x-1", "x-1"])


def test_the_last_check_looks_no_further_while_nothing_can_have_changed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two checks before one call the second finds that the first still holds."""
    looks, look = list[str](), judge.g16_stopped
    monkeypatch.setattr(judge, "g16_stopped", lambda case: (looks.append(case.facts.account), look(case))[1])
    run(lambda: house.deliver(house.drafted.order("x")))
    assert (looks, house.made()) == (["x-1"], 1)


def moments(house: House) -> Sequence[datetime]:
    """When anything about the plan changes, and a moment before and after."""
    plan = house.drafted.plan
    turns = (plan.not_before, plan.not_after, plan.valid_until, plan.armed_not_after, NOW, NOW + 60 * SECOND)
    late = tuple(turn - 2 * SECOND for turn in turns)  # what a call needs
    tick = timedelta(microseconds=1)
    return sorted({turn + step for turn in (*turns, *late) for step in (-tick, timedelta(0), tick, SECOND)})


@given(
    places=st.lists(st.integers(0, 10**6), min_size=2, max_size=4),
    kind=st.sampled_from(["x", "tiktok"]),
    data=st.data(),
)
@settings(max_examples=draws(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_remembered_says_what_would_be_asked_afresh(
    tmp_path_factory: pytest.TempPathFactory, places: list[int], kind: str, data: st.DataObject
) -> None:
    """At any moments, in any order, with and without stops in between."""
    house = House(tmp_path_factory.mktemp("judged"), DRAFTED)

    async def main() -> list[tuple[Outcome | None, Outcome | None]]:
        await told(house.sender, status=status(at=NOW))
        await house.permit(house.drafted.order(kind))
        (granted,) = house.sender._granted.values()
        pairs = []
        for place in places:
            choice = moments(house)
            house.clock.now = choice[place % len(choice)]
            if data.draw(st.booleans()):
                await told(house.sender, status=status(at=house.clock.now))
            kept = granted.answer
            fresh = Answer(kept.evidence, kept.facts, kept.decision, kept.name)
            plan = house.drafted.plan.digest
            pairs.append((house.sender._judge.stopped(kept, plan), house.sender._judge.stopped(fresh, plan)))
        return pairs

    for remembered, afresh in run(main):
        assert remembered == afresh


def test_a_status_that_grew_old_is_noticed_though_it_was_fresh_a_moment_ago(house: House) -> None:
    """A minute after the last one, what was let go at fifty-nine seconds is held."""

    async def main() -> list[str | None]:
        await told(house.sender, status=status(at=NOW))
        permit = await house.permit(house.drafted.order("tiktok"))
        answer = house.sender._granted[permit.id].answer
        said = []
        for seconds in (0, 59, 60, 61):
            house.clock.now = NOW + seconds * SECOND
            outcome = house.sender._judge.stopped(answer, house.drafted.plan.digest)
            said.append(outcome.code if outcome else None)
        return said

    assert run(main) == [None, None, None, "G16"]


def test_a_window_that_ends_is_noticed_though_there_was_room_a_moment_ago(house: House) -> None:
    """The last call begins early enough to be over in time, with the status fresh all the while."""
    last = house.drafted.plan.not_after - 2 * SECOND

    async def main() -> list[str | None]:
        permit = await house.permit(house.drafted.order("x"))
        answer = house.sender._granted[permit.id].answer
        house.clock.now = last - SECOND
        await told(house.sender, status=status(at=house.clock.now))
        said = []
        for seconds in (-1, 0, 1):
            house.clock.now = last + seconds * SECOND
            outcome = house.sender._judge.stopped(answer, house.drafted.plan.digest)
            said.append(outcome.code if outcome else None)
        return said

    assert run(main) == [None, None, "G04"]


def test_one_permit_is_one_call_however_many_are_alike(house: House) -> None:
    """That orders share an answer shares no permit."""
    one = house.drafted.order("x")

    async def main() -> list[str]:
        first, second = await house.sender.permit(house.bundle, [one, replace(one, delivery="dlv-other")])
        assert isinstance(first, Permit)
        assert isinstance(second, Permit)
        outcomes = [await house.sender.send(permit, note) for permit in (first, first, second)]
        return [outcome.code for outcome in outcomes]

    assert run(main) == ["", "permit", "G15"]

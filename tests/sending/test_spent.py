"""The spent file: nothing goes out twice, whatever crashes, and what nobody can tell is not guessed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.contract import Found, Job, Note, Outcome, Verdict
from dispatcher.domain.plan import OnAmbiguous
from dispatcher.domain.statement import Envelope, StatementKind
from dispatcher.sending.spent import SpentEvent, SpentFile
from tests.builders import draft
from tests.cast import HOUR, NOW, signed
from tests.sending.kit import KEYED, MAYBE, NEITHER, QUERY, House, house_in, run, sent

SECOND = timedelta(seconds=1)
PLAN = draft("x").plan.digest
LAG = timedelta(seconds=5)
DOUBT = Outcome(Verdict.IN_DOUBT, "no answer", "timeout")
DEFERRED = Outcome(Verdict.DEFERRED, "too many requests", "429")
REJECTED = Outcome(Verdict.REJECTED, "no", "400")
HANDED_OVER = Outcome(Verdict.HANDED_OVER, reference="task-1")


async def look(house: House, after: timedelta, **changes: Any) -> Found:
    """Move on, and look for the post."""
    house.clock.advance(after)
    return (await house.sender.find(house.bundle, replace(house.drafted.order("x"), **changes))).found


OTHER = "G15 an earlier attempt, of another delivery or time, may have been published"


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("first", [None, HANDED_OVER])
def test_what_was_accepted_is_not_sent_again(tmp_path: Path, first: Outcome | None, restart: bool) -> None:
    """Neither at once nor by a new process over the same disk."""
    house = house_in(tmp_path, *([first] if first else []))

    async def main() -> str:
        await sent(house)
        if restart:
            house.start()
        return await sent(house)

    assert run(main) == ("G15 already handed_over" if first else "G15 already accepted")


@pytest.mark.parametrize("answer", [DEFERRED, REJECTED])
def test_what_was_proved_unsent_may_be_sent(tmp_path: Path, answer: Outcome) -> None:
    """A refusal by the platform leaves the destination free, also after a restart."""
    house = house_in(tmp_path, answer)

    async def main() -> list[str]:
        first = await sent(house)
        house.start()
        return [first, await sent(house)]

    assert run(main) == [str(answer.verdict), "accepted"]


@pytest.mark.parametrize("restart", [False, True])
def test_what_may_have_been_published_is_not_sent_again(tmp_path: Path, restart: bool) -> None:
    """In doubt stays in doubt until something settles it."""
    house = house_in(tmp_path, DOUBT)

    async def main() -> str:
        await sent(house)
        if restart:
            house.start()
        house.clock.advance(3 * HOUR)
        return await sent(house)

    assert run(main) == MAYBE


def test_open_is_on_disk_before_the_adapter_is_called(tmp_path: Path) -> None:
    """At the first byte the file already says so."""
    house = house_in(tmp_path)
    seen: list[str] = []
    platform = house.platforms["x"]
    send = platform.send

    async def watching(job: Job, note: Note) -> Outcome:
        seen.append(house.spent_path.read_text())
        return await send(job, note)

    platform.send = watching  # type: ignore[method-assign]

    async def main() -> str:
        return await sent(house)

    run(main)
    assert [json.loads(line)["event"] for line in seen[0].splitlines()] == ["open"]


LOOKS = {
    "twice, a lag after the attempt, a lag apart": ([LAG, LAG], "accepted"),
    "once": ([LAG], MAYBE),
    "twice, not a lag apart": ([LAG, LAG - SECOND], MAYBE),
    "twice, the first too early": ([LAG - SECOND, LAG], MAYBE),
    "thrice, the first too early": ([SECOND, LAG, LAG], "accepted"),
    "thrice, the ends a lag apart": ([LAG, LAG / 2, LAG / 2], "accepted"),
}


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize(("waits", "then"), LOOKS.values(), ids=LOOKS.keys())
def test_a_post_found_absent_twice_may_be_sent_again(
    tmp_path: Path, waits: list[timedelta], then: str, restart: bool
) -> None:
    """The looks count from when the record can no longer lag, and lie a lag apart."""
    house = house_in(tmp_path, DOUBT)

    async def main() -> str:
        await sent(house)
        for wait in waits:
            await look(house, wait)
        if restart:
            house.start()
        return await sent(house)

    assert run(main) == then


def test_one_look_is_not_enough_even_where_the_record_never_lags(tmp_path: Path) -> None:
    """Twice means twice."""
    house = house_in(tmp_path, DOUBT, idempotency=replace(QUERY, lag_s=0.0))

    async def main() -> list[str]:
        await sent(house)
        await look(house, SECOND)
        once = await sent(house)
        await look(house, SECOND)
        return [once, await sent(house)]

    assert run(main) == [MAYBE, "accepted"]


def test_looks_count_for_the_last_attempt_only(tmp_path: Path) -> None:
    """A second attempt that is in doubt has to be looked for again."""
    house = house_in(tmp_path, DOUBT, DOUBT)

    async def main() -> list[str]:
        await sent(house)
        await look(house, LAG)
        await look(house, LAG)
        return [await sent(house), await sent(house)]

    assert run(main) == ["in_doubt", MAYBE]


def test_an_attempt_after_two_looks_that_was_deferred_may_be_made_again(tmp_path: Path) -> None:
    """The looks at the attempt before still hold when the one after was refused by the platform."""
    house = house_in(tmp_path, DOUBT, DEFERRED)

    async def main() -> list[str]:
        await sent(house)
        await look(house, LAG)
        await look(house, LAG)
        return [await sent(house), await sent(house)]

    assert run(main) == ["deferred", "accepted"]


def test_a_post_that_is_found_is_settled(tmp_path: Path) -> None:
    """The platform acted, and only its answer was lost."""
    house = house_in(tmp_path, DOUBT)

    async def main() -> str:
        await sent(house)
        order = house.drafted.order("x")
        house.platforms["x"].public[order.delivery] = house.platforms["x"].made[0].job.rendering
        assert await look(house, LAG) is Found.FOUND
        return await sent(house)

    assert run(main) == "G15 already found"


def test_a_record_that_cannot_be_read_proves_nothing(tmp_path: Path) -> None:
    """Unknown is not absent."""
    house = house_in(tmp_path, DOUBT)
    house.platforms["x"].unreadable = True

    async def main() -> str:
        await sent(house)
        await look(house, LAG)
        await look(house, LAG)
        return await sent(house)

    assert run(main) == MAYBE


def test_looking_for_another_delivery_proves_nothing(tmp_path: Path) -> None:
    """A look under an id that was never sent must not count as an absence of what was."""
    house = house_in(tmp_path, DOUBT)

    async def main() -> list[Any]:
        await sent(house)
        found = [await look(house, LAG, delivery="dlv-invented") for _ in range(2)]
        return [*found, await sent(house)]

    assert run(main) == [Found.UNKNOWN, Found.UNKNOWN, MAYBE]


@pytest.mark.parametrize("change", ["account", "rendering", "plan"])
def test_there_is_no_looking_where_the_sender_has_nothing(tmp_path: Path, change: str) -> None:
    """An unknown account, unknown bytes or an unreadable plan: unknown, and no crash."""
    house = house_in(tmp_path)

    async def main() -> Found:
        bundle = replace(house.bundle, plan=b"x") if change == "plan" else house.bundle
        changes = {} if change == "plan" else {change: "other"}
        return (await house.sender.find(bundle, replace(house.drafted.order("x"), **changes))).found  # type: ignore[arg-type]

    assert run(main) is Found.UNKNOWN


HALF_LIFE = timedelta(seconds=KEYED.ttl_s / 2)


@pytest.mark.parametrize(("age", "then"), [(HALF_LIFE - SECOND / 1000, "accepted"), (HALF_LIFE, MAYBE)])
def test_an_idempotent_channel_repeats_while_its_key_is_young(tmp_path: Path, age: timedelta, then: str) -> None:
    """Half the key's life is a safe margin; after it nobody knows."""
    house = house_in(tmp_path, DOUBT, idempotency=KEYED)

    async def main() -> str:
        await sent(house)
        house.clock.advance(age)
        return await sent(house)

    assert run(main) == then


@pytest.mark.parametrize("change", [{"delivery": "dlv-twin"}, {"intended_at": NOW - 5 * SECOND}])
def test_a_repeat_under_another_key_is_not_harmless(tmp_path: Path, change: dict[str, Any]) -> None:
    """A delivery row made by hand, or one with its time edited, would carry another idempotency key."""
    house = house_in(tmp_path, DOUBT, idempotency=KEYED)

    async def main() -> str:
        await sent(house)
        return await sent(house, **change)

    assert run(main) == OTHER


def test_an_unsent_repeat_does_not_settle_the_attempt_before_it(tmp_path: Path) -> None:
    """Attempt one in doubt, attempt two refused by the platform: when the key is old, one may still have worked."""
    house = house_in(tmp_path, DOUBT, DEFERRED, idempotency=KEYED)

    async def main() -> list[str]:
        outcomes = [await sent(house), await sent(house)]
        house.clock.advance(HALF_LIFE)
        return [*outcomes, await sent(house)]

    assert run(main) == ["in_doubt", "deferred", MAYBE]


def test_a_late_refusal_does_not_reopen_a_settled_destination(tmp_path: Path) -> None:
    """Of two repeats under way, one is accepted and the other then refused: accepted it stays."""
    house = house_in(tmp_path, idempotency=KEYED)

    async def main() -> str:
        spent = SpentFile(tmp_path / "other.jsonl")
        for event in (SpentEvent.OPEN, SpentEvent.OPEN, SpentEvent.ACCEPTED, SpentEvent.UNSENT):
            await spent.append("key", event, "dlv 1", house.clock())
        return str(spent.fault("key", "dlv 1", KEYED, NOW, resend=True, resolved=True))

    assert run(main) == "already accepted"


@pytest.mark.parametrize(("choice", "then"), [(OnAmbiguous.RESEND, "in_doubt"), (OnAmbiguous.HOLD, MAYBE)])
def test_the_signed_plan_says_whether_to_resend(tmp_path: Path, choice: OnAmbiguous, then: str) -> None:
    """Where nobody can look, officers chose beforehand."""
    house = house_in(tmp_path, DOUBT, DOUBT, idempotency=NEITHER, on_ambiguous=choice)

    async def main() -> str:
        await sent(house)
        return await sent(house)

    assert run(main) == then


@pytest.mark.parametrize("before", [(), (DEFERRED,), (DEFERRED, DEFERRED)])
def test_a_resend_happens_once(tmp_path: Path, before: tuple[Outcome, ...]) -> None:
    """Attempts that were proved unsent do not use it up; a second doubt does."""
    house = house_in(tmp_path, *before, DOUBT, DOUBT, idempotency=NEITHER, on_ambiguous=OnAmbiguous.RESEND)

    async def main() -> list[str]:
        return [await sent(house) for _ in range(len(before) + 3)]

    assert run(main) == [*(["deferred"] * len(before)), "in_doubt", "in_doubt", MAYBE]


def resolution(person: str, after: timedelta = SECOND, plan: str = PLAN, **body: Any) -> Envelope:
    """One person's signed word that the post is not to be seen."""
    whole = {"delivery": "dlv-x-publish", "seen": "not_seen", **body}
    return signed(StatementKind.RESOLVE, person, subject=plan, at=NOW + after, **whole)


def resolution_of_set(person: str, *several: str) -> Envelope:
    """One person's signed word about a set of deliveries."""
    return signed(
        StatementKind.RESOLVE,
        person,
        subject=PLAN,
        at=NOW + SECOND,
        deliveries=dict.fromkeys(several, 1),
        seen="not_seen",
    )


SET = ("dlv-x-publish", "d-2")
RESOLUTIONS = {
    "two people about a set": ([resolution_of_set("ops-1", *SET), resolution_of_set("director-1", *SET)], "accepted"),
    "one about it, one about a set": ([resolution("ops-1"), resolution_of_set("director-1", *SET)], "accepted"),
    "two about sets that only one has it in": (
        [resolution_of_set("ops-1", *SET), resolution_of_set("director-1", "d-2")],
        MAYBE,
    ),
    "two people": ([resolution("ops-1"), resolution("director-1")], "accepted"),
    "one person": ([resolution("ops-1")], MAYBE),
    "one of them an author": ([resolution("ops-1"), resolution("author-1")], MAYBE),
    "one person twice": ([resolution("ops-1"), resolution("ops-1", 2 * SECOND)], MAYBE),
    "one who saw it": ([resolution("ops-1"), resolution("director-1", seen="seen")], MAYBE),
    "of another delivery": ([resolution("ops-1", delivery="d-2"), resolution("director-1", delivery="d-2")], MAYBE),
    "of another plan": ([resolution("ops-1", plan="ab"), resolution("director-1", plan="ab")], MAYBE),
    "at the attempt's own time": ([resolution("ops-1"), resolution("director-1", 0 * SECOND)], "accepted"),
    "from before the attempt": ([resolution("ops-1"), resolution("director-1", -SECOND)], MAYBE),
}


@pytest.mark.parametrize(("signed_", "then"), RESOLUTIONS.values(), ids=RESOLUTIONS.keys())
def test_two_people_may_say_that_it_is_not_there(tmp_path: Path, signed_: list[Envelope], then: str) -> None:
    """Both looked after the attempt, at this delivery, and are not the same person."""
    house = house_in(tmp_path, DOUBT, idempotency=NEITHER)

    async def main() -> str:
        await sent(house)
        house.clock.advance(3 * SECOND)
        house.envelopes += signed_
        return await sent(house)

    assert run(main) == then


def test_a_resolution_is_used_once(tmp_path: Path) -> None:
    """When the attempt that it allowed is in doubt as well, people have to look again."""
    house = house_in(tmp_path, DOUBT, DOUBT, idempotency=NEITHER)

    async def main() -> list[str]:
        await sent(house)
        house.clock.advance(3 * SECOND)
        house.envelopes += [resolution("ops-1"), resolution("director-1")]
        return [await sent(house), await sent(house)]

    assert run(main) == ["in_doubt", MAYBE]


def test_a_resolution_of_one_delivery_does_not_free_another(tmp_path: Path) -> None:
    """An order that names a resolved delivery's id but goes where another is open is refused."""
    house = house_in(tmp_path, DOUBT, idempotency=NEITHER)

    async def main() -> str:
        await sent(house)
        house.clock.advance(3 * SECOND)
        house.envelopes += [resolution(p, delivery="dlv-resolved") for p in ("ops-1", "director-1")]
        return await sent(house, delivery="dlv-resolved")

    assert run(main) == OTHER

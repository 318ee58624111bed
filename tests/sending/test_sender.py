"""The sender in this process: what it lets through, what it refuses, and what it does when an adapter misbehaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.contract import DeliveryKind, Outcome, Verdict
from dispatcher.domain import canonical
from dispatcher.domain.message import TextKind
from dispatcher.domain.people import Role, RoleHeld
from dispatcher.domain.statement import Envelope, Mode, StatementKind
from dispatcher.sending.order import MAX_ORDERS, Bundle
from dispatcher.sending.permit import Permit, Refusal
from dispatcher.sending.prepared import REMEMBERED_BUNDLES
from tests.builders import draft, everything_signed, revision, status
from tests.cast import NOW, START, person, roster, signed
from tests.sending.kit import House, clauses, run, told

SECOND = timedelta(seconds=1)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A sender of X, webhook and TikTok with a cleared plan."""
    return House(tmp_path, draft("x", "webhook", "tiktok"))


def test_what_was_signed_reaches_the_platform(house: House) -> None:
    """The adapter is given the very rendering that people signed."""
    order = house.drafted.order("x")

    async def main() -> Outcome | Refusal:
        return await house.deliver(order)

    outcome = run(main)
    assert isinstance(outcome, Outcome)
    assert outcome.verdict is Verdict.ACCEPTED
    (made,) = house.platforms["x"].made
    body = canonical.encode(made.job.rendering.document())
    assert body == house.drafted.renderings[order.rendering]


def test_tiktok_goes_with_a_fresh_status(house: House) -> None:
    """With a signed status at hand, the exceptional tier is permitted."""

    async def main() -> Outcome | Refusal:
        await told(house.sender, status=status())
        return await house.deliver(house.drafted.order("tiktok"))

    assert isinstance(run(main), Outcome)


def test_what_was_judged_of_one_text_is_not_said_of_another(tmp_path: Path) -> None:
    """A clean text, asked for first in the place of the signed one, does not let that one's tracker through (G11)."""
    texts = dict(revision().texts)
    tracked = "Where to go: https://city.example/storm?utm_source=tiktok"
    texts[TextKind.PUBLISH] = tuple(replace(text, body=tracked) for text in texts[TextKind.PUBLISH])
    drafted = draft("tiktok", "webhook", message=revision(texts=texts))
    house = House(tmp_path, drafted)
    honest, other = drafted.order("tiktok"), drafted.order("tiktok", TextKind.ALL_CLEAR)

    async def main() -> list[Sequence[str]]:
        await told(house.sender, status=status())
        return [await house.refused(replace(honest, rendering=other.rendering)), await house.refused(honest)]

    assert run(main) == [("G07",), ("G11",)]


@pytest.mark.parametrize(
    ("text", "did"),
    [
        (TextKind.CORRECT, DeliveryKind.CORRECT),
        (TextKind.WITHDRAW, DeliveryKind.WITHDRAW),
        (TextKind.ALL_CLEAR, DeliveryKind.CORRECT),
    ],
)
def test_the_way_back_is_called_as_what_it_is(house: House, text: TextKind, did: DeliveryKind) -> None:
    """A correction calls ``correct``, a withdrawal ``withdraw``; both name the original."""
    house.envelopes = everything_signed(house.drafted.plan, list(DeliveryKind))

    async def main() -> None:
        await house.deliver(house.drafted.order("x", text, original="ref-1"))

    run(main)
    assert [(made.did, made.job.original) for made in house.platforms["x"].made] == [(did, "ref-1")]


def test_a_correction_does_not_use_up_the_all_clear(house: House) -> None:
    """The texts of a plan are spent one by one, although both correct what went before."""
    house.envelopes = everything_signed(house.drafted.plan, list(DeliveryKind))

    async def main() -> None:
        for text in TextKind:
            await house.deliver(house.drafted.order("x", text))

    run(main)
    assert house.made() == len(TextKind)


def edited(house: House, old: bytes, new: bytes) -> Bundle:
    """The bundle with a word changed in the renderings, still under their signed names."""
    bodies = {digest: body.replace(old, new) for digest, body in house.drafted.renderings.items()}
    return replace(house.bundle, renderings=bodies)


@pytest.mark.parametrize(
    ("old", "new"), [(b"6pm", b"7pm"), ("Ŵyr".encode(), b"Wyr"), (b"cy", b"cz"), (b"{", b" {"), (b"x-1", b"\xff")]
)
def test_edited_bytes_are_refused(house: House, old: bytes, new: bytes) -> None:
    """One character changed in storage, a Welsh letter included, is not what was signed."""

    async def main() -> Any:
        return await house.refused(house.drafted.order("x"), edited(house, old, new))

    assert "G07" in run(main)


def test_the_bytes_of_another_account_are_refused(house: House) -> None:
    """A rendering of the same plan for another account does not go through this one."""

    async def main() -> Any:
        order = replace(house.drafted.order("x"), rendering=house.drafted.order("webhook").rendering)
        return await house.refused(order)

    assert run(main) == ("G07",)


def test_an_account_without_credential_here_is_refused(house: House) -> None:
    """The sender sends for the accounts it holds, whatever an order says."""

    async def main() -> Any:
        return await house.refused(replace(house.drafted.order("x"), account="x-2"))

    assert run(main) == ("G07",)


def test_an_account_that_the_plan_does_not_have_is_refused(tmp_path: Path) -> None:
    """A delivery row for another of our accounts, put in by hand, has no signature behind it."""
    house = House(tmp_path, draft("x", "webhook"))
    only_x = draft("x")
    house.drafted, house.envelopes = only_x, everything_signed(only_x.plan)

    async def main() -> Any:
        return await house.refused(replace(only_x.order("x"), account="webhook-1", channel="webhook"))

    assert "G07" in run(main)


@pytest.mark.parametrize(
    "plan", [b"", b"{}", b"\xff\xfe", b'{"schema":"plan/v1"}', b"[" * 100_000, b'{"schema": "plan/v1"}']
)
def test_a_plan_that_cannot_be_read_is_refused_for_every_order(house: House, plan: bytes) -> None:
    """Hostile bytes are a refusal, not a crash."""

    async def main() -> list[tuple[str, ...]]:
        orders = [house.drafted.order("x"), house.drafted.order("webhook")]
        return clauses(await house.sender.permit(replace(house.bundle, plan=plan), orders))

    assert run(main) == [("G07",), ("G07",)]


def test_an_edited_plan_loses_every_signature(house: House) -> None:
    """Contributors taken out of the plan's bytes make another plan, which nobody approved."""
    forged = replace(house.drafted.plan, contributors={"author-1": ("author",)})

    async def main() -> Any:
        return await house.refused(house.drafted.order("webhook"), replace(house.bundle, plan=forged.encoded()))

    assert run(main) == ("G03", "G08")


def test_forged_and_foreign_envelopes_count_for_nothing(house: House) -> None:
    """A payload under another statement's signature is left out; what is missing is said."""
    first, *others = house.envelopes
    house.envelopes = [Envelope(first.payload, others[0].signature), *others]

    async def main() -> Any:
        return await house.refused(house.drafted.order("webhook"))

    assert run(main) == ("G08",)


def test_a_live_plan_does_not_pass_an_exercise_sender(tmp_path: Path) -> None:
    """Its statements are in the other namespace, and its mode is another."""
    house = House(tmp_path, draft("webhook"), mode=Mode.EXERCISE)

    async def main() -> Any:
        return await house.refused(house.drafted.order("webhook"))

    assert run(main) == ("G03", "G08", "G14")


def test_an_exercise_goes_out_under_exercise_signatures(tmp_path: Path) -> None:
    """The same people sign under the exercise namespace."""
    house = House(tmp_path, draft("webhook", mode=Mode.EXERCISE), mode=Mode.EXERCISE)

    async def main() -> Outcome | Refusal:
        return await house.deliver(house.drafted.order("webhook"))

    assert isinstance(run(main), Outcome)


def test_at_most_a_thousand_orders_at_once(house: House) -> None:
    """More is a bug of the caller."""
    order = house.drafted.order("webhook")

    async def ask(count: int) -> int:
        return len(await house.sender.permit(house.bundle, [order] * count))

    assert run(lambda: ask(MAX_ORDERS)) == MAX_ORDERS
    with pytest.raises(ValueError, match="more than 1000 orders"):
        run(lambda: ask(MAX_ORDERS + 1))


def test_an_adapter_that_raises_leaves_the_delivery_in_doubt(house: House) -> None:
    """A bug proves nothing about what the platform did."""
    house.platforms["x"].script.append(KeyError("secret-token"))

    async def main() -> Outcome | Refusal:
        return await house.deliver(house.drafted.order("x"))

    outcome = run(main)
    assert isinstance(outcome, Outcome)
    assert (outcome.verdict, outcome.reason) == (Verdict.IN_DOUBT, "the adapter failed: KeyError")


def test_an_adapter_that_never_answers_leaves_the_delivery_in_doubt(tmp_path: Path) -> None:
    """One second after its own time limit it is cut off."""
    house = House(tmp_path, draft("x"), timeout_s=0.01)
    house.platforms["x"].script.append(None)

    async def main() -> Outcome | Refusal:
        return await house.deliver(house.drafted.order("x"))

    outcome = run(main)
    assert isinstance(outcome, Outcome)
    assert (outcome.verdict, outcome.code) == (Verdict.IN_DOUBT, "timeout")


@pytest.mark.parametrize("end", ["role", "key", "revoked"])
def test_an_approval_ends_with_the_role_or_key_behind_it(tmp_path: Path, end: str) -> None:
    """A bundle that was read before is read again when somebody's role or key ends."""
    checker = person("checker-1")
    (key,) = checker.keys
    later = NOW + 2 * SECOND
    changed = {
        "role": replace(checker, roles=(RoleHeld(Role.CHECKER, START, later),)),
        "key": replace(checker, keys=(replace(key, expires=later),)),
        "revoked": replace(checker, keys=(replace(key, revoked_at=later),)),
    }[end]
    house = House(tmp_path, draft("webhook"), roster=roster(checker_1=changed))

    async def main() -> list[Any]:
        await house.permit(house.drafted.order("webhook"))
        house.clock.advance(2 * SECOND)
        return list(await house.refused(house.drafted.order("webhook")))

    assert run(main) == ["G08"]


def test_lint_is_asked_again_by_the_sender(tmp_path: Path) -> None:
    """A text that the platform would refuse is not sent, although it was signed."""
    house = House(tmp_path, draft("webhook"))
    found = ["cy: too long"]
    house.platforms["webhook"].problems = lambda rendering: found  # type: ignore[method-assign]

    async def main() -> Any:
        return await house.refused(house.drafted.order("webhook"))

    assert run(main) == ("G17", "G18")


def test_a_language_that_no_destination_carries_is_refused(tmp_path: Path) -> None:
    """The plan promises a language to the public, and nothing in it says so in that language."""
    house = House(tmp_path, draft("webhook", languages=("en-GB", "cy", "pl")))

    async def main() -> Any:
        answer = await house.ask(house.drafted.order("webhook"))
        assert isinstance(answer, Refusal)
        return answer.sentence

    assert run(main) == "G17 no destination carries the message in pl"


def test_more_bundles_than_are_remembered_are_all_judged(house: House) -> None:
    """What was read long ago is read again."""

    async def main() -> list[bool]:
        answers = []
        for number in (*range(REMEMBERED_BUNDLES + 1), 0):
            more = signed(StatementKind.APPROVE, "checker-2", at=NOW - number * SECOND, subject="ab" * 32)
            bundle = house.drafted.bundle([*house.envelopes, more])
            answers.append(isinstance(await house.ask(house.drafted.order("webhook"), bundle), Permit))
        return answers

    assert run(main) == [True] * (REMEMBERED_BUNDLES + 2)

"""What a sender's own record tells of channels that nobody can look at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from channels.capabilities import Idempotency
from channels.contract import Finding, Found, Outcome, Verdict
from tests.sending.kit import KEYED, NEITHER, house_in, run, sent

DOUBT = Outcome(Verdict.IN_DOUBT, "no answer", "timeout")
HANDED_OVER = Outcome(Verdict.HANDED_OVER, reference="task-1")
REFUSED = Outcome(Verdict.REJECTED, "no", "400", reference="42")
TAKEN = Outcome(Verdict.ACCEPTED, reference="42", url="https://x.example/42")


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("idempotency", [KEYED, NEITHER])
def test_where_nobody_can_look_the_senders_record_tells(
    tmp_path: Path, idempotency: Idempotency, restart: bool
) -> None:
    """A worker that died before it told the database is told again what the platform called the post."""
    house = house_in(tmp_path, TAKEN, idempotency=idempotency)

    async def main() -> Finding:
        await sent(house)
        if restart:
            house.start()
        return await house.sender.find(house.bundle, house.drafted.order("x"))

    assert run(main) == Finding(Found.FOUND, TAKEN.reference, TAKEN.url)


@pytest.mark.parametrize("reference", ["ŵy 🥚", "half a letter \ud83e", "\0\n"])
def test_whatever_a_platform_calls_a_post_is_kept(tmp_path: Path, reference: str) -> None:
    """Nothing that it may say keeps the line, or others' lines beside it, from being written."""
    house = house_in(tmp_path, replace(TAKEN, reference=reference), idempotency=NEITHER)

    async def main() -> Finding:
        await sent(house)
        house.start()
        return await house.sender.find(house.bundle, house.drafted.order("x"))

    assert run(main).reference == reference


@pytest.mark.parametrize("answer", [DOUBT, HANDED_OVER, REFUSED])
def test_the_senders_record_tells_nothing_of_what_was_not_accepted(tmp_path: Path, answer: Outcome) -> None:
    """No answer came, people have it in their hands, or the platform refused."""
    house = house_in(tmp_path, answer, idempotency=NEITHER)

    async def main() -> Found:
        await sent(house)
        return (await house.sender.find(house.bundle, house.drafted.order("x"))).found

    assert run(main) is Found.UNKNOWN


def test_the_record_of_a_platform_is_not_kept_twice(tmp_path: Path) -> None:
    """Where it can be asked, the spent file of a long list does not grow by what it calls each message."""
    house = house_in(tmp_path, TAKEN)
    run(lambda: sent(house))
    assert "reference" not in house.spent_path.read_text()

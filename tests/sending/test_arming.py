"""What a sender does before a plan is released: a release is urgent, and finds the texts read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from channels.contract import Account, Rendering
from dispatcher.domain.message import TextKind
from dispatcher.domain.people import Role, RoleHeld
from dispatcher.domain.plan import Destination
from dispatcher.domain.statement import Mode
from dispatcher.sending import sender
from dispatcher.sending.order import Bundle
from dispatcher.sending.permit import Permit
from dispatcher.sending.prepared import REMEMBERED_BUNDLES, Renderings, Texts, prepare, read_texts
from dispatcher.sending.remote import RemoteSender
from dispatcher.statements import sshsig
from dispatcher.statements.verify import Verifier
from tests.builders import ACCOUNTS, draft, everything_signed, revision
from tests.cast import DEPLOYMENT, NOW, START, person, roster
from tests.memory_channel import MemoryChannel
from tests.sending.kit import House, run

SECOND = timedelta(seconds=1)
DRAFTED = draft("x", "webhook")
X = ACCOUNTS["x"]


class Counting(MemoryChannel):
    """A platform that notes what was asked of its lint, and at what beat of the loop."""

    asked: ClassVar[list[tuple[str, int]]] = []
    beat: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        Counting.asked = []

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """Note the question, then answer it."""
        cls.asked.append((rendering.account, cls.beat))
        return super().problems(rendering)


class Watched(Renderings):
    """A plan's renderings that note which of them is asked for."""

    def __init__(self, bodies: Mapping[str, bytes], asked: list[str]) -> None:
        super().__init__(bodies)
        self._asked = asked

    def __getitem__(self, digest: str) -> Rendering:
        """Note the question, then answer it."""
        self._asked.append(digest)
        return super().__getitem__(digest)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A sender of X and webhook with a cleared plan."""
    return House(tmp_path, DRAFTED)


def counting(house: House) -> Counting:
    """One platform in the place of all of a house's."""
    platform = Counting()
    for account, outlet in house._outlets.items():
        house._outlets[account] = replace(outlet, adapter=platform)
    return platform


def read() -> Texts:
    """The plan's texts, freshly read."""
    return read_texts(DRAFTED.bundle([]))


def destination() -> Destination:
    """Where the plan goes on X."""
    found = DRAFTED.plan.destination(X.id)
    assert found is not None
    return found


def test_a_sender_names_the_accounts_that_it_holds(house: House) -> None:
    """Work for others is left to others."""
    assert house.sender.held == {"x-1", "webhook-1"}


def test_a_sender_behind_a_socket_does_not_say_what_it_holds(tmp_path: Path) -> None:
    """There is one of these in a deployment, and it is asked for all that it may hold."""
    assert RemoteSender(tmp_path / "sender.sock", 1.0).held is None


def test_a_plan_that_is_armed_is_linted_before_a_permit_is_asked_for(house: House) -> None:
    """Every text of every account once, and none again when it is urgent."""
    platform = counting(house)

    async def main() -> list[int]:
        await house.sender.arm(house.drafted.bundle([]))
        before = len(platform.asked)
        await house.permit(house.drafted.order("x"))
        await house.permit(house.drafted.order("webhook"))
        return [before, len(platform.asked)]

    assert run(main) == [2 * len(TextKind)] * 2


def test_arming_twice_reads_once(house: House) -> None:
    """The worker may say so as often as it likes."""
    bundle = house.drafted.bundle([])

    async def main() -> bool:
        await house.sender.arm(bundle)
        first = house.sender._texts[bundle.texts]
        await house.sender.arm(bundle)
        return house.sender._texts[bundle.texts] is first

    assert run(main)


def test_what_was_signed_before_is_checked_while_armed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the release comes, its own signature is the only one that costs time."""
    checked, check = list[bytes](), sshsig.verify
    monkeypatch.setattr(sshsig, "verify", lambda *given: (checked.append(given[1]), check(*given))[1])
    *before, release = house.envelopes

    async def main() -> list[bytes]:
        await house.sender.arm(house.drafted.bundle(before))
        checked.clear()
        await house.permit(house.drafted.order("x"))
        return checked

    assert run(main) == [release.payload]


def test_what_is_asked_of_the_plan_as_a_whole_is_found_while_it_is_armed(house: House) -> None:
    """Of a plan to thousands that is the longest of all questions, and the first order would wait for it."""
    bundle = house.drafted.bundle([])
    run(lambda: house.sender.arm(bundle))
    assert "plan_problems" in vars(house.sender._texts[bundle.texts])


def test_a_permit_reads_no_text_of_an_account_that_is_not_held(house: House) -> None:
    """There may be thousands of them, and none is sent here."""
    del house._outlets["webhook-1"]
    bundle, asked = house.drafted.bundle([]), list[str]()

    async def main() -> None:
        await house.sender.arm(bundle)
        house.sender._texts[bundle.texts].renderings = Watched(bundle.renderings, asked)
        await house.permit(house.drafted.order("x"))

    run(main)
    elsewhere = DRAFTED.plan.destination(ACCOUNTS["webhook"].id)
    assert elsewhere is not None
    assert asked
    assert not {*asked} & {*elsewhere.renderings.values()}


def test_others_are_sent_while_a_plan_is_read_ahead(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two accounts the loop turns, and does no more than that."""
    pauses, turn = list[float](), asyncio.sleep
    monkeypatch.setattr(sender.asyncio, "sleep", lambda pause: (pauses.append(pause), turn(pause))[1])
    platform = counting(house)

    async def beat() -> None:
        while True:
            Counting.beat += 1
            await asyncio.sleep(0)

    async def main() -> None:
        beating = asyncio.create_task(beat())
        await house.sender.arm(house.drafted.bundle([]))
        beating.cancel()

    run(main)
    assert (len({at for _, at in platform.asked}), set(pauses)) == (2, {0})


def test_accounts_of_others_are_passed_over_when_arming(house: House) -> None:
    """Their adapters are not here; what is held is read ahead all the same."""
    platform = counting(house)
    del house._outlets["x-1"]
    run(lambda: house.sender.arm(house.drafted.bundle([])))
    assert {account for account, _ in platform.asked} == {"webhook-1"}


def test_a_plan_that_cannot_be_read_is_no_trouble_until_a_permit_is_asked_for(house: House) -> None:
    """Then it is refused, with its clause."""
    junk = Bundle(b"junk", {}, ())

    async def main() -> tuple[str, ...]:
        await house.sender.arm(junk)
        return tuple(await house.refused(house.drafted.order("x"), junk))

    assert run(main) == ("G07",)


def test_bundles_of_one_plan_share_its_texts(house: House) -> None:
    """Another signature changes no word: it is not linted again."""
    platform = counting(house)

    async def main() -> list[int]:
        counts = []
        for envelopes in (house.envelopes, house.envelopes[:-1], house.envelopes[:-2]):
            await house.ask(house.drafted.order("x"), house.drafted.bundle(envelopes))
            counts.append(len(platform.asked))
        return counts

    assert len(set(run(main))) == 1


def test_signatures_that_were_missing_when_armed_count_when_they_come(house: House) -> None:
    """The texts are shared, and who signed what is not."""

    async def main() -> list[object]:
        await house.sender.arm(house.drafted.bundle([]))
        unsigned = await house.refused(house.drafted.order("webhook"), house.drafted.bundle([]))
        return [list(unsigned), type(await house.ask(house.drafted.order("webhook")))]

    assert run(main) == [["G03", "G08"], Permit]


def test_a_plan_armed_without_its_texts_is_read_again_with_them(house: House) -> None:
    """What was lacking then is not held against it."""

    async def main() -> Permit:
        await house.sender.arm(replace(house.bundle, renderings={}))
        return await house.permit(house.drafted.order("x"))

    assert isinstance(run(main), Permit)


def test_only_so_many_bundles_are_remembered(house: House) -> None:
    """The oldest is forgotten, so that asking does not fill the memory."""

    async def main() -> list[int]:
        for count in range(REMEMBERED_BUNDLES + 2):
            extra = {f"{count:064x}": str(count).encode()}
            bundle = replace(house.bundle, renderings={**house.bundle.renderings, **extra})
            await house.ask(house.drafted.order("x"), bundle)
        return [len(house.sender._prepared), len(house.sender._texts)]

    assert run(main) == [REMEMBERED_BUNDLES, REMEMBERED_BUNDLES]


def test_reading_a_known_plan_anew_forgets_no_other(house: House) -> None:
    """When the memory is full, what is read again takes its own place."""
    sender = house.sender

    async def main() -> list[str]:
        sender._texts.update({str(count): read() for count in range(REMEMBERED_BUNDLES - 1)})
        for envelopes in (house.envelopes, house.envelopes[:-1]):
            await house.ask(house.drafted.order("x"), house.drafted.bundle(envelopes))
        return [key[:2] for key in sender._texts]

    assert run(main)[0] == "0"


def test_a_text_is_linted_once() -> None:
    """A thousand deliveries carry the same."""
    texts, platform = read(), Counting()
    found = [texts.check(destination().renderings[TextKind.PUBLISH], platform) for _ in range(2)]
    assert (found, len(platform.asked)) == ([(), ()], 1)


def test_a_text_that_is_not_at_hand_is_a_problem_by_its_name() -> None:
    """Twelve digits of it are enough to find it."""
    assert read().check("abc123" * 4, MemoryChannel()) == ("rendering abc123abc123 is not at hand",)


def tracked(*kinds: TextKind) -> Texts:
    """A plan's texts with a tracker in the links of some of them."""
    texts = dict(revision().texts)
    for kind in kinds:
        link = "Where: https://city.example/?utm_source=x"
        texts[kind] = tuple(replace(text, body=link) for text in texts[kind])
    drafted = draft("x", message=revision(texts=texts))
    return read_texts(drafted.bundle([]))


def test_trackers_are_looked_for_once() -> None:
    """They are remembered by the rendering."""
    texts = tracked(TextKind.PUBLISH)
    digest = texts.plan.destinations[0].renderings[TextKind.PUBLISH]
    first = texts.trackers(digest)
    texts.renderings = {}
    assert (set(first), texts.trackers(digest)) == ({"utm_source"}, first)


def test_what_will_be_asked_of_an_account_is_found_ahead() -> None:
    """Problems of every text, and the trackers of what is published; armed texts are asked for none."""
    texts = tracked(*TextKind)
    renderings = texts.plan.destinations[0].renderings
    texts.read_ahead(X.id, platform := MemoryChannel())
    assert texts.problems.keys() == {(digest, platform) for digest in renderings.values()}
    assert texts.tracked.keys() == {renderings[TextKind.PUBLISH]}


def test_nothing_is_found_ahead_for_an_account_that_the_plan_does_not_have() -> None:
    """Nor does it fail."""
    texts = read()
    texts.read_ahead(Account("x-2", "x", "@other", ()).id, MemoryChannel())
    assert texts.problems == {}


def test_a_destination_without_armed_texts_has_no_problems_with_them() -> None:
    """What is not there cannot be too long."""
    only = {TextKind.PUBLISH: destination().renderings[TextKind.PUBLISH]}
    assert read().armed_problems(replace(destination(), renderings=only), MemoryChannel()) == ()


@pytest.mark.parametrize("after", [timedelta(0), timedelta(microseconds=1)])
def test_a_change_of_the_roster_that_is_there_is_not_waited_for(after: timedelta) -> None:
    """Read at the moment when a role ends or later, a bundle is not read again for that."""
    ending = replace(person("checker-1"), roles=(RoleHeld(Role.CHECKER, START, NOW),))
    verifier = Verifier(roster(checker_1=ending), DEPLOYMENT, Mode.LIVE)
    assert prepare(DRAFTED.bundle(everything_signed(DRAFTED.plan)), verifier, NOW + after).until > NOW + after


def test_a_text_is_linted_by_the_adapter_of_its_own_account_whoever_asked_first(house: House) -> None:
    """An order that names it for another account, whose adapter finds nothing in it, does not let it through."""
    platform = MemoryChannel()
    platform.problems = lambda rendering: ["en-GB: too long"]  # type: ignore[method-assign]
    house._outlets["x-1"] = replace(house._outlets["x-1"], adapter=platform)
    honest = house.drafted.order("x")

    async def main() -> list[tuple[str, ...]]:
        lying = house.drafted.order("webhook", rendering=honest.rendering)
        return [tuple(await house.refused(lying)), tuple(await house.refused(honest))]

    assert run(main) == [("G07",), ("G17", "G18")]

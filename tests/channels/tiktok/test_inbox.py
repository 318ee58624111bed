"""The draft in the inbox: never called published, and finished by people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from channels.contract import Found, Verdict
from channels.simulator.faults import FaultKind
from channels.tiktok.direct import InboxDraft
from channels.tiktok.handoff import packet_contents, task_reference
from tests.channels.tiktok.machine import MEDIUM, Far, facing


def test_a_draft_in_the_inbox_is_handed_over() -> None:
    """It is noted, it is not public, and the task has the hand-off's name."""

    async def work(far: Far) -> None:
        outcome = await far.channel.send(far.job(), far.note)
        assert (outcome.verdict, outcome.reference) == (Verdict.HANDED_OVER, task_reference("dlv-1"))
        assert "the app's inbox on phone-1" in outcome.reason
        assert (far.posts, list(far.tiktok.publishes)) == (0, far.noted)
        assert far.tiktok.publishes[far.noted[0]].draft

    facing(work, InboxDraft)


def test_a_draft_names_no_privacy_level() -> None:
    """Whoever finishes it chooses that in the app; the simulator refuses a draft with one."""

    async def work(far: Far) -> None:
        options = far.job().rendering.options
        assert (options["route"], "privacy_level" in options) == ("inbox_draft", False)

    facing(work, InboxDraft)


def test_a_repeat_makes_no_second_draft() -> None:
    """The earlier one is asked for."""

    async def work(far: Far) -> None:
        await far.channel.send(far.job(), far.note)
        again = await far.channel.send(far.job(handle=far.noted[0], attempt=2), far.note)
        assert (again.verdict, len(far.tiktok.publishes)) == (Verdict.HANDED_OVER, 1)

    facing(work, InboxDraft)


def test_a_lost_answer_is_in_doubt() -> None:
    """A second draft might be finished too: people look into the inbox."""

    async def work(far: Far) -> None:
        far.arm(FaultKind.ACT_THEN_DROP)
        assert (await far.channel.send(far.job(), far.note)).verdict is Verdict.IN_DOUBT
        assert (await far.channel.find(far.job())).found is Found.UNKNOWN

    facing(work, InboxDraft)


def test_a_status_that_cannot_be_read_changes_nothing() -> None:
    """TikTok took the draft; the inbox tells the rest."""

    async def work(far: Far) -> None:
        far.arm(FaultKind.DROP, on="read", times=2)
        assert (await far.channel.send(far.job(), far.note)).verdict is Verdict.HANDED_OVER

    facing(work, InboxDraft)


def test_a_draft_that_failed_is_not_handed_over() -> None:
    """Nobody waits for what does not come."""

    async def work(far: Far) -> None:
        far.tiktok.failing = "photo_pull_failed"
        assert (await far.channel.send(far.job(), far.note)).verdict is Verdict.DEFERRED

    facing(work, InboxDraft)


def test_without_a_device_no_draft_is_made() -> None:
    """It waits, before anything is sent, and the reason says how to register one."""

    async def work(far: Far) -> None:
        outcome = await far.channel.send(far.job(), far.note)
        assert (outcome.verdict, outcome.code, far.asked) == (Verdict.DEFERRED, "no_device", [])

    facing(work, InboxDraft, device="")


def test_five_drafts_may_wait() -> None:
    """The sixth is refused until one is finished."""

    async def work(far: Far) -> None:
        verdicts = []
        for _ in range(6):
            verdicts.append((await far.channel.send(far.job(), far.note)).verdict)
            far.time.pass_s(60)
        assert verdicts == [*[Verdict.HANDED_OVER] * 5, Verdict.REJECTED]

    facing(work, InboxDraft)


def test_a_videos_draft_has_no_caption() -> None:
    """TikTok takes none with it; the packet has it."""

    async def work(far: Far) -> None:
        assert (await far.channel.send(far.film(), far.note)).verdict is Verdict.HANDED_OVER
        assert far.tiktok.publishes[far.noted[0]].text == ""

    facing(work, InboxDraft)


def test_the_packet_leads_to_the_draft() -> None:
    """What the operators are asked to do begins at the inbox, and the caption is there to compare."""

    async def work(far: Far) -> None:
        job = far.job()
        live = replace(job.rendering, options={**job.rendering.options, "exercise": False}, media=(MEDIUM,))
        contents = packet_contents(replace(job, rendering=live), far.account, far.time() + timedelta(hours=1))
        steps = contents["steps"]
        assert isinstance(steps, list)
        assert "inbox" in str(steps[1])
        assert contents["disclosure"] == "Content disclosure: off."

    facing(work, InboxDraft)


def test_the_probe_wants_a_device_and_a_token() -> None:
    """Without publishing."""

    async def work(far: Far) -> None:
        assert (await far.channel.probe()).ok
        far.tiktok.expire()
        far.arm(FaultKind.REFUSE, on="session", times=3)
        assert not (await far.channel.probe()).ok
        assert far.tiktok.publishes == {}

    facing(work, InboxDraft)

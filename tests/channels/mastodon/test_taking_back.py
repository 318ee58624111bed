"""Mastodon: corrections in place, and withdrawals."""

from dataclasses import replace

import pytest

from channels.contract import DeliveryKind, Found, Seen, Verdict
from channels.simulator.faults import FaultKind

CORRECT, WITHDRAW = DeliveryKind.CORRECT, DeliveryKind.WITHDRAW


def test_a_correction_edits_the_post(on_line, make_job):
    """The post keeps its id and shows the new text; there is no second post."""

    async def use(line):
        first = await line.send(make_job())
        mended = make_job("Flood\n\nSunshine.", CORRECT, delivery="dly-2", original=first.reference)
        outcome = await line.correct(mended)
        seen = await line.adapter.read_back(mended, outcome.reference)
        assert (outcome.verdict, outcome.reference, seen.seen) == (Verdict.ACCEPTED, first.reference, Seen.VISIBLE)
        return [str(effect.kind) for effect in line.far.journal.effects]

    assert on_line(use) == ["published", "altered"]


def test_the_edited_post_reads_back_as_altered_to_the_first_delivery(on_line, make_job):
    """What the first delivery said is no longer what the public sees."""

    async def use(line):
        first = await line.send(make_job())
        await line.correct(make_job("Sunshine.", CORRECT, delivery="dly-2", original=first.reference))
        return await line.adapter.read_back(make_job(), first.reference)

    seen = on_line(use)
    assert (seen.seen, seen.text) == (Seen.ALTERED, "Sunshine.")


@pytest.mark.parametrize("original", [None, "115000000000000099", "no such id"])
def test_a_correction_of_what_is_not_there_is_a_post_by_itself(on_line, make_job, original):
    """The public is told even where the original is gone; a repeat finds it and makes no other."""

    async def use(line):
        mended = make_job("Sunshine.", CORRECT, original=original)
        for _ in range(2):
            assert (await line.correct(mended)).verdict is Verdict.ACCEPTED
        assert (await line.adapter.find(mended)).found is Found.FOUND
        return len(line.far.journal.effects)

    assert on_line(use) == 1


@pytest.mark.parametrize(("kind", "found"), [(FaultKind.ACT_THEN_DROP, Found.FOUND), (FaultKind.DROP, Found.ABSENT)])
def test_a_lost_edit_is_found_out_and_may_be_repeated(on_line, make_job, kind, found):
    """The post itself says whether the edit happened; repeating it changes nothing more."""

    async def use(line):
        first = await line.send(make_job())
        mended = make_job("Sunshine.", CORRECT, delivery="dly-2", original=first.reference)
        line.arm(kind)
        assert (await line.correct(mended)).verdict is Verdict.IN_DOUBT
        assert (await line.adapter.find(mended)).found is found
        assert (await line.correct(replace(mended, attempt=2))).verdict is Verdict.ACCEPTED
        return len(line.far.journal.effects)

    assert on_line(use) == 2


def test_an_edit_that_is_too_long_for_the_server_is_rejected(on_line, make_job):
    """The server's refusal of an edit leaves the post as it was."""

    async def use(line):
        first = await line.send(make_job())
        mended = make_job("a" * 501, CORRECT, delivery="dly-2", original=first.reference)
        outcome = await line.correct(mended)
        assert (outcome.verdict, outcome.code) == (Verdict.REJECTED, "invalid")
        return (await line.adapter.read_back(make_job(), first.reference)).seen

    assert on_line(use) is Seen.VISIBLE


@pytest.mark.parametrize("original", [None, "", "../accounts/1"])
def test_a_withdrawal_without_an_original_is_refused(on_line, make_job, original):
    """Nothing is deleted where no post is named, and nothing is claimed found."""

    async def use(line):
        withdrawal = make_job(kind=WITHDRAW, original=original)
        assert (await line.withdraw(withdrawal)).code == "no_original"
        assert (await line.adapter.find(withdrawal)).found is Found.UNKNOWN
        return line.far.journal.arrivals

    assert on_line(use) == []


def test_a_withdrawal_that_did_not_happen_is_found_absent(on_line, make_job):
    """Dropped without acting: the original is still up, so the withdrawal is not."""

    async def use(line):
        first = await line.send(make_job())
        withdrawal = make_job("gone", WITHDRAW, original=first.reference)
        line.arm(FaultKind.DROP, on="withdraw")
        assert (await line.withdraw(withdrawal)).verdict is Verdict.IN_DOUBT
        return (await line.adapter.find(withdrawal)).found

    assert on_line(use) is Found.ABSENT


def test_the_thirty_first_withdrawal_of_half_an_hour_waits(on_line, make_job):
    """A server takes 30 deletions in 30 minutes, and says when the next may come."""

    async def use(line):
        for number in range(31):
            first = await line.send(make_job(f"update {number}", delivery=f"dly-{number}"))
            last = await line.withdraw(make_job(kind=WITHDRAW, original=first.reference))
        return last.verdict, last.retry_after_s, last.account_wide

    assert on_line(use) == (Verdict.DEFERRED, 1800.0, True)

"""The Facebook adapter against a simulated Page: corrections in place, and withdrawals."""

from dataclasses import replace

import pytest

from channels.contract import DeliveryKind, Found, Seen, Verdict
from channels.simulator.faults import FaultKind
from channels.simulator.journal import EffectKind

CORRECT, WITHDRAW = DeliveryKind.CORRECT, DeliveryKind.WITHDRAW


def test_a_correction_changes_the_post_in_its_place(on_line, make_job):
    """One post, with the reference it had, that says the new text."""

    async def use(line):
        first = await line.send(make_job())
        fix = make_job("No flood.", CORRECT, original=first.reference)
        outcome = await line.correct(fix)
        seen = await line.adapter.read_back(fix, first.reference)
        return first, outcome, seen, line.far.journal.counts()["facebook"]

    first, outcome, seen, counts = on_line(use)
    assert (outcome.verdict, outcome.reference) == (Verdict.ACCEPTED, first.reference)
    assert (seen.seen, seen.text) == (Seen.VISIBLE, "No flood.")
    assert (counts["published"], counts["altered"]) == (1, 1)


def test_a_correction_without_an_original_is_a_post_of_its_own(on_line, make_job):
    """Where nothing is known to be up, the correction is still said, and found again."""

    async def use(line):
        fix = make_job("No flood.", CORRECT)
        return await line.correct(fix), await line.adapter.find(fix)

    outcome, finding = on_line(use)
    assert (outcome.verdict, finding.found, finding.reference) == (Verdict.ACCEPTED, Found.FOUND, outcome.reference)


@pytest.mark.parametrize(("fault", "found"), [(FaultKind.ACT_THEN_DROP, Found.FOUND), (FaultKind.DROP, Found.ABSENT)])
def test_a_lost_edit_is_settled_by_a_look_at_the_post(on_line, make_job, fault, found):
    """The post says the correction, or still what was noted before it."""

    async def use(line):
        first = await line.send(make_job())
        fix = make_job("No flood.", CORRECT, original=first.reference)
        line.arm(fault)
        outcome = await line.correct(fix)
        return outcome, await line.adapter.find(replace(fix, handle=line.noted[-1]))

    outcome, finding = on_line(use)
    assert (outcome.verdict, finding.found) == (Verdict.IN_DOUBT, found)


def test_a_late_try_does_not_undo_a_later_correction(on_line, make_job):
    """A correction in doubt, an all-clear after it: found is unknown, and the repeat leaves the all-clear."""

    async def use(line):
        first = await line.send(make_job())
        fix = make_job("No flood.", CORRECT, original=first.reference)
        line.arm(FaultKind.DROP)
        await line.correct(fix)
        late = replace(fix, attempt=2, handle=line.noted[-1])
        await line.correct(make_job("All clear.", CORRECT, original=first.reference))
        return await line.adapter.find(late), await line.correct(late), line.platform.posts[0].text

    finding, outcome, text = on_line(use)
    assert (finding.found, outcome.verdict, outcome.code) == (Found.UNKNOWN, Verdict.REJECTED, "changed_since")
    assert text == "All clear."


def test_a_correction_that_stands_there_is_not_made_again(on_line, make_job):
    """A repeat is accepted by what the post says."""

    async def use(line):
        first = await line.send(make_job())
        fix = make_job("No flood.", CORRECT, original=first.reference)
        for _ in range(2):
            outcome = await line.correct(fix)
        return outcome, [effect.kind for effect in line.far.journal.effects]

    outcome, effects = on_line(use)
    assert (outcome.verdict, effects) == (Verdict.ACCEPTED, [EffectKind.PUBLISHED, EffectKind.ALTERED])


def test_a_post_that_does_not_show_yet_is_corrected_all_the_same(on_line, make_job):
    """A correction within the lag of the Page's own record does not wait for it."""

    async def use(line):
        line.arm(FaultKind.LAG, delay_s=60)
        first = await line.send(make_job())
        outcome = await line.correct(make_job("No flood.", CORRECT, original=first.reference))
        return outcome, line.platform.posts[0].text, line.noted

    outcome, text, noted = on_line(use)
    assert (outcome.verdict, text, noted) == (Verdict.ACCEPTED, "No flood.", [])


@pytest.mark.parametrize("fault", [FaultKind.DROP, FaultKind.REFUSE, FaultKind.THROTTLE])
def test_a_correction_whose_original_cannot_be_read_waits(on_line, make_job, fault):
    """Nothing was changed, so nothing is in doubt."""

    async def use(line):
        first = await line.send(make_job())
        line.arm(fault, on="read", times=2)
        outcome = await line.correct(make_job("No flood.", CORRECT, original=first.reference))
        return outcome, len(line.far.journal.effects)

    outcome, effects = on_line(use)
    assert (outcome.verdict, effects) == (Verdict.DEFERRED, 1)


def test_the_post_of_another_app_cannot_be_corrected(on_line, make_job):
    """Facebook lets an app change only what it made."""

    async def use(line):
        other = line.through("88", "1111")
        first = await other.send(make_job(), line.note)
        return await line.correct(make_job("No flood.", CORRECT, original=first.reference))

    outcome = on_line(use)
    assert (outcome.verdict, outcome.code) == (Verdict.REJECTED, "200")


def test_a_correction_of_a_post_that_is_gone_is_rejected(on_line, make_job):
    """There is nothing to change."""

    async def use(line):
        first = await line.send(make_job())
        await line.withdraw(make_job("gone", WITHDRAW, original=first.reference))
        return await line.correct(make_job("No flood.", CORRECT, original=first.reference))

    outcome = on_line(use)
    assert (outcome.verdict, outcome.code) == (Verdict.REJECTED, "100.33")


@pytest.mark.parametrize("original", ["1/2", "me", "1_2_3", "1?x=1"])
@pytest.mark.parametrize("kind", [CORRECT, WITHDRAW])
def test_an_original_that_is_no_post_is_refused(on_line, make_job, kind, original):
    """What is no id of a post does not get into a path, and is nowhere to be found."""

    async def use(line):
        job = make_job(kind=kind, original=original)
        outcome = await (line.correct(job) if kind is CORRECT else line.withdraw(job))
        finding, seen = await line.adapter.find(job), await line.adapter.read_back(job, original)
        return outcome, finding, seen, line.far.journal.arrivals

    outcome, finding, seen, arrivals = on_line(use)
    assert (outcome.code, finding.found, seen.seen, arrivals) == ("no_original", Found.UNKNOWN, Seen.UNKNOWN, [])


def test_a_withdrawal_without_an_original_is_refused(on_line, make_job):
    """Nothing is deleted where no post is named, and nothing is claimed found."""

    async def use(line):
        job = make_job(kind=WITHDRAW)
        return await line.withdraw(job), await line.adapter.find(job), line.far.journal.arrivals

    outcome, finding, arrivals = on_line(use)
    assert (outcome.code, finding.found, arrivals) == ("no_original", Found.UNKNOWN, [])


def test_a_withdrawal_may_be_repeated(on_line, make_job):
    """A post that is gone, on a Page that can be read, is withdrawn."""

    async def use(line):
        first = await line.send(make_job())
        job = make_job("gone", WITHDRAW, original=first.reference)
        verdicts = [(await line.withdraw(job)).verdict for _ in range(2)]
        return verdicts, (await line.adapter.find(job)).found

    assert on_line(use) == ([Verdict.ACCEPTED, Verdict.ACCEPTED], Found.FOUND)


def test_a_withdrawal_that_did_not_happen_is_found_absent(on_line, make_job):
    """Dropped without acting: the original is still up, so the withdrawal is not."""

    async def use(line):
        first = await line.send(make_job())
        job = make_job("gone", WITHDRAW, original=first.reference)
        line.arm(FaultKind.DROP, on="withdraw")
        return await line.withdraw(job), await line.adapter.find(job)

    outcome, finding = on_line(use)
    assert (outcome.verdict, finding.found) == (Verdict.IN_DOUBT, Found.ABSENT)


def test_a_withdrawal_of_a_post_that_may_only_be_hidden_is_not_claimed(on_line, make_job):
    """Facebook shows neither post nor Page to this token: that is no proof of a withdrawal."""

    async def use(line):
        other = line.through("77", "2222")
        job = make_job("gone", WITHDRAW, original="1111_9")
        return await other.withdraw(job, line.note), await other.find(job), await other.read_back(job, "1111_9")

    outcome, finding, seen = on_line(use)
    assert (outcome.verdict, finding.found, seen.seen) == (Verdict.REJECTED, Found.UNKNOWN, Seen.UNKNOWN)

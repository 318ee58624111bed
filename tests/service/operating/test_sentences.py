"""One sentence per channel: what a press officer reads of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from dispatcher.domain.lifecycle import DELIVERY
from dispatcher.gate.evidence import Failure, Then
from dispatcher.service.judging import ChannelFinding
from dispatcher.service.operating import sentences
from dispatcher.service.operating.sentences import Sent
from dispatcher.service.operating.values import Tone
from tests.builders import FixedClock

NOW = FixedClock().now


def sent(*, halted_by: str = "", accepted_at: datetime | None = None, **counts: int) -> Sent:
    """A channel of a released plan with so many deliveries in each state."""
    posts = [SimpleNamespace(accepted_at=accepted_at)]
    return Sent(counts, posts, NOW, NOW + timedelta(minutes=7), halted_by)


def finding(*failures: Failure, state: str = "pending") -> ChannelFinding:
    """What the gate says of a channel."""
    return ChannelFinding("tiktok", state, ("tiktok-1",), failures)


def failure(clause: str, mend: str, then: Then = Then.HOLD) -> Failure:
    """A clause that failed."""
    return Failure(clause, "something is missing", mend, then)


AT = f"{NOW:%H:%M:%S}"


@pytest.mark.parametrize(
    ("mend", "said"),
    [
        ("minister", "waiting for the minister"),
        ("private_office", "waiting for the minister"),
        ("checker, duty_director", "waiting for the checker and the duty director"),
        ("language_checker", "waiting for the language checker"),
    ],
)
def test_a_plan_that_waits_says_for_whom_and_since_when(mend: str, said: str) -> None:
    """The people are named by what they are to a press officer."""
    assert sentences.of_submitted(finding(failure("G08", mend)), NOW) == (f"{said} since {AT}", Tone.WAITING)


def test_a_plan_that_no_person_can_mend_says_what_is_wrong() -> None:
    """A fact that nobody's signature mends."""
    found = finding(failure("G07", "submit a new plan"))
    assert sentences.of_submitted(found, NOW) == ("not clear: something is missing", Tone.TROUBLE)


def test_a_cleared_plan_waits_for_its_release() -> None:
    """Everything is signed but the release."""
    assert sentences.of_submitted(finding(), NOW) == (f"cleared, waiting for its release since {AT}", Tone.WAITING)


@pytest.mark.parametrize(("then", "said"), [(Then.CANCEL, "refused"), (Then.EXPIRE, "not sent: its window")])
def test_a_clearance_that_ended_says_how(then: Then, said: str) -> None:
    """A rejection, and a window that passed."""
    sentence, tone = sentences.of_submitted(finding(failure("G09", "author", then)), NOW)
    assert (sentence.startswith(said), tone) == (True, Tone.STOPPED)


@pytest.mark.parametrize(
    ("known", "said", "tone"),
    [
        (sent(accepted=1, accepted_at=NOW), f"live since {AT}", Tone.DONE),
        (sent(visible=1, accepted_at=NOW), f"live since {AT}", Tone.DONE),
        (sent(ready=1), f"going out: not out yet, released {AT}", Tone.GOING),
        (sent(accepted=400, sending=600), f"going out: 400 of 1,000 reached, released {AT}", Tone.GOING),
        (sent(held=1), "waiting for people", Tone.TROUBLE),
        (sent(accepted=7, held=3, ready=2), "7 of 12 reached; 3 waiting for people", Tone.TROUBLE),
        (sent(in_doubt=1), "may or may not be public", Tone.TROUBLE),
        (sent(missing=1), "gone from the public record", Tone.TROUBLE),
        (sent(handed_over=1), "with its operators, who publish it by hand", Tone.WAITING),
        (sent(rejected=1), "not reached: rejected by the platform", Tone.TROUBLE),
        (sent(halted_by="director-1", ready=5), "halted by director-1: 0 of 5 reached", Tone.STOPPED),
        (sent(halted_by="director-1", accepted=1, accepted_at=NOW), f"live since {AT}", Tone.DONE),
        (sent(), "nothing to send", Tone.NOTHING),
    ],
)
def test_a_released_plan_says_how_far_the_public_is_reached(known: Sent, said: str, tone: Tone) -> None:
    """What is out, what is not, and why."""
    assert sentences.of_sent(known) == (said, tone)


def test_a_list_that_ended_says_how_many_were_reached_and_when_the_last_was() -> None:
    """With what ended badly."""
    sentence, tone = sentences.of_sent(sent(accepted=990, rejected=10))
    last = f"{NOW + timedelta(minutes=7):%H:%M:%S}"
    assert sentence == f"990 of 1,000 reached, the last at {last}, but 10 rejected by the platform"
    assert tone is Tone.TROUBLE


@pytest.mark.parametrize("state", sorted(DELIVERY.moves))
def test_every_state_of_a_delivery_has_a_sentence(state: str) -> None:
    """None is forgotten: a single delivery in it says something."""
    sentence, tone = sentences.of_sent(sent(**{state: 1}))
    assert sentence
    assert tone is not Tone.NOTHING

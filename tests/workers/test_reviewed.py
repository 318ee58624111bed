"""A recorded exercise, and that its review answers what a log must answer (reference: policy 4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from channels.simulator.faults import FaultKind
from dispatcher.domain.errors import GateClosed
from dispatcher.domain.message import TextKind
from dispatcher.embedded.redis import RedisServer
from dispatcher.service import clearing, matching, taking_back
from dispatcher.service.reviewing.minutes import MACHINE
from dispatcher.service.reviewing.review import Review, review
from ops.review.document import Figure
from ops.review.drafts import ministers
from ops.review.html import html
from ops.review.markdown import markdown
from ops.review.story import story
from tests.channels.tiktok.conftest import chromium  # noqa: F401 - a fixture
from tests.pages import TELEPHONE, VIEWS, findings, opened
from tests.stage import far_sides, stage_at

pytestmark = pytest.mark.system

CHANNELS = ("x", "webhook", "notify")
LIST, UNKNOWN = 24, 2
"""Numbers on the list, and those that the platform refuses for good."""


CHARTS = (
    "to the first public post; last:",
    f"{LIST} of {LIST + 2} message deliveries were accepted, half of these within",
    f"{LIST} of {LIST} correction deliveries were accepted",
    "Slowest was ",
    f"1 of {2 * LIST + 2} deliveries took more than one attempt; {UNKNOWN} did not end well",
    "went by waiting for ",
)
"""What the charts of this exercise state, where it is the same each time."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """What was released, and its review."""

    plan: str
    told: Review


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer) -> Iterator[Exercise]:
    """Refused, approved, released, halted and resumed, delivered with faults, corrected, and read twice."""
    with far_sides() as far:
        stage = stage_at(tmp_path_factory.mktemp("reviewed"), far, redis=redis_server.url)
        for channel in CHANNELS:
            stage.account(channel)
        stage.numbers(LIST)
        plan = stage.submitted(lists=["city"])
        with pytest.raises(GateClosed):
            stage.release(plan)
        for person in ("checker-1", "director-1"):
            clearing.approve(stage.desk, plan, stage.pen(person))
        stage.release(plan)
        stage.resume(stage.halt())
        stage.fault("x", FaultKind.THROTTLE)
        stage.fault("notify", FaultKind.REFUSE, UNKNOWN, status=400)
        stage.work(lambda: stage.ended(plan))
        taking_back.take_back(stage.desk, plan, TextKind.CORRECT, stage.pen("director-1"), reason="wrong street")
        stage.work(lambda: stage.ended(plan) and stage.states(plan).total() == 2 * (LIST + 2) - UNKNOWN)
        incident = clearing.show(stage.desk, plan).stored.plan.incident
        review(stage.desk, incident, "reviewer-1")
        with stage.desk.store.read() as work:
            assert matching.disagreements(work) == []
        yield Exercise(plan, review(stage.desk, incident, "reviewer-2"))
        stage.desk.store.close()


def test_ministers_read_what_the_public_was_told(exercise: Exercise) -> None:
    """The plan names the revision that is stored, so its words stand in the report."""
    plan = next(one for one in exercise.told.plans if one.digest == exercise.plan)
    named = [one for one in exercise.told.revisions if one.digest == plan.stored.plan.revision]
    said = markdown(ministers(exercise.told)).partition("What the public was told")[2].partition("Whom it reached")[0]
    assert named[0].texts[TextKind.PUBLISH][0].headline in said


def test_it_says_who_signed_in_which_role_and_why(exercise: Exercise) -> None:
    """Each role is the one that the roster had then, and every signature still holds."""
    (plan,) = exercise.told.plans
    signed = [(str(s.said.kind), s.said.person, s.said.role, s.reason) for s in plan.signatures if s.said]
    assert signed == [
        ("submit", "author-1", "author", ""),
        ("approve", "checker-1", "checker", ""),
        ("approve", "director-1", "duty_director", ""),
        ("release", "director-1", "duty_director", ""),
        ("revoke", "director-1", "duty_director", "wrong street"),
    ]
    assert {(s.held, s.refused) for s in plan.signatures} == {(True, None)}
    assert all(s.key.startswith("SHA256:") for s in plan.signatures)


def test_it_says_what_the_gate_said_after_each_signature(exercise: Exercise) -> None:
    """By the policy of that moment: what was missing went away, and the revocation closed it again."""
    (plan,) = exercise.told.plans
    assert [(one.upon, sorted({no.clause for no in one.unmet})) for one in plan.judged] == [
        ("submit", ["G03", "G08"]),
        ("approve", ["G03", "G08"]),
        ("approve", ["G03"]),
        ("release", []),
        ("revoke", ["G03"]),
    ]
    assert {one.policy for one in plan.judged} == {tuple(version.version for version in exercise.told.policies)}


def test_it_counts_what_was_sent_and_what_came_back(exercise: Exercise) -> None:
    """Deliveries by state, attempts by their answer; the post that was told to wait took two."""
    told = exercise.told
    counts = {(one.channel, str(one.kind)): (dict(one.states), one.attempts, one.retried) for one in told.tallies}
    reached = LIST - UNKNOWN
    assert counts == {
        ("x", "publish"): ({"accepted": 1}, 2, 1),
        ("webhook", "publish"): ({"accepted": 1}, 1, 0),
        ("notify", "publish"): ({"accepted": reached, "rejected": UNKNOWN}, LIST, 0),
        **{(name, "correct"): ({"accepted": 1}, 1, 0) for name in ("x", "webhook")},
        ("notify", "correct"): ({"accepted": reached}, reached, 0),
    }
    verdicts = {(one.channel, one.verdict): one.count for one in told.answers if one.kind is TextKind.PUBLISH}
    assert verdicts["x", "deferred"] == 1
    assert verdicts["notify", "rejected"] == UNKNOWN
    assert sum(one.attempts for one in told.tallies) == sum(one.count for one in told.answers)


def test_it_lists_account_posts_whole_and_no_recipient(exercise: Exercise) -> None:
    """Recipients that the platform refused are one line with one example."""
    posts = {(one.channel, str(one.kind)): len(one.attempts) for one in exercise.told.deliveries}
    assert posts == {
        ("x", "publish"): 2,
        ("webhook", "publish"): 1,
        ("x", "correct"): 1,
        ("webhook", "correct"): 1,
    }
    (trouble,) = exercise.told.troubles
    assert (trouble.count, trouble.state, exercise.told.troubled) == (UNKNOWN, "rejected", UNKNOWN)
    assert trouble.sentence == "was refused by the platform: Notify answered 400"


def test_its_curves_end_where_the_counts_do(exercise: Exercise) -> None:
    """They never fall, have a point for each step, and at most 200 of them."""
    counts = {(one.channel, one.kind): one.states["accepted"] for one in exercise.told.tallies}
    for progress in exercise.told.progress:
        assert 0 < len(progress.ends) <= 200
        for curve in progress.curves:
            assert len(curve.counts) == len(progress.ends)
            assert list(curve.counts) == sorted(curve.counts)
            assert curve.counts[-1] == counts.pop((curve.channel, progress.kind))
    assert not counts


def test_it_splits_the_time_of_sending_by_whose_it_was(exercise: Exercise) -> None:
    """A queue time for each first attempt, the adapter's and the platform's for each attempt that was answered."""
    latency = {(one.channel, one.kind): one for one in exercise.told.latency}
    x, texts = latency["x", TextKind.PUBLISH], latency["notify", TextKind.PUBLISH]
    assert [spread and spread.count for spread in (x.queue, x.adapter, x.platform)] == [1, 2, 2]
    assert [spread and spread.count for spread in (texts.queue, texts.adapter, texts.platform)] == [LIST] * 3


def test_its_minutes_are_all_somebodys(exercise: Exercise) -> None:
    """One after another from the declaration to the first public post, the halt's among them.

    That was a post, whose platform's share is known, or one of a list.
    """
    (path,) = exercise.told.paths
    first = min(one.first_accepted_at for one in exercise.told.tallies if one.first_accepted_at)
    assert [path.start, *(span.end for span in path.spans)] == [*(span.start for span in path.spans), first]
    spans = [(span.role, span.what) for span in path.spans][2:]
    assert spans[:6] == [
        ("checker", "approving"),
        ("duty_director", "approving"),
        ("duty_director", "releasing"),
        (MACHINE, "queue"),
        ("duty_director", "resuming after a halt"),
        (MACHINE, "queue"),
    ]
    assert [what for _, what in spans[6:]] in (["adapter", "platform"], ["adapter and platform"])


def test_it_says_how_long_the_correction_took(exercise: Exercise) -> None:
    """From the order to its first and its last effect, and how long the message had stood by then."""
    (back,) = exercise.told.ways_back
    effects = [one for one in exercise.told.tallies if one.kind is TextKind.CORRECT]
    times = sorted(
        at - back.ordered_at for one in effects for at in (one.first_accepted_at, one.last_accepted_at) if at
    )
    assert (back.kind, back.reason, back.made, back.accepted) == (TextKind.CORRECT, "wrong street", 24, 24)
    assert back.first_ms == times[0] // timedelta(milliseconds=1)
    assert back.last_ms == times[-1] // timedelta(milliseconds=1)


def test_its_marks_are_in_order(exercise: Exercise) -> None:
    """From the declaration over the gate's no and yes to the first correction of the last channel."""
    marks = [(one.track, one.kind) for one in exercise.told.events]
    wanted = [
        ("incident", "declared"),
        ("signatures", "submit"),
        ("clearance", "refused"),
        ("signatures", "approve"),
        ("clearance", "clear"),
        ("signatures", "release"),
        ("stops", "halt"),
        ("stops", "resume"),
        ("public", "publish"),
        ("way_back", "correct"),
        ("public", "correct"),
    ]
    places = [marks.index(mark) for mark in wanted]
    assert places == sorted(places)
    assert sum(mark == ("public", "publish") for mark in marks) == len(CHANNELS)


def test_it_says_who_read_it_before(exercise: Exercise) -> None:
    """This reading included."""
    assert [(one.person, one.count) for one in exercise.told.readings] == [("reviewer-1", 1), ("reviewer-2", 1)]


def test_its_page_reads_everywhere(exercise: Exercise, chromium: Browser, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    """Nothing scrolls sideways and nothing is fetched in any view; axe finds nothing in the narrowest."""
    file = tmp_path / "review.html"
    file.write_text(html(story(exercise.told)), "utf-8")
    for view in VIEWS:
        with opened(chromium, file, view) as (page, asked):
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), view
            assert page.locator("svg").count() == len(CHARTS)
            assert asked == []
            assert view != TELEPHONE or findings(page) == []


def test_its_charts_state_what_was_recorded(exercise: Exercise) -> None:
    """Each sentence is worked out from this exercise."""
    titles = [
        block.title
        for section in story(exercise.told).sections
        for block in section.blocks
        if isinstance(block, Figure)
    ]
    for part in CHARTS:
        assert any(part in title for title in titles), (part, titles)

"""Breaking the glass: two people, an hour, fewer approvals, and never what policy keeps closed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.domain.errors import Forbidden, GateClosed, Invalid
from dispatcher.service import clearing, releasing
from tests.office import EXCEPTIONAL, Office

WHY = "water in the streets"


def test_author_and_director_together_may_skip_the_checker(office: Office) -> None:
    """One signature is not enough; with the second the plan is clear and can be released."""
    office.account("webhook", languages=("en-GB",))
    plan = office.plan(languages=("en-GB",))
    first = clearing.break_glass(office.desk, plan, office.pen("director-1"), WHY)
    assert [finding.clear for finding in first.findings] == [False]
    second = clearing.break_glass(office.desk, plan, office.pen("author-1"), WHY)
    assert [finding.clear for finding in second.findings] == [True]
    assert releasing.release(office.desk, plan, office.pen("director-1")).plan == plan


def test_it_ends_after_an_hour(office: Office) -> None:
    """At sixty minutes the checker is missing again, and nothing can be released."""
    office.account("webhook", languages=("en-GB",))
    plan = office.plan(languages=("en-GB",))
    for person in ("director-1", "author-1"):
        clearing.break_glass(office.desk, plan, office.pen(person), WHY)
    office.clock.advance(timedelta(minutes=60))
    with pytest.raises(GateClosed):
        releasing.release(office.desk, plan, office.pen("director-1"))


def test_two_who_are_both_involved_are_not_enough(office: Office) -> None:
    """Author and director do, author and the author's own second signature do not."""
    office.account("webhook", languages=("en-GB",))
    plan = office.plan(languages=("en-GB",))
    for _ in range(2):
        standing = clearing.break_glass(office.desk, plan, office.pen("author-1"), WHY)
        office.clock.advance(timedelta(seconds=1))
    assert [finding.clear for finding in standing.findings] == [False]


def test_the_director_is_never_skipped(office: Office) -> None:
    """Author and checker leave the director's approval missing."""
    office.account("webhook", languages=("en-GB",))
    plan = office.plan(languages=("en-GB",))
    for person in ("checker-1", "author-1"):
        standing = clearing.break_glass(office.desk, plan, office.pen(person), WHY)
    (finding,) = standing.findings
    assert [f.mend for f in finding.lacking] == ["duty_director"]


def test_a_language_is_checked_all_the_same(office: Office) -> None:
    """Welsh nobody has checked stays unchecked, threat to life or not."""
    office.account("webhook")
    plan = office.plan()
    for person in ("director-1", "author-1"):
        standing = clearing.break_glass(office.desk, plan, office.pen(person), WHY)
    (finding,) = standing.findings
    assert [f.fact for f in finding.lacking] == [
        "nobody has checked the language: cy; author-1 does not count (author, submitter in this plan)"
    ]


def test_tiktok_has_no_glass_to_break(office: Office) -> None:
    """Named, it is refused with its clause; unnamed, it is left out."""
    for channel in ("webhook", "tiktok"):
        office.account(channel)
    plan = office.plan(EXCEPTIONAL)
    with pytest.raises(Forbidden, match=r"no break-glass for tiktok \(G05\)"):
        clearing.break_glass(office.desk, plan, office.pen("director-1"), WHY, ["tiktok"])
    clearing.break_glass(office.desk, plan, office.pen("director-1"), WHY)
    (entry,) = office.ledger("statement.break_glass")
    assert entry.facts["body"]["channels"] == ["webhook"]


def test_it_needs_a_reason(office: Office) -> None:
    """Nothing is signed without one."""
    office.account("webhook")
    plan = office.plan()
    with pytest.raises(Invalid, match="needs a reason"):
        clearing.break_glass(office.desk, plan, office.pen("director-1"), " ")
    assert office.ledger("statement.break_glass") == []

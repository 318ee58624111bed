"""Chains of alerts: updates and cancels after one another, past the end, and with nothing before them."""

from dataclasses import replace
from datetime import timedelta

from channels.cap_feed import wire
from channels.cap_feed.folder import INDEX, LATE, listed
from channels.contract import DeliveryKind, Verdict

CORRECT, WITHDRAW = DeliveryKind.CORRECT, DeliveryKind.WITHDRAW


def read(feed, name):
    """An alert of the folder."""
    return wire.read((feed.folder / f"{name}.xml").read_bytes())


def kind_of(feed, name):
    """Its msgType."""
    data = (feed.folder / f"{name}.xml").read_text()
    return data.partition("<msgType>")[2].partition("</msgType>")[0]


def test_alert_update_update_cancel(feed, make_content):
    """Each names all before it, as readers that joined late need, and all are listed."""
    first = feed.send(feed.job("d-1")).reference
    second = feed.send(feed.job("d-2", make_content(CORRECT), 1, first)).reference
    third = feed.send(feed.job("d-3", make_content(CORRECT), 2, second)).reference
    feed.send(feed.job("d-4", make_content(WITHDRAW), 3, third))
    assert [kind_of(feed, f"d-{number}") for number in range(1, 5)] == ["Alert", "Update", "Update", "Cancel"]
    assert read(feed, "d-3").references == (first, second)
    assert read(feed, "d-4").references == (first, second, third)
    assert listed((feed.folder / INDEX).read_bytes()) == {"d-1", "d-2", "d-3", "d-4"}


def test_after_a_failed_update_the_cancel_goes_out_against_the_original(feed, make_content):
    """The folder was gone when the update was due; taking back does not wait for it."""
    first = feed.send(feed.job("d-1")).reference
    away = feed.folder.with_name("away")
    feed.folder.rename(away)
    assert feed.send(feed.job("d-2", make_content(CORRECT), 1, first)).verdict is Verdict.DEFERRED
    away.rename(feed.folder)
    assert feed.send(feed.job("d-3", make_content(WITHDRAW), 2, first)).verdict is Verdict.ACCEPTED
    assert read(feed, "d-3").references == (first,)


def test_a_correction_of_an_alert_that_was_never_sent_is_an_alert(feed, make_content):
    """Readers know of nothing that it could update."""
    assert feed.send(feed.job("d-2", make_content(CORRECT))).verdict is Verdict.ACCEPTED
    assert (kind_of(feed, "d-2"), read(feed, "d-2").references) == ("Alert", ())


def test_a_cancel_of_an_alert_that_was_never_sent_is_refused_with_its_reason(feed, make_content):
    """There is nothing to take back."""
    outcome = feed.send(feed.job("d-2", make_content(WITHDRAW)))
    assert (outcome.verdict, "nothing to cancel" in outcome.reason) == (Verdict.REJECTED, True)


def test_a_cancel_past_the_expiry_goes_out_and_is_listed(feed, make_content):
    """For a day at least, or nobody would learn of it."""
    first = feed.send(feed.job("d-1")).reference
    feed.now += timedelta(hours=9)
    outcome = feed.send(feed.job("d-2", make_content(WITHDRAW), 9 * 60, first))
    assert outcome.verdict is Verdict.ACCEPTED
    assert listed((feed.folder / INDEX).read_bytes()) == {"d-1", "d-2"}


def test_a_late_cancel_leaves_the_index_in_the_end(feed, make_content):
    """A feed does not grow for ever."""
    first = feed.send(feed.job("d-1")).reference
    feed.send(feed.job("d-2", make_content(WITHDRAW), 9 * 60, first))
    feed.now += LATE + timedelta(hours=10)
    later = replace(make_content(), valid_until=feed.now + timedelta(hours=1))
    feed.send(feed.job("d-3", later, 34 * 60))
    assert listed((feed.folder / INDEX).read_bytes()) == {"d-3"}

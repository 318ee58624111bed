"""Publishing, mending and finding alerts in a real folder."""

import errno
import fcntl
import os
import resource
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree

from channels.cap_feed import wire
from channels.cap_feed.adapter import Adapter
from channels.contract import DeliveryKind, Found, Seen, Verdict
from channels.http import Http, HttpPolicy
from tests.channels.cap_feed.conftest import Feed

ATOM = {None: "http://www.w3.org/2005/Atom"}


def listed(feed):
    """The identifiers in the index, newest first."""
    index = etree.fromstring((feed.folder / "feed.atom").read_bytes())
    return [element.text for element in index.iterfind("entry/id", ATOM)]


@contextmanager
def files_no_larger_than(size):
    """For a while, writing beyond ``size`` bytes fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_sending_publishes_a_file_and_lists_it(feed):
    """The alert stands under its identifier, and the index names it."""
    outcome = feed.send(feed.job("d-1"))
    assert outcome.verdict is Verdict.ACCEPTED
    assert outcome.reference == "alerts@city.example,d-1,2026-11-21T12:00:00-00:00"
    assert listed(feed) == ["d-1"]


def test_an_entry_links_to_the_alert(tmp_path):
    """A reader gets the headlines and a link with CAP's own type."""
    feed = Feed(tmp_path, "https://alerts.city.example/cap")
    assert feed.send(feed.job("d-1")).url == "https://alerts.city.example/cap/d-1.xml"
    feed.send(feed.job("d-1"))
    entry = etree.fromstring((feed.folder / "feed.atom").read_bytes()).find("entry", ATOM)
    assert entry.findtext("title", namespaces=ATOM) == "River rising / Afon yn codi"
    assert dict(entry.find("link", ATOM).attrib) == {
        "rel": "alternate",
        "type": "application/cap+xml",
        "href": "https://alerts.city.example/cap/d-1.xml",
    }


def test_a_repeat_changes_nothing(feed):
    """The same job on a later attempt leaves the same bytes in the same files."""
    job = feed.job("d-1")
    feed.send(job)
    before = feed.files()
    feed.now += timedelta(minutes=5)
    assert feed.send(replace(job, attempt=2)).verdict is Verdict.ACCEPTED
    assert feed.files() == before


def test_a_cancel_names_the_whole_chain(feed, make_content):
    """A reader that knows only the update must learn of the cancel too."""
    first = feed.send(feed.job("d-1")).reference
    second = feed.send(feed.job("d-2", make_content(DeliveryKind.CORRECT), 1, first)).reference
    feed.send(feed.job("d-3", make_content(DeliveryKind.WITHDRAW), 2, first))
    assert wire.read((feed.folder / "d-3.xml").read_bytes()).references == (first, second)


def test_a_cancel_goes_out_though_the_original_is_gone(feed, make_content):
    """Taking back never waits for the file of what is taken back."""
    original = "alerts@city.example,lost,2026-11-21T11:00:00-00:00"
    outcome = feed.send(feed.job("d-3", make_content(DeliveryKind.WITHDRAW), 2, original))
    assert outcome.verdict is Verdict.ACCEPTED
    assert wire.read((feed.folder / "d-3.xml").read_bytes()).references == (original,)


def test_a_repeated_update_keeps_its_first_references(feed, make_content):
    """An alert of the chain that arrives between two tries does not change the bytes."""
    first = feed.send(feed.job("d-1")).reference
    update = feed.job("d-3", make_content(DeliveryKind.CORRECT), 3, first)
    feed.send(update)
    before = (feed.folder / "d-3.xml").read_bytes()
    feed.send(feed.job("d-2", make_content(DeliveryKind.CORRECT), 2, first))
    assert feed.send(update).verdict is Verdict.ACCEPTED
    assert (feed.folder / "d-3.xml").read_bytes() == before


def test_a_withdrawal_of_nothing_is_refused(feed, make_content):
    """A Cancel without references would be refused by every reader."""
    assert feed.send(feed.job("d-1", make_content(DeliveryKind.WITHDRAW))).verdict is Verdict.REJECTED


def test_an_identifier_is_never_used_for_other_words(feed, make_content):
    """A second alert under the same identifier is refused, and the first one stays."""
    feed.send(feed.job("d-1"))
    before = feed.files()
    outcome = feed.send(feed.job("d-1", make_content(headline="Other words")))
    assert (outcome.verdict, outcome.code) == (Verdict.REJECTED, "conflict")
    assert feed.files() == before


def test_an_exercise_never_enters_a_live_feed(feed, make_content):
    """One folder holds one mode."""
    feed.send(feed.job("d-1"))
    outcome = feed.send(feed.job("d-2", make_content(exercise=True)))
    assert (outcome.verdict, outcome.code) == (Verdict.REJECTED, "mixed_feed")
    assert listed(feed) == ["d-1"]


def test_a_faulty_rendering_is_refused_before_anything_is_written(feed, altered):
    """A rendering that problems would name does not leave."""
    assert feed.send(altered(feed.job("d-1"), area=[])).verdict is Verdict.REJECTED
    assert feed.files() == {}


def test_an_expired_chain_leaves_the_index(feed, make_content):
    """Old alerts stay as files and are no longer listed."""
    feed.send(feed.job("d-1"))
    feed.now += timedelta(hours=7)
    later = replace(make_content(), valid_until=feed.now + timedelta(hours=1))
    feed.send(feed.job("d-2", later, 420))
    assert listed(feed) == ["d-2"]
    assert (feed.folder / "d-1.xml").exists()


def test_an_expired_alert_stays_listed_while_its_update_lives(feed, make_content):
    """A chain stays until the last of its expiries."""
    first = feed.send(feed.job("d-1")).reference
    feed.now += timedelta(hours=7)
    longer = replace(make_content(DeliveryKind.CORRECT), valid_until=feed.now + timedelta(hours=1))
    feed.send(feed.job("d-2", longer, 60, first))
    assert listed(feed) == ["d-2", "d-1"]


def test_finding_mends_an_index_that_a_crash_left_behind(feed):
    """The alert was renamed into place, then the process died: the look-up lists it."""
    job = feed.job("d-1")
    outcome = feed.send(job)
    (feed.folder / "feed.atom").unlink()
    finding = feed.find(job)
    assert (finding.found, finding.reference) == (Found.FOUND, outcome.reference)
    assert listed(feed) == ["d-1"]


def test_the_next_sending_mends_the_index_too(feed):
    """Whoever comes next lists what a crash left unlisted."""
    feed.send(feed.job("d-1"))
    (feed.folder / "feed.atom").unlink()
    feed.send(feed.job("d-2", minutes=1))
    assert listed(feed) == ["d-2", "d-1"]


def test_what_was_never_written_is_absent(feed):
    """The folder was read and the file is not in it."""
    assert feed.find(feed.job("d-1")).found is Found.ABSENT


def test_a_missing_folder_is_not_an_absent_alert(feed, tmp_path):
    """A share that is not mounted says nothing about what it holds."""
    job = feed.job("d-1")
    tmp_path.rmdir()
    assert feed.find(job).found is Found.UNKNOWN


def test_sending_to_a_missing_folder_waits(feed, tmp_path):
    """Nothing was published, so it can be tried again, and no folder is made."""
    tmp_path.rmdir()
    assert feed.send(feed.job("d-1")).verdict is Verdict.DEFERRED
    assert not tmp_path.exists()


def test_a_full_disk_publishes_nothing(feed):
    """The alert could not be written whole, so no part of it is there."""
    job = feed.job("d-1")
    with files_no_larger_than(100):
        outcome = feed.send(job)
    assert (outcome.verdict, outcome.code) == (Verdict.DEFERRED, os.strerror(errno.EFBIG))
    assert feed.files() == {}


def test_an_unwritable_index_leaves_doubt(feed):
    """The alert's file is public already, so the outcome does not claim that nothing happened."""
    (feed.folder / "feed.atom").mkdir()
    assert feed.send(feed.job("d-1")).verdict is Verdict.IN_DOUBT
    assert (feed.folder / "d-1.xml").exists()


def test_a_lock_that_stays_taken_defers(feed):
    """Another writer that hangs makes us wait our time and come back later."""
    job = replace(feed.job("d-1"), timeout_s=0.05)
    with (feed.folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        outcome = feed.send(job)
    assert outcome.verdict is Verdict.DEFERRED
    assert feed.files() == {}


def test_several_writers_lose_nothing(feed):
    """Sendings at the same time all end in the index."""
    jobs = [feed.job(f"d-{number}", minutes=number) for number in range(8)]
    barrier = threading.Barrier(len(jobs))

    def send(job):
        barrier.wait()
        return feed.send(job).verdict

    with ThreadPoolExecutor(len(jobs)) as pool:
        assert set(pool.map(send, jobs)) == {Verdict.ACCEPTED}
    assert sorted(listed(feed)) == sorted(job.delivery for job in jobs)


@pytest.mark.parametrize("old", [b"<alert", b"12:00:00-00:00</sent>", b"18:00:00-00:00</expires>"])
def test_a_stray_file_does_not_stop_the_feed(feed, old):
    """A file that is no alert, or whose time has no offset, is left out, and the rest is listed."""
    data = wire.build(feed.job("d-0").rendering, "d-0", feed.now, ())
    (feed.folder / "stray.xml").write_bytes(data.replace(old, old.replace(b"-00:00", b"").replace(b"<al", b"<b")))
    assert feed.send(feed.job("d-1")).verdict is Verdict.ACCEPTED
    assert listed(feed) == ["d-1"]


def test_a_published_alert_is_seen(feed):
    """Reading back gives the texts of both languages."""
    job = feed.job("d-1")
    seen = feed.read_back(job)
    assert (seen.seen, seen.text) == (Seen.VISIBLE, "\n\n".join(part.text for part in job.rendering.parts))


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda folder: (folder / "d-1.xml").unlink(), Seen.MISSING),
        (lambda folder: (folder / "feed.atom").unlink(), Seen.MISSING),
        (lambda folder: (folder / "d-1.xml").write_bytes(b"<html/>"), Seen.ALTERED),
        (lambda folder: (folder / "feed.atom").write_bytes(b"<html/>"), Seen.MISSING),
    ],
)
def test_what_was_spoilt_is_noticed(feed, spoil, expected):
    """A file or an index that somebody removed or changed shows in the read-back."""
    job = feed.job("d-1")
    reference = feed.send(job).reference
    spoil(feed.folder)
    assert feed.run(feed.adapter.read_back(job, reference)).seen is expected


def test_a_changed_word_in_the_file_is_noticed(feed):
    """One changed word makes the alert altered, with the text as the public reads it."""
    job = feed.job("d-1")
    reference = feed.send(job).reference
    file = feed.folder / "d-1.xml"
    file.write_bytes(file.read_bytes().replace(b"River rising", b"River falling"))
    seen = feed.run(feed.adapter.read_back(job, reference))
    assert seen.seen is Seen.ALTERED
    assert "River falling" in seen.text


def test_a_probe_says_whether_the_folder_can_be_used(feed, tmp_path):
    """The folder is checked without publishing."""
    assert feed.run(feed.adapter.probe()).ok
    tmp_path.rmdir()
    probe = feed.run(feed.adapter.probe())
    assert not probe.ok
    assert "cannot be written: No such file" in probe.detail


@pytest.mark.parametrize("key", ["folder", "sender"])
def test_an_account_without_its_settings_is_refused(feed, key):
    """The missing setting is named when the adapter is made, not when an alert is due."""
    account = replace(feed.account, settings={**feed.account.settings, key: ""})
    with pytest.raises(ValueError, match=f"the setting {key} is missing"):
        Adapter(account, {}, Http(HttpPolicy(frozenset())), lambda: feed.now)

"""Publishing, mending and finding messages on pages in a real folder."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from channels.contract import DeliveryKind, Found, Part, RenderError, Seen, Verdict
from channels.http import Http, HttpPolicy
from channels.public_page.adapter import Adapter
from channels.public_page.record import FOLDER
from channels.public_page.simulator import PageServer
from channels.simulator.server import Simulator
from tests.channels.public_page.conftest import NOON, THREAD, Site, content, no_note

CORRECT, WITHDRAW = DeliveryKind.CORRECT, DeliveryKind.WITHDRAW


def test_sending_makes_a_page_in_each_language_and_an_index(site):
    """Each a file of its own, named by the incident's thread."""
    outcome = site.send(site.job("d-1"))
    assert (outcome.verdict, outcome.reference) == (Verdict.ACCEPTED, f"{THREAD}#d-1")
    pages = {f"{name}.{tag}.html" for name in (THREAD, "index") for tag in ("en", "cy")}
    assert set(site.files()) == {*pages, "index.html"}


def test_the_address_names_the_message(tmp_path):
    """In the account's first language."""
    site = Site(tmp_path, "https://alerts.city.example")
    assert site.send(site.job("d-1")).url == f"https://alerts.city.example/{THREAD}.en.html#d-1"


def test_a_repeat_changes_nothing(site):
    """The same job on a later attempt leaves the same bytes in the same files."""
    job = site.job("d-1")
    first = site.send(job)
    before = site.files()
    site.now += timedelta(minutes=5)
    again = site.send(replace(job, attempt=2))
    assert (again, site.files()) == (first, before)


@pytest.mark.parametrize("kind", [CORRECT, WITHDRAW])
def test_the_way_back_keeps_the_reference(site, kind):
    """It changes the message in its place."""
    first = site.send(site.job("d-1")).reference
    assert site.send(site.job("d-2", content(kind, "Other"), 5, first)).reference == first


def test_a_correction_of_nothing_is_a_message_of_its_own(site):
    """What never appeared cannot be said to be corrected."""
    assert site.send(site.job("d-2", content(CORRECT, "Other"))).reference == f"{THREAD}#d-2"
    assert "Corrected" not in site.page()


def test_a_withdrawal_of_nothing_is_refused(site):
    """With its reason, and nothing is made."""
    outcome = site.send(site.job("d-2", content(WITHDRAW)))
    assert (outcome.verdict, "nothing to withdraw" in outcome.reason, site.files()) == (Verdict.REJECTED, True, {})


def test_a_withdrawal_stands_though_the_original_is_gone(site):
    """Taking back never waits for what is taken back."""
    assert site.send(site.job("d-2", content(WITHDRAW, "Wrong"), 5, f"{THREAD}#d-1")).verdict is Verdict.ACCEPTED
    assert "Withdrawn at 12:05" in site.page()


def test_a_name_that_could_leave_the_folder_becomes_a_digest(site):
    """Whatever a delivery, a thread or a reference is called."""
    site.send(site.job("../d", content(thread="../../etc")))
    site.send(site.job("d-2", content(CORRECT), 5, "../x#../y"))
    assert {len(name.partition(".")[0]) for name in site.files()} == {32, len(THREAD), len("index")}


def test_no_page_takes_the_place_of_the_index(site):
    """Whatever a thread is called."""
    assert not site.send(site.job("d-1", content(thread="index"))).reference.startswith("index#")


def test_messages_of_one_incident_share_a_page(site):
    """The newest first."""
    site.send(site.job("d-1"))
    site.send(site.job("d-2", content(headline="Bridge shut"), 10))
    page = site.page()
    assert page.index("Bridge shut") < page.index("River rising")
    assert page.count("<h1>") == 1


def test_other_words_under_the_same_delivery_are_refused(site):
    """And what stands stays."""
    site.send(site.job("d-1"))
    before = site.files()
    assert site.send(site.job("d-1", content(headline="Other words"))).code == "conflict"
    assert site.files() == before


def test_an_exercise_never_enters_a_live_folder(site):
    """One folder holds one mode."""
    site.send(site.job("d-1"))
    outcome = site.send(site.job("d-2", content(exercise=True)))
    assert (outcome.verdict, outcome.code) == (Verdict.REJECTED, "mixed_mode")


def test_finding_mends_pages_that_a_crash_left_unmade(site):
    """The record was kept, then the process died."""
    job = site.job("d-1")
    site.send(job)
    made = site.files()
    for name in made:
        (site.folder / name).unlink()
    finding = site.run(site.adapter.find(job))
    assert (finding.found, finding.reference) == (Found.FOUND, f"{THREAD}#d-1")
    assert site.files() == made


def test_the_next_message_mends_them_too(site):
    """Whoever comes next."""
    site.send(site.job("d-1"))
    (site.folder / "index.html").unlink()
    site.send(site.job("d-2", content(thread="another"), 1))
    assert "River rising" in site.page(page="index")


def test_what_was_never_kept_is_absent(site):
    """The folder was read and has no record."""
    assert site.run(site.adapter.find(site.job("d-1"))).found is Found.ABSENT


def test_a_missing_folder_is_not_an_absent_message(site):
    """A share that is not mounted says nothing; sending waits, and no folder is made."""
    job = site.job("d-1")
    site.folder.rmdir()
    assert site.run(site.adapter.find(job)).found is Found.UNKNOWN
    assert site.send(job).verdict is Verdict.DEFERRED
    assert not site.run(site.adapter.probe()).ok
    assert not site.folder.exists()


def test_a_page_that_cannot_be_written_leaves_doubt(site):
    """The record is kept, so the outcome does not claim that nothing happened."""
    (site.folder / f"{THREAD}.en.html").mkdir()
    assert site.send(site.job("d-1")).verdict is Verdict.IN_DOUBT


def test_a_record_that_cannot_be_read_does_not_stop_the_others(site):
    """It is left out."""
    site.send(site.job("d-1"))
    (site.folder / FOLDER / "stray.json").write_text("{}")
    assert site.send(site.job("d-2", content(headline="Bridge shut"), 1)).verdict is Verdict.ACCEPTED
    assert "River rising" in site.page()


def test_several_writers_lose_nothing(site):
    """Sendings at the same time all end on the page."""
    jobs = [site.job(f"d-{number}", content(headline=f"Message {number}"), number) for number in range(6)]
    barrier = threading.Barrier(len(jobs))

    def send(job):
        barrier.wait()
        return site.send(job).verdict

    with ThreadPoolExecutor(len(jobs)) as pool:
        assert set(pool.map(send, jobs)) == {Verdict.ACCEPTED}
    assert all(f"Message {number}" in site.page() for number in range(6))


@pytest.mark.parametrize("kind", list(DeliveryKind))
def test_what_stands_there_is_seen(site, kind):
    """A message, a correction, and a withdrawal in its own words."""
    first = site.send(site.job("d-1")).reference
    job = site.job("d-2", content(kind, "Other"), 5, None if kind is DeliveryKind.PUBLISH else first)
    site.send(job)
    seen = site.read_back(job)
    assert (seen.seen, seen.text) == (Seen.VISIBLE, "\n\n".join(part.text for part in job.rendering.parts))


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda folder: (folder / f"{THREAD}.cy.html").unlink(), Seen.MISSING),
        (lambda folder: (folder / f"{THREAD}.cy.html").write_text("<p>All is well."), Seen.ALTERED),
        (lambda folder: (folder / FOLDER / "d-1.json").unlink(), Seen.MISSING),
        (lambda folder: (folder / "index.en.html").write_text("<p>Nothing."), Seen.MISSING),
    ],
)
def test_what_was_spoilt_is_noticed(site, spoil, expected):
    """A page, a record or an index that somebody removed or changed."""
    job = site.job("d-1")
    site.send(job)
    site.send(site.job("d-2", content(headline="Bridge shut"), 1))
    spoil(site.folder)
    assert site.read_back(job).seen is expected


def test_a_release_between_two_seconds_is_kept_as_it_was(site):
    """Its fraction orders what came within one second."""
    first = site.job("z-1")
    first = replace(first, intended_at=NOON + timedelta(microseconds=1))
    second = site.job("a-2", content(CORRECT, "Second"), 0, site.send(first).reference)
    second = replace(second, intended_at=NOON + timedelta(microseconds=2))
    site.send(second)
    assert [site.read_back(job).seen for job in (first, second)] == [Seen.VISIBLE] * 2
    assert site.page().index("Second") < site.page().index("River rising")


def test_a_later_look_finds_the_same_page(site):
    """What is served does not depend on when one looks."""
    job = site.job("d-1")
    site.send(job)
    site.now += timedelta(days=200)
    assert site.read_back(job).seen is Seen.VISIBLE


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (None, Seen.VISIBLE),
        ("page", Seen.ALTERED),
        ("gone", Seen.MISSING),
        ("index", Seen.MISSING),
    ],
)
def test_what_is_served_is_fetched_back_and_compared(tmp_path, spoil, expected):
    """At its public address, with the index."""

    async def run():
        async with Simulator([PageServer], served=tmp_path, clock=lambda: NOON) as far:
            work = tmp_path / "work"
            work.mkdir()
            site = Site(work, f"{far.address('public_page')}/www")
            http = Http(HttpPolicy(frozenset({urlsplit(far.url).netloc}), allow_private=True, https_only=False))
            adapter = Adapter(site.account, {}, http, lambda: NOON)
            job = site.job("d-1")
            await adapter.send(job, no_note)
            www = tmp_path / "www"
            www.mkdir()
            for name, data in site.files().items():
                (www / name).write_bytes(data)
            if spoil == "gone":
                (www / f"{THREAD}.en.html").unlink()
            elif spoil:
                (www / f"{THREAD if spoil == 'page' else 'index'}.en.html").write_text("old")
            seen = await adapter.read_back(job, "any")
            await http.close()
            return seen.seen

    assert asyncio.run(run()) is expected


def test_rendering_is_pure_and_reads_back(site):
    """As every channel's does."""
    rendering = Adapter.render(content(), site.account)
    assert rendering == Adapter.render(content(), site.account) == type(rendering).from_document(rendering.document())


def test_a_language_without_words_is_refused(tmp_path):
    """The words around a text must be in its language."""
    site = Site(tmp_path, languages=("en-GB", "pl"))
    message = content()
    texts = (*message.texts, replace(message.texts[0], language="pl"))
    with pytest.raises(RenderError, match="not in pl"):
        Adapter.render(replace(message, texts=texts), site.account)


def test_a_missing_language_is_refused(site):
    """Every language of the account must be in the message."""
    message = content()
    with pytest.raises(RenderError, match="cy-GB"):
        Adapter.render(replace(message, texts=message.texts[:1]), site.account)


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("link", "javascript:alert(1)", "no web address"),
        ("texts", [], "texts"),
        ("texts", [{"language": "en"}], "a text has"),
        ("standing", "well", "well"),
        ("valid_until", "soon", "soon"),
        ("exercise", "no", "exercise"),
        ("exercise", True, "EXERCISE"),
        ("area", "Quay", "area"),
        ("sent_by", "bell \x07", "invisible character"),
    ],
)
def test_a_fault_is_named(site, option, value, says):
    """And nothing is made of it."""
    job = site.job("d-1")
    rendering = replace(job.rendering, options={**job.rendering.options, option: value})
    assert any(says in fault for fault in Adapter.problems(rendering))
    assert site.send(replace(job, rendering=rendering)).verdict is Verdict.REJECTED
    assert site.files() == {}


def test_texts_that_differ_from_the_parts_are_refused(site):
    """People sign the parts."""
    rendering = site.job("d-1").rendering
    other = replace(rendering, parts=(Part("en-GB", "All is well."), rendering.parts[1]))
    assert any("differ" in fault for fault in Adapter.problems(other))

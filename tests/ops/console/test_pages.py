"""What the pages say, asked for without a browser."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from datetime import timedelta

import pytest

from dispatcher.sender_bootstrap import now
from dispatcher.service.operating.values import Tone
from ops.console.signing_in.guard import HEADERS
from tests.ops.console.seen import EMPTY, Scripted, busy, channel, incident, lane
from tests.ops.console.served import Served
from tests.servers import until


def seen(console: Served, looks: Scripted, **more: object) -> str:
    """The page Now, of a deployment where nothing happens but ``more``, as soon as the reader has seen that."""
    looks.put(replace(EMPTY, **more))
    looked = console.console.live.looks
    until(lambda: console.console.live.looks > looked + 1, "another look")
    return words(console.get("/").text)


def words(html: str) -> str:
    """The text of a page, in one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", html.split("<main", 1)[1]).split())


def test_now_begins_with_the_incidents_and_says_how_each_channel_stands(console: Served, looks: Scripted) -> None:
    """Sentence, age since the approval, and what is left of the gate's window, before attention and queues."""
    looks.put(busy(now()))
    text = until(lambda: "Example Dock" in (page := words(console.get("/").text)) and page, "the incident is shown")
    assert "▲ trouble Bluesky : in doubt since 14:01:02: nobody knows whether it is out" in text
    assert "TikTok : waiting for the minister" in text
    assert re.search(r"approved 3 min( \d+ s)? ago, not yet public", text)
    assert re.search(r"approved 3 min( \d+ s)? ago, not yet known to be public", text)
    assert re.search(r"gate cleared, (3 h 59 min|4 h) left", text)
    assert text.index("Example Dock") < text.index("Attention") < text.index("Queues")


def test_a_live_incident_stands_before_an_exercise_and_both_say_what_they_are(
    console: Served, looks: Scripted
) -> None:
    """LIVE and EXERCISE are words beside each incident."""
    text = seen(console, looks, incidents=(incident(mode="exercise"), incident(mode="live", title="Fire")))
    assert re.search(r"LIVE\s+Fire.*EXERCISE\s+Severe gale tonight", text)


def test_a_quiet_deployment_says_so_in_a_sentence(console: Served, looks: Scripted) -> None:
    """No zeros: what was delivered last, when and to which channel."""
    at = now() - timedelta(seconds=50)
    text = seen(console, looks, lanes=(lane(last_done_at=at, last_done="x"), lane("recipients")))
    assert f"Nothing waiting. Last delivered {at:%H:%M:%S} to X." in text
    assert "No incident is open." in text
    assert "Nothing waits for a person." in text
    assert " 0 " not in text


def test_a_queue_without_a_worker_is_named(console: Served, looks: Scripted) -> None:
    """Dead is told from slow."""
    text = seen(console, looks, lanes=(lane(waiting=3, oldest_due_at=now(), live=0), lane("recipients", waiting=2,
                                       oldest_due_at=now())))  # fmt: skip
    assert text.count("no live worker for this queue") == 1


@pytest.mark.parametrize("tone", Tone)
def test_every_tone_has_a_word_and_a_shape(console: Served, looks: Scripted, tone: Tone) -> None:
    """A colour alone says nothing to many, and nothing at all on paper."""
    from ops.console.rendering import SHAPES, WORDS

    text = seen(console, looks, incidents=(incident(channel("x", "so it is", tone)),))
    assert f"{SHAPES[tone]} {WORDS[tone]} X : so it is" in text
    assert len(set(SHAPES.values())) == len(set(WORDS.values())) == len(Tone)


def test_what_people_wrote_is_shown_as_text(console: Served, looks: Scripted) -> None:
    """Markup is escaped and unseen characters are spelled out, in a title and in a sentence alike."""
    hostile = "<script>alert(1)</script>\u202e"
    looks.put(replace(EMPTY, incidents=(incident(channel("x", hostile, Tone.GOING), title=hostile),)))
    html = until(lambda: "alert(1)" in (page := console.get("/").text) and page, "it is shown")
    assert "<script>alert" not in html
    assert "\u202e" not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3


def test_every_page_has_one_heading_the_skip_link_and_the_halt_button(console: Served, looks: Scripted) -> None:
    """And captions for tables, and scopes for their headers."""
    looks.put(busy(now()))
    for path in ("/", "/workers", "/nowhere"):
        html = console.get(path).text
        assert len(re.findall(r"<h1[ >]", html)) == 1, path
        assert 'href="#main"' in html
        assert 'href="/halt"' in html
        assert html.count("<table") == html.count("<caption")
        assert all("scope=" in tag for tag in re.findall(r"<th[ >][^>]*>?", html))


def test_an_address_that_there_is_not_says_where_to_go(console: Served) -> None:
    """404, in words."""
    answer = console.get("/incident/inc-nowhere")
    assert answer.status == 404
    assert "there is no incident inc-nowhere" in answer.text.lower()


def test_nobody_is_shown_anything(console: Served) -> None:
    """Without a session pages lead to the sign-in, and streams and fragments give nothing."""
    assert console.get("/", cookie="").status == 303
    assert console.get("/workers", cookie="forged").status == 303
    assert console.get("/events?page=now", cookie="").status == 401
    assert "fragments" not in console.get("/fragments?page=now", cookie="").text


def test_health_is_told_to_anybody(console: Served) -> None:
    """And nothing else is told with it."""
    assert (console.get("/healthz", cookie="").status, console.get("/healthz", cookie="").text) == (200, "ok\n")
    assert console.get("/readyz", cookie="").text == "ready\n"


def test_every_answer_carries_the_headers(console: Served) -> None:
    """Also those of files, streams that are refused, and addresses that there are not."""
    for path in ("/", "/nowhere", "/static/console.css", "/static/nowhere.css", "/events?page=nowhere"):
        headers = console.get(path).headers
        assert headers.items() >= {name.lower(): value for name, value in HEADERS.items()}.items(), path


def test_nothing_is_asked_of_other_hosts_and_nothing_runs_inline(console: Served) -> None:
    """Every script, style and picture is a file of ours."""
    for path in ("/", "/workers"):
        html = console.get(path).text
        assert re.findall(r'(?:src|href)="(?:https?:)?//', html) == []
        assert re.findall(r"<script(?![^>]*src=)", html) == re.findall(r"\sstyle=|\son[a-z]+=", html) == []


def test_the_address_is_said_to_its_owner_alone(console: Served) -> None:
    """run/console.url can be read by nobody else."""
    file = console.console.settings.path("run", "console.url")
    assert file.read_text() == f"{console.url}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

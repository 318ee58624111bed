"""Pages that change by themselves, before people's eyes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from dispatcher.sender_bootstrap import now
from dispatcher.service.desk import Desk
from dispatcher.service.operating.values import Tone
from tests.browser.conftest import Visit
from tests.ops.console.seen import EMPTY, Scripted, busy, channel, incident, lane, worker
from tests.ops.console.served import Served, deployment_at, served
from tests.servers import until
from tests.stage import Stage

pytestmark = pytest.mark.system


def pulse(page: Page, said: str) -> None:
    """Wait until the line at the top says so."""
    expect(page.locator("[data-pulse-said]")).to_have_text(re.compile(said))


def here(page: Page) -> None:
    """Mark the document, so that one that was loaded again is known."""
    page.evaluate("window.stillHere = true")


def test_a_fan_out_is_watched_without_loading_the_page_again(running: Stage, console: Served, visit: Visit) -> None:
    """From waiting for signatures to reached, on every channel, as the roles send."""
    plan = running.submitted(lists=("city",))
    page = visit(console)
    expect(page.get_by_role("heading", name="Storm")).to_be_visible()
    here(page)
    from dispatcher.service import clearing

    for person in ("checker-1", "director-1"):
        clearing.approve(running.desk, plan, running.pen(person))
    running.release(plan)
    until(lambda: running.ended(plan), "everything is sent")
    for name in ("X", "Bluesky", "Webhook", "Notify"):
        line = page.locator(".channel", has=page.get_by_text(name, exact=True))
        expect(line.locator(".tone--done")).to_be_visible()
    assert page.evaluate("window.stillHere") is True
    assert "live since" in page.locator("[data-fragment=incidents]").inner_text()


def test_an_incident_shows_what_became_of_every_text_and_account(
    running: Stage, console: Served, visit: Visit
) -> None:
    """The matrix with its counts, the words as they were sent, and nothing in trouble."""
    plan = running.cleared(lists=("city",))
    running.release(plan)
    until(lambda: running.ended(plan), "everything is sent")
    page = visit(console)
    page.get_by_role("link", name="Storm").click()
    table = page.get_by_role("table", name=re.compile("By text and account"))
    numbers = table.get_by_role("row", name=re.compile("notify-1"))
    expect(numbers).to_contain_text("12")
    expect(page.get_by_text("Stay indoors").first).to_be_visible()
    assert page.title().startswith("EXERCISE – Storm")


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Desk]:
    """A deployment whose console listens at the same address each time it is started."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    desk = deployment_at(tmp_path / "deployment")
    settings = replace(desk.settings, console=replace(desk.settings.console, listen=listen))
    return replace(desk, settings=settings)


def test_a_lost_connection_is_said_and_regained(port: Desk, looks: Scripted, visit: Visit) -> None:
    """With the time since when; what happened meanwhile is there, without loading the page again."""
    with served(port, looks) as first:
        page = visit(first)
        here(page)
        pulse(page, r"^Updated at \d\d:\d\d:\d\d UTC$")
    pulse(page, r"Connection lost since \d\d:\d\d:\d\d")
    looks.put(replace(EMPTY, incidents=(incident(title="It went on"),)))
    with served(port, looks):
        pulse(page, r"^Updated at")
        expect(page.get_by_role("heading", name="It went on")).to_be_visible()
        assert page.evaluate("window.stillHere") is True


def test_without_a_stream_the_page_asks_now_and_then(shown: Served, looks: Scripted, visit: Visit) -> None:
    """The same fragments, where something between does not let streams through."""
    page = visit(shown, "/workers")
    page.route("**/events?*", lambda route: route.abort())
    page.reload()
    looks.put(replace(EMPTY, lanes=(lane("recipients"),), workers=(worker("recipients"),)))
    expect(page.get_by_role("rowheader", name="recipients EXERCISE").first).to_be_visible()
    expect(page.locator("[data-pulse-said]")).to_have_attribute("data-by", "polling")
    pulse(page, "^Updated at")


def test_pause_keeps_the_page_as_it_is_until_it_goes_on(shown: Served, looks: Scripted, visit: Visit) -> None:
    """Paused is said, with the time of what is shown; going on catches up."""
    page = visit(shown)
    pulse(page, "^Updated at")
    page.get_by_role("button", name="Pause").click()
    pulse(page, r"^Paused; this is of \d\d:\d\d:\d\d")
    looked = shown.console.live.looks
    looks.put(replace(EMPTY, incidents=(incident(title="Meanwhile"),)))
    until(lambda: shown.console.live.looks > looked + 20, "the reader went on")
    expect(page.get_by_role("heading", name="Meanwhile")).to_have_count(0)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Meanwhile")).to_be_visible()
    pulse(page, "^Updated at")


def test_nothing_is_redrawn_under_the_focus(shown: Served, looks: Scripted, visit: Visit) -> None:
    """What is under the focus stays, and it is said; everything else goes on; leaving it catches up."""
    two = (incident(title="One", mode="live"), incident(title="Two"))
    looks.put(replace(EMPTY, incidents=two))
    page = visit(shown)
    page.get_by_role("link", name="One").focus()
    page.evaluate("window.focused = document.activeElement")
    changed = tuple(replace(one, channels=(channel("x", "it changed", Tone.DONE),)) for one in two)
    looks.put(replace(EMPTY, incidents=changed))
    expect(page.locator(".incident--exercise")).to_contain_text("it changed")
    pulse(page, "^Paused while you are here")
    assert page.evaluate("document.activeElement === window.focused && window.focused.isConnected")
    expect(page.locator(".incident--live")).not_to_contain_text("it changed")
    page.evaluate("document.activeElement.blur()")
    expect(page.locator(".incident--live")).to_contain_text("it changed")
    pulse(page, "^Updated at")


def test_a_selection_is_left_alone(shown: Served, looks: Scripted, visit: Visit) -> None:
    """Whoever copies a command has it to the end."""
    page = visit(shown)
    page.evaluate("getSelection().selectAllChildren(document.querySelector('[data-fragment=first-matters]'))")
    looks.put(replace(EMPTY))
    pulse(page, "^Paused while you are here")
    assert "dispatcher delivery resolve" in page.evaluate("getSelection().toString()")
    page.evaluate("getSelection().removeAllRanges()")
    expect(page.get_by_text("Nothing waits for a person.")).to_be_visible()


def test_the_page_never_scrolls_by_itself(shown: Served, looks: Scripted, visit: Visit) -> None:
    """Also where what is above grows."""
    page = visit(shown, viewport={"width": 375, "height": 500})
    page.evaluate("window.scrollTo(0, 700)")
    looks.put(replace(busy(now()), attention=()))
    expect(page.get_by_text("Nothing waits for a person.")).to_have_count(1)
    assert page.evaluate("window.scrollY") == pytest.approx(700, abs=300)


def test_a_change_is_announced_once_and_the_time_never(shown: Served, looks: Scripted, visit: Visit) -> None:
    """One live region says that a channel moved on."""
    looks.put(replace(EMPTY, incidents=(incident(channel("x", "going out", Tone.GOING)),)))
    page = visit(shown)
    pulse(page, "^Updated at")
    assert page.locator("[role=status]").inner_text() == ""
    looks.put(replace(EMPTY, incidents=(incident(channel("x", "live since 14:03:07", Tone.DONE)),)))
    expect(page.locator("[role=status]")).to_have_text("X: live since 14:03:07.")
    assert page.locator("[aria-live], [role=status], [role=alert]").count() == 1


def test_everything_is_there_without_script(shown: Served, visit: Visit) -> None:
    """As of when, and no button that would do nothing."""
    page = visit(shown, java_script_enabled=False)
    pulse(page, r"^As of \d\d:\d\d:\d\d UTC$")
    expect(page.get_by_role("heading", name="Chemical fire at Example Dock")).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    page.get_by_role("link", name="Workers").first.click()
    expect(page.get_by_role("table", name="Queues")).to_contain_text("no live worker for this queue")


def test_whoever_is_signed_out_elsewhere_is_led_to_the_sign_in(shown: Served, visit: Visit) -> None:
    """The page loads again when the console does not know the session any more."""
    page = visit(shown)
    pulse(page, "^Updated at")
    page.context.clear_cookies()
    page.route("**/events?*", lambda route: route.abort())
    page.evaluate("document.querySelector('[data-pause]').click(); document.querySelector('[data-pause]').click()")
    page.wait_for_url(re.compile("/sign-in"))

"""Stopping from the console, and starting again in a terminal: each act from the first press to the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from dispatcher.domain.statement import Mode
from dispatcher.service import resolving, stopping
from dispatcher.service.resolving import Answer
from dispatcher.service.stopping import Halted
from dispatcher.store import holds
from tests.browser.scene import Scene, scene_at
from tests.servers import until

pytestmark = pytest.mark.system


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A deployment that this test may change."""
    with scene_at(tmp_path) as made:
        yield made


def halts(scene: Scene, mode: Mode = Mode.EXERCISE) -> list[Halted]:
    """The halts in force."""
    return [halt for halt in stopping.halts(scene.stage.desk, mode) if halt.in_force]


def press_halt(page: Page, scene: Scene) -> None:
    """From the page of the exercise to its halt, in two presses."""
    page.goto(f"{scene.url}/incident/{scene.names['exercise']}")
    page.get_by_role("link", name="Halt").first.click()
    page.get_by_role("button", name="Halt EXERCISE now").click()


def test_two_presses_halt_what_the_page_is_about(chromium: Browser, scene: Scene) -> None:
    """The halt is in the ledger in the name of who pressed, though they gave no reason at the time."""
    with scene.visit(chromium) as seen:
        press_halt(seen.page, scene)
        expect(seen.page.get_by_role("heading", level=1)).to_have_text("EXERCISE is halted")
        (halt,) = halts(scene)
        assert (halt.scope, halt.target, halt.person) == ("incident", scene.names["exercise"], "ops-1")
        assert halt.reason == "no reason given at the time"
        assert seen.page.locator("main").get_by_text(f"dispatcher resume {halt.statement[:12]}").is_visible()
        assert seen.wrong == []


def test_the_page_between_says_what_stops_what_goes_on_and_who_ends_it(chromium: Browser, scene: Scene) -> None:
    """And in which mode, in a word."""
    with scene.visit(chromium) as seen:
        seen.page.goto(f"{scene.url}/halt?scope=incident&target={scene.names['exercise']}")
        main = seen.page.locator("main").inner_text()
        assert "Halt EXERCISE sending" in main
        assert "would wait" in main
        assert "still go out" in main
        assert "Two people end a halt, neither of them you" in main
        assert halts(scene) == []


def test_two_others_end_the_halt_in_a_terminal_and_it_is_seen_live(chromium: Browser, scene: Scene) -> None:
    """The page Now shows the halt, and lets it go without being loaded again."""
    with scene.visit(chromium) as seen:
        press_halt(seen.page, scene)
        seen.page.get_by_role("link", name="Back to Now").click()
        expect(seen.page.locator(".halted")).to_be_visible(timeout=10_000)
        (halt,) = halts(scene)
        for person in ("director-1", "director-2"):
            stopping.resume(scene.stage.desk, halt.statement, scene.stage.pen(person))
        expect(seen.page.locator(".halted")).to_have_count(0, timeout=15_000)


def test_a_doubled_press_makes_one_halt(chromium: Browser, scene: Scene) -> None:
    """The same form sent ten times at once."""
    with scene.visit(chromium) as seen:
        seen.page.goto(f"{scene.url}/halt?scope=incident&target={scene.names['exercise']}")
        said = seen.page.evaluate(
            """async () => {
                const body = new URLSearchParams(new FormData(document.querySelector('form[action="/halt/do"]')))
                const sent = Array.from({length: 10}, () => fetch('/halt/do', {method: 'POST', body}))
                return (await Promise.all(sent)).map((answer) => answer.url)
            }"""
        )
        (halt,) = halts(scene)
        assert set(said) == {f"{scene.url}/halted/{halt.statement}"}


def test_who_has_halted_it_already_is_shown_that_halt(chromium: Browser, scene: Scene) -> None:
    """From another page, later: a second halt of the same would need four signatures to end."""
    with scene.visit(chromium) as seen:
        press_halt(seen.page, scene)
        first = seen.page.url
        press_halt(seen.page, scene)
        assert seen.page.url == first
        assert len(halts(scene)) == 1


def test_something_else_is_chosen_in_the_form(chromium: Browser, scene: Scene) -> None:
    """One account, with a reason; its mode is its own, whatever is ticked."""
    with scene.visit(chromium) as seen:
        page = seen.page
        page.goto(f"{scene.url}/halt")
        page.get_by_label("One account").check()
        page.get_by_label("Which account").select_option("x-1")
        page.get_by_role("button", name="Show what would stop").click()
        page.get_by_label("Why").fill("the post is wrong")
        page.get_by_role("button", name="Halt EXERCISE now").click()
        page.wait_for_url("**/halted/*")
        (halt,) = halts(scene)
        assert (halt.scope, halt.target, halt.reason) == ("account", "x-1", "the post is wrong")


def test_a_live_halt_says_live_on_every_page(chromium: Browser, scene: Scene) -> None:
    """Where a live incident is open, the hurried halt means live."""
    with scene.visit(chromium) as seen:
        seen.page.goto(f"{scene.url}/halt")
        assert "LIVE" in seen.page.title()
        seen.page.get_by_role("button", name="Halt LIVE now").click()
        expect(seen.page.get_by_role("heading", level=1)).to_have_text("LIVE is halted")
        assert [halt.scope for halt in halts(scene, Mode.LIVE)] == ["all"]
        assert halts(scene) == []


def test_nothing_is_halted_where_what_was_confirmed_is_not_there(chromium: Browser, scene: Scene) -> None:
    """The page says what changed, and leads back."""
    with scene.visit(chromium) as seen:
        seen.page.goto(f"{scene.url}/halt?scope=incident&target={scene.names['exercise']}")
        seen.page.locator('input[name="target"]').first.evaluate("one => one.value = 'inc-gone'")
        with seen.page.expect_response("**/halt/do") as answer:
            seen.page.get_by_role("button", name="Halt EXERCISE now").click()
        assert answer.value.status == 409
        assert "there is no incident inc-gone" in seen.page.locator("main").inner_text().lower()
        assert halts(scene) == []


def test_an_account_is_held_and_the_page_then_says_by_whom(chromium: Browser, scene: Scene) -> None:
    """With the command that ends it."""
    with scene.visit(chromium) as seen:
        page = seen.page
        page.goto(f"{scene.url}/account/webhook-1/hold")
        page.get_by_label("Why").fill("its platform is ill")
        page.get_by_role("button", name="Hold this EXERCISE account now").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Account webhook-1 is held")
        expect(page.get_by_text("dispatcher account unhold webhook-1")).to_be_visible()
    with scene.stage.desk.store.read() as work:
        assert holds.standing(work).held == {"webhook-1": "its platform is ill"}


def test_a_plan_is_cancelled_for_good(chromium: Browser, scene: Scene) -> None:
    """What had not begun is cancelled; what is held for an answer still waits for it."""
    with scene.visit(chromium) as seen:
        seen.page.goto(f"{scene.url}/plan/{scene.names['plan']}/cancel")
        seen.page.get_by_role("button", name="Cancel this EXERCISE plan for good").click()
        expect(seen.page.get_by_role("heading", level=1)).to_have_text("This plan is cancelled")
    assert scene.stage.states(scene.names["plan"])["cancelled"] == 1


def test_an_in_doubt_delivery_is_resolved_by_two_in_a_terminal_and_seen_live(chromium: Browser, scene: Scene) -> None:
    """The page shows the command and no button; once two have signed the same answer it is gone from Attention."""
    delivery = scene.names["x-1"]
    with scene.visit(chromium) as seen:
        page = seen.page
        page.goto(f"{scene.url}/delivery/{delivery}")
        assert page.get_by_text(f"dispatcher delivery resolve {delivery} seen").is_visible()
        assert page.locator("main button, main form").count() == 0
        page.goto(f"{scene.url}/attention")
        waiting = page.locator("main").get_by_text("x-1 (x)")
        expect(waiting).to_be_visible(timeout=10_000)
        for person in ("director-1", "ops-1"):
            resolving.resolve(scene.stage.desk, delivery, Answer.SEEN, scene.stage.pen(person))
        expect(waiting).to_have_count(0, timeout=15_000)
        assert page.get_by_text("bluesky-1 (bluesky)").is_visible()


def test_a_reader_is_refused_where_it_is_done_whatever_the_page_showed(chromium: Browser, scene: Scene) -> None:
    """403 from every handler that acts, for a reviewer whose browser sends the forms all the same."""
    plan = scene.names["plan"]
    acts = ["/halt/confirm", "/halt/do", "/account/x-1/hold/do", f"/plan/{plan}/cancel/do"]
    with scene.visit(chromium, "reviewer-1") as seen:
        page = seen.page
        page.goto(f"{scene.url}/halt")
        assert "these may halt: ops, duty director" in page.locator("main").inner_text()
        assert page.locator("main form").count() == 0
        for path in acts:
            send = (
                "path => fetch(path, {method: 'POST', body: new URLSearchParams({scope: 'all', mode: 'exercise'})})"
            )
            assert page.evaluate(f"async path => (await ({send})(path)).status", path) == 403
    assert halts(scene) == []
    assert until(lambda: scene.stage.states(plan)["ready"] == 1, "the webhook's delivery still waits")


def test_a_console_without_a_key_shows_the_command_instead(chromium: Browser, tmp_path: Path) -> None:
    """And refuses the form that somebody sends all the same."""
    with scene_at(tmp_path, key=False) as scene, scene.visit(chromium) as seen:
        seen.page.goto(f"{scene.url}/halt?scope=account&target=x-1")
        assert seen.page.get_by_text("dispatcher halt --account x-1 --mode exercise").is_visible()
        assert seen.page.locator('form[action="/halt/do"]').count() == 0
        send = "fetch('/halt/do', {method: 'POST', body: new URLSearchParams({scope: 'all', mode: 'exercise'})})"
        assert seen.page.evaluate(f"async () => (await {send}).status") == 503
        assert halts(scene) == []

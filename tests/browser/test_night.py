"""A night on call: the console as a process of its own, people at the command line beside it, and what they see."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from dispatcher.bootstrap import open_desk
from dispatcher.service.operating.look import Looker
from dispatcher.settings import ConsoleSettings
from ops.console.signing_in.cookies import ON_THE_WAY, SIGNED_IN
from ops.reading import having_read
from tests.browser.scene import Scene, filled
from tests.openid.running import Wire, provider_running
from tests.ops.console.served import Served, served
from tests.ops.console.signing_in.support import with_settings
from tests.servers import until
from tests.stage import Stage, far_sides, stage_at

pytestmark = pytest.mark.system

SEEN_WITHIN_MS = 20_000


@dataclass
class Night:
    """A deployment in trouble, its console running as a process, and the deployment's people at the command line."""

    scene: Scene
    url: str

    @property
    def stage(self) -> Stage:
        """The deployment."""
        return self.scene.stage

    def typed(self, person: str, *words: str) -> str:
        """What somebody types, with their own key; what it prints."""
        words = having_read(words, lambda *read: json.loads(self.typed(person, *read)))
        environment = {**_plain(), "DISPATCHER_DEPLOYMENT": str(self.stage.folder)}
        environment["DISPATCHER_KEY"] = str(self.stage.folder / "keys" / "exercise" / person)
        done = subprocess.run(
            _dispatcher(*words), check=False, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def link(self, person: str) -> str:
        """The link that ``dispatcher console`` prints."""
        (link,) = re.findall(r"http://\S+/sign-in/link/[\w-]+", self.typed(person, "console"))
        return str(link)

    def enter(self, page: Page, person: str) -> None:
        """Sign in by that link."""
        page.goto(self.link(person))
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Now")


@contextmanager
def processes(folder: Path, *roles: str) -> Iterator[None]:
    """Roles as ``dispatcher worker`` starts them, each a process; ended by SIGTERM as any supervisor would."""
    environment = {**_plain(), "DISPATCHER_DEPLOYMENT": str(folder)}
    words = [_dispatcher("worker", role, "--mode", "exercise") for role in roles]
    with (folder.parent / "roles.log").open("wb") as log:
        running = [subprocess.Popen(one, env=environment, stdout=log, stderr=log) for one in words]
        try:
            yield
        finally:
            for one in running:
                one.terminate()
            codes = [one.wait(30) for one in running]
    assert codes == [0] * len(roles), (folder.parent / "roles.log").read_text()


def _dispatcher(*words: str) -> list[str]:
    return [str(Path(sys.executable).with_name("dispatcher")), *words]


def _plain() -> dict[str, str]:
    """Our own environment, without anybody's key in it."""
    return {name: said for name, said in os.environ.items() if name not in ("DISPATCHER_KEY", "SSH_AUTH_SOCK")}


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    """The deployment and its console."""
    with far_sides() as far:
        scene = Scene(stage_at(tmp_path, far))
        filled(scene)
        said = scene.stage.folder / "run" / "console.url"
        with processes(scene.stage.folder, "console"):
            scene.url = until(lambda: said.exists() and said.read_text().strip(), "the console listens", 30)
            yield Night(scene, scene.url)
        scene.stage.desk.store.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A browser in which nobody is signed in."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def test_a_link_that_was_printed_signs_in_once(night: Night, page: Page, chromium: Browser) -> None:
    """Whoever has it afterwards is told why it does not open, and what to type."""
    link = night.link("ops-1")
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in as Ops 1")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".top__who")).to_contain_text("Ops 1")
    other = chromium.new_context()
    again = other.new_page()
    again.goto(link)
    again.get_by_role("button", name="Sign in").click()
    expect(again.get_by_role("heading", level=1)).to_have_text("Not signed in")
    again.goto(f"{night.url}/attention")
    expect(again.get_by_role("heading", level=1)).to_have_text("Sign in")
    other.close()
    assert night.stage.ledger("console.signed_in")


def test_a_fan_out_is_watched_as_processes_send_it(night: Night, page: Page) -> None:
    """Signed and released at the command line, sent by processes of their own, seen in a page that stays open."""
    plan = night.stage.submitted()
    night.enter(page, "ops-1")
    line = page.locator(".incident", has=page.get_by_role("link", name="Storm", exact=True)).last
    expect(line.first).to_contain_text("waiting for", timeout=SEEN_WITHIN_MS)
    page.evaluate("window.stillHere = true")
    with processes(night.stage.folder, "relay", "accounts"):
        for person in ("checker-1", "director-1"):
            night.typed(person, "clearance", "approve", plan)
        night.typed("director-1", "release", plan)
        expect(page.get_by_text(re.compile("live since")).first).to_be_visible(timeout=60_000)
    assert page.evaluate("window.stillHere") is True


def test_a_halt_in_the_browser_is_ended_by_two_keys_and_seen_live(night: Night, page: Page) -> None:
    """The command that the page shows is the one that two people type; the open page lets the halt go."""
    night.enter(page, "ops-1")
    page.goto(f"{night.url}/incident/{night.scene.names['exercise']}")
    page.get_by_role("link", name="Halt").first.click()
    page.get_by_label("Why").fill("the text is wrong")
    page.get_by_role("button", name="Halt EXERCISE now").click()
    (command,) = re.findall(r"dispatcher (resume \S+)", page.locator(".typed__command").first.inner_text())
    page.get_by_role("link", name="Back to Now").click()
    expect(page.locator(".halted")).to_contain_text("the text is wrong", timeout=SEEN_WITHIN_MS)
    expect(page.locator(".halted")).to_contain_text("2 more people")
    page.evaluate("window.stillHere = true")
    night.typed("director-1", *command.split())
    expect(page.locator(".halted")).to_contain_text("1 more person", timeout=SEEN_WITHIN_MS)
    night.typed("director-2", *command.split())
    expect(page.locator(".halted")).to_have_count(0, timeout=SEEN_WITHIN_MS)
    assert page.evaluate("window.stillHere") is True


def test_a_delivery_in_doubt_is_resolved_by_two_keys_and_seen_live(night: Night, page: Page) -> None:
    """Attention names the command; after one signature it still waits, after two it is gone."""
    delivery = night.scene.names["x-1"]
    night.enter(page, "ops-1")
    page.get_by_role("link", name="Attention").first.click()
    command = page.get_by_text(f"dispatcher delivery resolve {delivery}")
    expect(command).to_be_visible(timeout=SEEN_WITHIN_MS)
    page.evaluate("window.stillHere = true")
    night.typed("director-1", "delivery", "resolve", delivery, "seen")
    expect(command).to_be_visible()
    night.typed("ops-1", "delivery", "resolve", delivery, "seen")
    expect(command).to_have_count(0, timeout=SEEN_WITHIN_MS)
    assert page.evaluate("window.stillHere") is True


def test_whoever_only_reads_is_told_who_may_stop(night: Night, page: Page) -> None:
    """A reviewer reads everything, and is refused where it is done."""
    night.enter(page, "reviewer-1")
    for name in ("Attention", "Workers", "Ledger"):
        page.get_by_role("link", name=name).first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.get_by_role("link", name="Halt").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You may look, not stop")
    send = "fetch('/halt/do', {method: 'POST', body: new URLSearchParams({scope: 'all', mode: 'exercise'})})"
    assert page.evaluate(f"async () => (await {send}).status") == 403
    assert night.stage.ledger("statement.halt") == []


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Wire]:
    """An OpenID provider on another site than the console's: by name, which is what browsers go by."""
    with provider_running(tmp_path, "localhost") as wire:
        yield wire


@pytest.fixture
def department(tmp_path: Path, provider: Wire) -> Iterator[Served]:
    """A console whose people sign in with their department's accounts."""
    with far_sides() as far:
        stage = stage_at(tmp_path, far)
        groups = {"duty-ops": "ops", "readers": "reviewer"}
        said = ConsoleSettings(issuer=provider.url, client_id="public", groups=groups)
        desk = with_settings(open_desk(stage.folder, "console"), said)
        with served(desk, Looker(desk)) as console:
            yield console
        stage.desk.store.close()


def by_account(page: Page, console: Served, person: str, path: str = "/") -> None:
    """From a page of the console to the provider, through its forms, and back."""
    page.goto(console.url + path)
    page.get_by_role("button", name="Sign in with your department's account").click()
    page.wait_for_url("http://localhost:*/interaction/*")
    page.locator("input[name=login]").fill(person)
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").click()
    page.get_by_role("button", name="Continue").click()


def test_the_departments_account_leads_back_to_the_page_that_was_wanted(department: Served, page: Page) -> None:
    """Across sites and back: the strict cookie is there on the page that follows, and the way's own is gone."""
    by_account(page, department, "ops-1", "/workers?a=b")
    page.wait_for_url(f"{department.url}/workers?a=b")
    expect(page.get_by_role("heading", level=1)).to_have_text("Workers")
    expect(page.locator(".top__who")).to_contain_text("Ops 1")
    cookies = {one["name"]: one for one in page.context.cookies(department.url)}
    assert cookies[SIGNED_IN]["sameSite"] == "Strict"
    assert ON_THE_WAY not in cookies
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{department.url}/workers")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_an_account_without_a_role_is_told_whom_to_ask(department: Served, page: Page) -> None:
    """By name, and how to stop sending without a console."""
    by_account(page, department, "guest")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not signed in")
    expect(page.get_by_text("guest is in no group that has a role here")).to_be_visible()
    expect(page.get_by_text("dispatcher halt")).to_be_visible()

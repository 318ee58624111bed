"""A deployment with something to see in it, its console running, and browsers that are signed in to it.

The way of a test::

    with scene_at(tmp_path) as scene:                     # an exercise and a live incident, trouble of every kind
        with scene.visit(chromium, "ops-1") as seen:      # a browser of ops-1's; what went wrong in it is in seen
            seen.page.goto(scene.url + "/attention")
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page
from sqlalchemy import insert, update

from channels.simulator.server import Simulator
from dispatcher.bootstrap import open_desk
from dispatcher.domain.incident import Severity
from dispatcher.domain.people import Role
from dispatcher.domain.statement import Mode
from dispatcher.sender_bootstrap import now
from dispatcher.service import holding, incidents, sessions
from dispatcher.service.operating.look import Looker
from dispatcher.service.sessions import Known
from dispatcher.store.tables import ATTEMPTS, DELIVERIES
from ops.console.signing_in.cookies import SIGNED_IN
from tests.ops.console.served import served
from tests.stage import Stage, far_sides, stage_at

TO_HELD = ("leased", "sending", "in_doubt", "held")
ROLES = {
    "ops-1": Role.OPS,
    "director-1": Role.DUTY_DIRECTOR,
    "reviewer-1": Role.REVIEWER,
    "author-1": Role.AUTHOR,
}


@dataclass
class Seen:
    """One browser's page, and whatever it complained of: errors, dialogs, breaches of the policy, other hosts."""

    page: Page
    wrong: list[str] = field(default_factory=list)


@dataclass
class Scene:
    """A stage, and where its console is."""

    stage: Stage
    url: str = ""
    names: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def visit(self, chromium: Browser, person: str = "ops-1", name: str = "", **context: Any) -> Iterator[Seen]:
        """A browser in which ``person`` is signed in, in the role that the example roster gives them."""
        known = Known(person, name or person, ROLES[person], sessions.BY_LINK, person)
        cookie = sessions.begin(self.stage.desk, self._by_key(known))
        opened = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **context})
        try:
            opened.add_cookies([{"name": SIGNED_IN, "value": cookie, "url": self.url, "sameSite": "Strict"}])
            seen = Seen(opened.new_page())
            self.watched(seen.page, seen)
            yield seen
        finally:
            opened.close()

    def _by_key(self, known: Known) -> Known:
        fingerprint = self.stage.pen(known.person).fingerprint
        return Known(known.person, known.name, known.role, known.issuer, fingerprint)

    def watched(self, page: Page, seen: Seen) -> None:
        """Note in ``seen`` what goes wrong in a page."""
        page.on("console", lambda said: seen.wrong.append(f"console: {said.text}") if said.type == "error" else None)
        page.on("pageerror", lambda error: seen.wrong.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (seen.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        host = urlsplit(self.url).netloc
        page.on("request", lambda asked: self._elsewhere(seen, asked.url, host))

    @staticmethod
    def _elsewhere(seen: Seen, url: str, host: str) -> None:
        read = urlsplit(url)
        if read.scheme in ("http", "https") and read.netloc != host:
            seen.wrong.append(f"asked elsewhere: {url}")

    def walk(self, delivery: str, *states: str, **values: Any) -> None:
        """Take a delivery through states, as workers would; ``values`` are set with the last."""
        for state in states:
            with self.stage.desk.store.write() as work:
                given = values if state == states[-1] else {}
                change = update(DELIVERIES).where(DELIVERIES.c.id == delivery)
                work.execute(change.values(state=state, fence=DELIVERIES.c.fence + 1, **given))

    def hold(self, account: str, reason: str) -> None:
        """Have an account wait, in the name of ops-1."""
        holding.hold(self.stage.desk, account, reason, self.stage.pen("ops-1"))

    def tried(self, delivery: str, **values: Any) -> None:
        """Write down an attempt at a delivery."""
        row = {"delivery": delivery, "number": 1, "fence": 1, "owner": "w", "intended_at": now(), **values}
        with self.stage.desk.store.write() as work:
            work.execute(insert(ATTEMPTS), [row])


@contextmanager
def scene_at(root: Path, *, key: bool = True, **fill: Any) -> Iterator[Scene]:
    """A deployment under ``root`` with trouble of every kind, and its console; perhaps without a ``key``."""
    with far_sides() as far:
        scene = Scene(stage_at(root, far))
        filled(scene, **fill)
        if not key:
            (scene.stage.folder / "keys" / "console").unlink()
        with console_of(scene.stage) as url:
            scene.url = url
            yield scene


@contextmanager
def empty_at(root: Path, far: Simulator) -> Iterator[Scene]:
    """A deployment in which nothing has happened yet, and its console."""
    scene = Scene(stage_at(root, far))
    with console_of(scene.stage) as url:
        scene.url = url
        yield scene


@contextmanager
def console_of(stage: Stage) -> Iterator[str]:
    """The console of a deployment; its address."""
    desk = open_desk(stage.folder, "console")
    with served(desk, Looker(desk)) as console:
        yield console.url


def filled(scene: Scene, title: str = "Storm over the Old Town") -> None:
    """An exercise with a delivery of every kind, and a live incident that nobody has written about yet."""
    stage = scene.stage
    for channel in ("webhook", "x", "bluesky", "mastodon"):
        stage.account(channel)
    plan = stage.cleared()
    stage.release(plan)
    ids = {row.account: row.id for row in stage.rows(plan)}
    scene.walk(ids["x-1"], *TO_HELD, reason="ambiguous", attempts=1)
    scene.walk(ids["bluesky-1"], "leased", "sending", "held", reason="exhausted", attempts=3)
    posted = {"accepted_at": now(), "reference": "123", "url": "https://social.example/@city/123", "attempts": 1}
    scene.walk(ids["mastodon-1"], "leased", "sending", "accepted", **posted)
    scene.tried(ids["x-1"], verdict="in_doubt", code="timeout", reason="no answer within 2 s", provider_ms=2_000)
    scene.tried(ids["mastodon-1"], ended_at=now(), verdict="accepted", status=200, provider_ms=45, reference="123")
    live = incidents.declare(
        stage.desk, kind="chemical", title=title, mode=Mode.LIVE, person="author-1", severity=Severity.S4
    )
    exercise = next(row.incident for row in stage.rows(plan))
    scene.names = {"plan": plan, "live": live.id, "exercise": exercise, **ids}

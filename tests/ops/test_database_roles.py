"""The console, the exporter and the officers' commands, each with the rights of its own role and refused nothing."""

from __future__ import annotations

import asyncio
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import select

from channels import registry
from channels.contract import Account
from channels.simulator.server import Simulator
from dispatcher.bootstrap import open_desk
from dispatcher.cli.doctor import dial
from dispatcher.domain.plan import Placement, Spend
from dispatcher.domain.statement import Mode
from dispatcher.sender_bootstrap import network, now
from dispatcher.service import accounts, clearing, handing_off, sessions, spending, stopping
from dispatcher.service.alerts import deciding, feeds, intake, polling, profiles
from dispatcher.service.alerts.intake import Arrival
from dispatcher.service.backing_up import back_up
from dispatcher.service.examining.examine import examine
from dispatcher.service.examining.site import open_site
from dispatcher.settings import Settings, load_settings
from dispatcher.store import cap_feeds, holds, records
from dispatcher.store.tables import LEDGER
from ops.console.serving import serve as serve_console
from ops.metrics.exporting import serve as serve_exporter
from ops.postgres import PostgresServer, wheel_postgres
from tests.cap.conftest import CapBuilder
from tests.ops.guarded import as_role, nothing_refused, rewritten
from tests.paid import buying, put_in_force
from tests.servers import until
from tests.service.alerts.serving import serving
from tests.stage import MODE, Stage, far_sides, stage_at
from workers.broker import open_broker, ring
from workers.stops import bell

pytestmark = pytest.mark.system

Main = Callable[[Settings, Mode, str, asyncio.Event], Coroutine[Any, Any, None]]


@pytest.fixture
def far() -> Iterator[Simulator]:
    """All simulated platforms."""
    with far_sides() as simulator:
        yield simulator


@pytest.fixture
def city(tmp_path: Path, far: Simulator, guarded: str, redis_url: str) -> Iterator[Stage]:
    """A deployment whose desk has the officers' role."""
    stage = stage_at(tmp_path, far, database=as_role(guarded, "owner"), redis=redis_url)
    stage.desk.store.close()
    rewritten(stage, as_role(guarded, "officer"))
    stage.desk = open_desk(stage.folder)
    yield stage
    stage.desk.store.close()


@contextmanager
def running(stage: Stage, main: Main, address: str, said: str) -> Iterator[str]:
    """A role from start to end with this database; gives what it wrote about where it listens."""
    rewritten(stage, address)
    settings = load_settings(stage.folder)
    loop, stopping = asyncio.new_event_loop(), asyncio.Event()
    whole = main(settings, MODE, f"{said}:test", stopping)
    thread = threading.Thread(target=loop.run_until_complete, args=(whole,))
    thread.start()
    file = settings.path("run", said)
    try:
        yield until(lambda: file.read_text().strip() if file.exists() else "", "it listens")
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(20)
        assert not thread.is_alive()
        loop.close()


@dataclass
class Browser:
    """Somebody at the console, without script."""

    url: str
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Status, where it leads, and text. A form is sent as a browser sends it."""
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        headers |= {"Origin": self.url, "Sec-Fetch-Site": "same-origin"} if data is not None else {}
        try:
            answer = _opener.open(urllib.request.Request(self.url + path, data=data, headers=headers), timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            for cookie in answer.headers.get_all("Set-Cookie") or ():
                name, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[name] = value
            return answer.status, answer.headers.get("Location", ""), answer.read().decode()

    def press(self, page: str, to: str, **more: str) -> str:
        """Send the form of a page that goes to ``to``, with its hidden fields; returns where that leads."""
        text = self.ask(page)[2]
        (form,) = re.findall(rf'<form [^>]*action="{to}".*?</form>', text, re.DOTALL)
        hidden = dict(re.findall(r'type="hidden" name="([a-z_]+)" value="([^"]*)"', form))
        status, leads, text = self.ask(to, {**hidden, **more})
        assert status == 303, text
        return leads


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def test_the_console_does_all_of_its_work_with_its_own_role(
    city: Stage, guarded: str, postgres_server: PostgresServer, redis_url: str
) -> None:
    """Sign-in by link, every page, halt, hold, cancel, sign-out; and the rings of Redis are on the page.

    A halt rings all senders.
    """
    city.account("x")
    city.account("webhook")
    plan, other = city.cleared(), city.submitted()
    city.release(plan)
    (row, *_) = city.rows(plan)
    ring(open_broker(redis_url), "accounts", str(MODE), "dsp-1")
    console = running(city, serve_console, as_role(guarded, "console"), "console.url")
    with nothing_refused(postgres_server), console as url:
        browser = Browser(url)
        until(lambda: browser.ask("/readyz")[0] == 200, "it has looked")
        token, _ = sessions.sign_link(city.desk, city.pen("ops-1"))
        assert browser.ask(f"/sign-in/link/{token}")[0] == 200
        assert browser.ask(f"/sign-in/link/{token}", {})[:2] == (303, "/")
        pages = ("/", f"/incident/{row.incident}", f"/delivery/{row.id}", f"/deliveries?plan={plan}")
        for page in (*pages, "/attention", "/workers", "/ledger", "/halt"):
            status, _, text = browser.ask(page)
            assert (status, "has not answered" in text) == (200, False), page
        until(lambda: "ring<" in browser.ask("/workers")[2], "the ring is shown")
        with redis.Redis.from_url(redis_url) as client, client.pubsub() as heard:
            heard.subscribe(bell(str(MODE)))
            until(lambda: heard.get_message(timeout=1), "the subscription stands")
            halted = browser.press("/halt", "/halt/do", reason="wrong text")
            until(lambda: heard.get_message(timeout=1), "every sender is rung")
        assert browser.ask(halted)[0] == 200
        browser.press("/account/x-1/hold", "/account/x-1/hold/do", reason="its owner asked")
        browser.press(f"/plan/{other}/cancel", f"/plan/{other}/cancel/do", reason="another comes")
        assert browser.ask("/sign-out", {})[0] == 303
    with city.desk.store.read() as work:
        assert [row.account for row in holds.rows(work)] == ["x-1"]
    assert [(one.person, one.reason) for one in stopping.halts(city.desk, MODE)] == [("ops-1", "wrong text")]
    assert city.states(other).keys() == {"cancelled"}
    kinds = ("role.started", "console.signed_in", "console.read", "console.signed_out", "role.stopped")
    assert kinds_of(city) >= set(kinds)


def test_the_exporter_does_all_of_its_work_with_its_own_role(
    city: Stage, guarded: str, postgres_server: PostgresServer
) -> None:
    """It looks, counts, and has it on record that it runs."""
    city.account("webhook")
    city.release(city.cleared())
    exporter = running(city, serve_exporter, as_role(guarded, "exporter"), "metrics.url")
    with nothing_refused(postgres_server), exporter as url:
        browser = Browser(url.removesuffix("/metrics"))
        waiting = 'dispatcher_queue_deliveries{lane="accounts",mode="exercise",state="waiting"} 1.0'
        until(lambda: waiting in browser.ask("/metrics")[2], "it has looked")
        assert 'dispatcher_up{part="database"} 1.0' in browser.ask("/metrics")[2]
        until(lambda: "role.started" in kinds_of(city), "its start is on record")


def test_officers_answer_for_what_is_posted_by_hand_with_their_role(
    city: Stage, guarded: str, postgres_server: PostgresServer
) -> None:
    """The text is shown, and the receipt settles it."""
    made = Account("nextdoor", "manual", "City on Nextdoor", ("en-GB",), {"characters": "2000"})
    with nothing_refused(postgres_server):
        accounts.add(city.desk, made, MODE, {}, "ops-1")
        plan = city.cleared()
        city.release(plan)
        worked_at(city, as_role(guarded, "owner"), lambda: city.states(plan).get("handed_over"))
        (row,) = city.rows(plan)
        handing_off.shown(city.desk, row.id)
        link = registry.exercise_receipt("manual", row.id)
        assert handing_off.receipt(city.desk, row.id, city.pen("operator-1"), link).state == "accepted"


def test_officers_account_for_money_with_their_role(city: Stage, postgres_server: PostgresServer) -> None:
    """It is reserved, committed and reconciled."""
    with nothing_refused(postgres_server):
        city.desk.store.close()
        put_in_force(city.folder, buying(), now())
        city.desk = open_desk(city.folder)
        city.account("webhook")
        plan = city.submitted(placement=Placement.PAID, spend=(Spend("webhook", "storms", 100, 0, "AMC-2026-014"),))
        for person in ("checker-1", "director-1", "finance-1"):
            clearing.approve(city.desk, plan, city.pen(person))
        city.release(plan)
        assert spending.reconcile(city.desk, plan, "webhook", 90, "INV-7", city.pen("finance-1")).billed == 90


def test_officers_examine_and_back_up_with_their_role(
    city: Stage, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Both leave their entry in the ledger."""
    for name in wheel_postgres():
        monkeypatch.setenv("PATH", str(name), prepend=":")
    with nothing_refused(postgres_server):
        with open_site(city.folder, now, "doctor:test", network, dial) as site:
            assert examine(site).unrecorded == ""
        assert back_up(city.desk, tmp_path / "backup").rows > 0


def alert(number: int, about: str = "", ends_in: timedelta | None = timedelta(hours=6), **fields: str) -> bytes:
    """Somebody else's alert, sent just now; without an end it is held."""
    cap, sent = CapBuilder(), now().replace(microsecond=0)
    expires = f"{sent + ends_in:%Y-%m-%dT%H:%M:%S}-00:00" if ends_in else None
    known = {"identifier": f"wylan-{number}", "sent": f"{sent:%Y-%m-%dT%H:%M:%S}-00:00"}
    return cap.alert(cap.info(expires=expires), references=about or None, **known, **fields)


def test_officers_take_in_and_decide_about_alerts_with_their_role(
    city: Stage, postgres_server: PostgresServer
) -> None:
    """One held alert counts and another does not, and a Cancel closes the incident that nobody activated."""
    open_ = profiles.load("open")

    def taken(data: bytes) -> Any:
        return intake.take(city.desk, Arrival(data, "a file", "1.xml", MODE, open_), "author-1").row

    with nothing_refused(postgres_server):
        held, other = (taken(alert(number, ends_in=None)) for number in (1, 2))
        opened = deciding.accept(city.desk, held.id, "author-1", "the agency was rung")
        assert deciding.dismiss(city.desk, other.id, "author-1", "a test of theirs").standing == "dismissed"
        cancel = taken(alert(3, f"{held.sender},{held.identifier},{held.sent}", msgType="Cancel"))
        assert deciding.accept(city.desk, cancel.id, "author-1", "cancelled").standing == "answered"
    with city.desk.store.read() as work:
        assert records.incident(work, opened.incident).state == "closed"


def test_the_relay_watches_feeds_with_its_own_role(
    city: Stage, guarded: str, postgres_server: PostgresServer
) -> None:
    """It polls, takes in what is listed, changes what is judged better, and forgets a feed that nobody watches."""
    rewritten(city, as_role(guarded, "relay"))
    relay, file = open_desk(city.folder), city.folder / feeds.FILE

    def polled() -> list[Any]:
        return [row for one in asyncio.run(polling.turn(relay, MODE)) for row in one.taken]

    with nothing_refused(postgres_server), serving() as source:
        source.lists("1.xml")
        source.pages["/1.xml"] = alert(1)
        watched = f'[feed.rivers]\nurl = "{source.address}/feed.atom"\nmode = "{MODE}"\n'
        file.write_text(watched)
        assert [row.standing for row in polled()] == ["refused"]  # by the strict profile: it is not signed
        again = Arrival(source.pages["/1.xml"], "rivers", source.address, MODE, profiles.load("open"))
        assert intake.take(relay, again, polling.RELAY).row.standing == "opened"
        file.write_text("")
        assert polled() == []
        with relay.store.read() as work:
            assert cap_feeds.rows(work) == []
    relay.store.close()


def worked_at(stage: Stage, address: str, until_true: Callable[[], object]) -> None:
    """Run the roles with another database role until something is so."""
    officer, stage.desk = stage.desk, replace(stage.desk, settings=replace(stage.desk.settings, database=address))
    rewritten(stage, address)
    stage.work(until_true, roles=("relay", "accounts"))
    stage.desk = officer


def kinds_of(stage: Stage) -> set[str]:
    """The kinds of entry in the ledger."""
    with stage.desk.store.read() as work:
        return set(work.execute(select(LEDGER.c.kind).distinct()).scalars())

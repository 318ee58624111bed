"""The simulated far sides: what the journal counts, and each fault of the menu."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from channels.http import Ambiguous, Answer, Http, HttpPolicy
from channels.simulator.faults import Fault, FaultKind
from channels.simulator.journal import EffectKind
from channels.simulator.provider import Provider, Route, RouteKind
from channels.simulator.server import Simulator

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ACTING = [kind for kind in FaultKind if kind.startswith("act_then") or kind in {"late", "lag", "hide"}]
IDLE = [kind for kind in FaultKind if kind not in ACTING]


class Pigeon(Provider):
    """A platform that publishes what it is sent under the text as key."""

    name = "pigeon"

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/fly", RouteKind.PUBLISH, self.fly),
            Route("GET", "/seen", RouteKind.READ, self.seen),
        ]

    def account(self, request: web.Request) -> str:
        return request.headers.get("X-Loft", "")

    def key(self, body: bytes) -> str:
        return body.decode()

    def refusal(self, fault: Fault) -> web.Response:
        return web.json_response({"refused": fault.kind}, status=200 if fault.kind == "error_inside" else 429)

    async def fly(self, request: web.Request) -> web.Response:
        text = (await request.read()).decode()
        effect = self.act(request, EffectKind.PUBLISHED, key=text, reference="7", text=text)
        return web.json_response({"id": effect.reference}, status=201)

    async def seen(self, _request: web.Request) -> web.Response:
        posts = self.journal.published("pigeon")
        return web.json_response({"seen": [post.text for post in posts if post.visible(self.clock())]})


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def run(work: Callable[[Simulator, Http], Awaitable[None]], clock: Clock | None = None) -> Simulator:
    async def inside() -> Simulator:
        async with Simulator([Pigeon], clock=clock or Clock()) as far:
            host = far.url.removeprefix("http://")
            http = Http(HttpPolicy(frozenset({host}), allow_private=True, https_only=False))
            try:
                await work(far, http)
            finally:
                await http.close()
            return far

    return asyncio.run(inside())


async def fly(far: Simulator, http: Http, text: str = "coo", loft: str = "north") -> Answer | str:
    """Send one pigeon; the answer, or the code of the failure."""
    try:
        return await http.request(
            "POST", f"{far.url}/pigeon/fly", data=text.encode(), headers={"X-Loft": loft}, timeout_s=0.5
        )
    except Ambiguous as failure:
        return failure.code


def test_a_request_and_what_came_of_it_are_in_the_journal() -> None:
    """A published post is one arrival that acted, and one effect."""

    async def work(far: Simulator, http: Http) -> None:
        await fly(far, http)

    journal = run(work).journal
    arrival, effect = journal.arrivals[0], journal.effects[0]
    assert (arrival.account, arrival.key, arrival.acted, arrival.status) == ("north", "coo", True, 201)
    assert (effect.account, effect.text, effect.at) == ("north", "coo", NOON)


def test_the_same_post_twice_on_one_account_is_a_double() -> None:
    """Doubles are counted per account and key: another account's equal post is none."""

    async def work(far: Simulator, http: Http) -> None:
        for loft in ("north", "north", "south"):
            await fly(far, http, loft=loft)

    assert run(work).journal.doubled("pigeon") == 1


@pytest.mark.parametrize("kind", ACTING)
def test_a_fault_that_acts_publishes_once(kind: FaultKind) -> None:
    """Whatever the caller hears, the post is on the public record."""

    async def work(far: Simulator, http: Http) -> None:
        far.arm(Fault("pigeon", kind, delay_s=0.01))
        await fly(far, http)

    journal = run(work).journal
    assert (len(journal.published("pigeon")), journal.arrivals[0].fault) == (1, kind)


@pytest.mark.parametrize("kind", IDLE)
def test_a_fault_that_does_not_act_publishes_nothing(kind: FaultKind) -> None:
    """Whatever the caller hears, nothing is on the public record."""

    async def work(far: Simulator, http: Http) -> None:
        far.arm(Fault("pigeon", kind))
        await fly(far, http)

    journal = run(work).journal
    assert (journal.effects, journal.arrivals[0].acted) == ([], False)


def test_dropping_looks_the_same_whether_it_acted_or_not() -> None:
    """The caller cannot tell act-then-drop from drop-without-acting."""
    heard: list[Answer | str] = []

    async def work(far: Simulator, http: Http) -> None:
        for kind in (FaultKind.ACT_THEN_DROP, FaultKind.DROP):
            far.arm(Fault("pigeon", kind))
            heard.append(await fly(far, http))

    run(work)
    assert heard == ["disconnected", "disconnected"]


def test_a_fault_strikes_only_the_matching_account_and_as_often_as_ordered() -> None:
    """Two refusals for the south leave the north alone and the third pigeon through."""
    statuses: list[int] = []

    async def work(far: Simulator, http: Http) -> None:
        far.arm(Fault("pigeon", FaultKind.REFUSE, times=2, match="south", status=502))
        for loft in ("north", "south", "south", "south"):
            answer = await fly(far, http, loft=loft)
            assert isinstance(answer, Answer)
            statuses.append(answer.status)

    run(work)
    assert statuses == [201, 502, 502, 201]


def test_a_fault_can_spare_all_but_every_so_manieth_call() -> None:
    """Every third of five calls meets the fault: the third, and no other."""
    statuses: list[int] = []

    async def work(far: Simulator, http: Http) -> None:
        far.arm(Fault("pigeon", FaultKind.REFUSE, times=9, every=3, status=502))
        for number in range(5):
            answer = await fly(far, http, text=f"coo {number}")
            assert isinstance(answer, Answer)
            statuses.append(answer.status)

    run(work)
    assert statuses == [201, 201, 502, 201, 201]


@pytest.mark.parametrize(("kind", "later"), [(FaultKind.LAG, ["coo"]), (FaultKind.HIDE, [])])
def test_read_back_lags_or_never_shows(kind: FaultKind, later: list[str]) -> None:
    """A lagging post is seen after its delay, a hidden one never."""
    clock, seen = Clock(), []

    async def work(far: Simulator, http: Http) -> None:
        far.arm(Fault("pigeon", kind, delay_s=20))
        await fly(far, http)
        for wait_s in (19, 1):
            clock.now += timedelta(seconds=wait_s)
            answer = await http.request("GET", f"{far.url}/pigeon/seen", timeout_s=5)
            seen.append(answer.json())

    run(work, clock)
    assert seen == [{"seen": []}, {"seen": later}]


def test_a_fault_can_strike_reads() -> None:
    """A fault armed on reads leaves publishing alone."""
    codes: list[int] = []

    async def work(far: Simulator, http: Http) -> None:
        far.arm(Fault("pigeon", FaultKind.REFUSE, on="read"))
        published = await fly(far, http)
        assert isinstance(published, Answer)
        codes.extend([published.status, (await http.request("GET", f"{far.url}/pigeon/seen", timeout_s=5)).status])

    run(work)
    assert codes == [201, 503]


@pytest.mark.parametrize(
    "order",
    [
        {"provider": "pigeon"},
        {"provider": "owl", "kind": "refuse"},
        {"provider": "pigeon", "kind": "?"},
        [],
        {"a": 1},
    ],
)
def test_a_senseless_order_is_refused_with_a_reason(order: object) -> None:
    """An unknown provider, kind or field is answered with 400 and a sentence."""
    answers: list[Answer] = []

    async def work(far: Simulator, http: Http) -> None:
        answers.append(await http.request("POST", f"{far.url}/_sim/faults", json=order, timeout_s=5))

    run(work)
    assert (answers[0].status, bool((answers[0].json() or {})["error"])) == (400, True)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    journal = tmp_path / "journal.json"
    command = [sys.executable, "-m", "channels.simulator", "--journal", str(journal)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ}) as running:
        yield running, journal
        running.kill()


def test_a_provider_is_found_below_the_url_or_on_a_port_of_its_own() -> None:
    """What speaks no HTTP has another address."""

    async def addresses() -> tuple[str, str, str]:
        async with Simulator() as far:
            return far.url, far.address("x"), far.address("press_email")

    url, x, mail = asyncio.run(addresses())
    assert x == f"{url}/x"
    assert mail.startswith("smtp://127.0.0.1:")
    assert not mail.endswith(url.rpartition(":")[2])


def test_as_a_process_it_takes_orders_over_http_and_leaves_its_journal(
    process: tuple[subprocess.Popen[str], Path],
) -> None:
    """It prints where it is, arms and disarms over HTTP, shows counts, and writes the journal when it is stopped."""
    running, journal = process
    assert running.stdout is not None
    told = json.loads(running.stdout.readline())
    url = told["url"]
    assert told["smtp"].startswith("smtp://127.0.0.1:")

    async def talk() -> list[int]:
        http = Http(HttpPolicy(frozenset({url.removeprefix("http://")}), allow_private=True, https_only=False))
        orders = [("POST", "faults", {"provider": "x", "kind": "drop_without_acting"}), ("DELETE", "faults", None)]
        answers = [await http.request(m, f"{url}/_sim/{p}", json=b, timeout_s=5) for m, p, b in orders]
        answers.append(await http.request("GET", f"{url}/_sim/journal", timeout_s=5))
        await http.close()
        return [answer.status for answer in answers]

    assert asyncio.run(talk()) == [201, 200, 200]
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=10) == 0
    assert json.loads(journal.read_text()) == {"counts": {}, "effects": [], "requests": []}

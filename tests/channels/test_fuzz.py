"""Whatever a platform answers, an adapter says something of the contract: it never raises, and never claims too much.

Answers are true ones of the simulator, bent: another status, headers that make no sense, a body with a part replaced,
broken, nested without end, a page, or noise (promise 22). Every commit tries a few; ``make fuzz`` goes on for
``SECONDS_PER_PARSER`` on each.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import channels
from channels.cap_feed import wire as cap
from channels.conformance import Subject
from channels.conformance.bench import Bench, HandClock
from channels.contract import Account, DeliveryKind, Finding, Outcome, Probe, ReadBack, Verdict
from channels.http import Answer, Http, HttpPolicy, NotSent
from channels.listing import Listing, Timeline
from channels.simulator.server import Simulator
from tests.channels.test_conformance import SUBJECTS
from tests.draws import draws

EXAMPLES = draws(200)
CALLS_AT_MOST = 50
KINDS = {"send": DeliveryKind.PUBLISH, "correct": DeliveryKind.CORRECT, "withdraw": DeliveryKind.WITHDRAW}
METHODS = ("send", "correct", "withdraw", "find", "read_back", "probe", "timeline")
ANSWERS = {"find": Finding, "read_back": ReadBack, "probe": Probe, "timeline": Timeline}
SINCE = HandClock().now - timedelta(minutes=1)
STATUSES = (200, 201, 202, 204, 301, 400, 401, 403, 404, 408, 409, 410, 422, 425, 429, 500, 502, 503, 504, 599)
BREAKERS = (
    b"",
    b"null",
    b"[]",
    b"{",
    b"[" * 100_000,
    b'{"data":' * 30_000,
    b"1" * 5_000,
    b"\xff\xfe\x00",
    b"<!doctype html>",
)
HEADERS = ("Retry-After", "RateLimit-Reset", "X-RateLimit-Reset", "X-Rate-Limit-Reset", "X-App-Usage", "Content-Type")
OVER_HTTP = [subject for subject in SUBJECTS if subject.simulator.name != "press_email"]

Script = tuple[Answer, ...]
Attack = Callable[[Any], None]


def attacked(attack: Attack) -> None:
    """Try a few examples, always the same; or new ones for as long as the environment's SECONDS_PER_PARSER says."""
    seconds = float(os.environ.get("SECONDS_PER_PARSER", "0"))
    until = time.monotonic() + seconds
    unhurried = (HealthCheck.too_slow, HealthCheck.data_too_large)
    limits = settings(
        max_examples=500 if seconds else EXAMPLES,
        derandomize=not seconds,
        deadline=None,
        database=None,
        suppress_health_check=unhurried,
    )
    while True:
        limits(given(st.data())(attack))()
        if time.monotonic() >= until:
            return


class Recording(Http):
    """Keeps every answer."""

    def __init__(self, policy: HttpPolicy) -> None:
        super().__init__(policy)
        self.answers: list[Answer] = []

    async def request(self, *call: Any, **more: Any) -> Answer:
        self.answers.append(await super().request(*call, **more))
        return self.answers[-1]


class Replaying(Http):
    """Gives these answers in turn, the last for ever, whatever is asked; an adapter that asks for ever fails."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        super().__init__(HttpPolicy(frozenset()))
        self.answers = list(answers)
        self.calls = 0

    async def request(self, *call: Any, **more: Any) -> Answer:
        self.calls += 1
        assert self.calls < CALLS_AT_MOST, "it asks for ever"
        if not self.answers:
            raise NotSent("connect", "nothing was sent")
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def called(subject: Subject, account: Account, http: Http, method: str, original: str) -> Any:
    """What an adapter on this client says."""
    channel = subject.make(account, subject.credential, http, HandClock())
    bench = Bench(replace(subject, pulls=False), Simulator(()), account, channel, HandClock())
    kind = KINDS.get(method, DeliveryKind.PUBLISH)
    job = bench.job(kind, original=original if method in KINDS else None, timeout_s=5.0)
    if method in KINDS:
        return bench.checked(await getattr(channel, method)(job, bench.note))
    if method == "read_back":
        return bench.checked(await channel.read_back(job, original))
    if method == "timeline":
        return bench.checked(await channel.timeline(SINCE) if isinstance(channel, Listing) else Timeline())
    return bench.checked(await (channel.probe() if method == "probe" else channel.find(job)))


@cache
def recorded(number: int) -> tuple[Account, str, Mapping[str, Script]]:
    """What the simulator truly answers to each method, beside the account and the reference of its post."""
    subject = OVER_HTTP[number]

    async def record() -> tuple[Account, str, Mapping[str, Script]]:
        async with Simulator([subject.simulator], clock=HandClock()) as far:
            base = far.address(subject.simulator.name)
            account, original = subject.account(base), ""
            scripts: dict[str, Script] = {}
            channel = subject.make(account, subject.credential, Http(HttpPolicy(frozenset())), HandClock())
            Bench(subject, far, account, channel, HandClock()).job()  # so that its pictures are there to be fetched
            for method in ("send", "find", "read_back", "probe", "timeline", "correct", "withdraw"):
                http = Recording(HttpPolicy(frozenset({base.split("/")[2]}), allow_private=True, https_only=False))
                said = await called(subject, account, http, method, original)
                original = said.reference if method == "send" else original
                scripts[method] = tuple(http.answers)
                await http.close()
            return account, original, scripts

    return asyncio.run(record())


@cache
def words(channel: str) -> list[str]:
    """The words that an adapter knows: keys and codes that bring an answer deeper into it."""
    files = (Path(channels.__file__).parent / channel).glob("*.py")
    trees = [ast.walk(ast.parse(file.read_text())) for file in files if "simulator" not in file.name]
    texts = {
        part.value
        for tree in trees
        for part in tree
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }
    return sorted(text for text in texts if 0 < len(text) < 40)


@cache
def values(channel: str) -> st.SearchStrategy[Any]:
    """JSON of any shape, made of the adapter's own words and of noise."""
    known = st.sampled_from(words(channel))
    odd = st.sampled_from(["\ud800", "\x00", "\u202e", "9" * 400, "-1", "1e999", "2026-11-21T25:00:00Z", "<p>" * 50])
    text = known | odd | st.text(max_size=8)
    plain = st.none() | st.booleans() | st.integers() | st.floats() | text
    return st.recursive(
        plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=4), max_leaves=8
    )


def bent(data: Any, value: Any, parts: st.SearchStrategy[Any]) -> Any:
    """A JSON value with one part of it replaced."""
    if not isinstance(value, dict | list) or not value or data.draw(st.integers(0, 3)) == 0:
        return data.draw(parts)
    where = data.draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
    made = value.copy()
    made[where] = bent(data, value[where], parts)
    return made


def hostile(data: Any, answer: Answer, channel: str) -> Answer:
    """An answer with its status, its headers or its body made another."""
    status = data.draw(st.just(answer.status) | st.sampled_from(STATUSES))
    body = answer.body
    match data.draw(st.integers(0, 5)):
        case 0:
            body = data.draw(st.sampled_from(BREAKERS) | st.binary(max_size=40))
        case 1:
            body = json.dumps(data.draw(values(channel))).encode()
        case 2 | 3 | 4 if answer.json() is not None or body.startswith(b"["):
            body = json.dumps(bent(data, json.loads(body), values(channel))).encode()
    noise = st.sampled_from(words(channel)) | st.text(max_size=12) | st.integers().map(str) | st.just("9" * 400)
    dates = st.sampled_from(
        ["Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 99 Foo 2026", "9999-12-31T23:59:59+00:00", "0001-01-01"]
    )
    usage = values(channel).map(json.dumps)
    headers = data.draw(st.dictionaries(st.sampled_from(HEADERS), noise | dates | usage, max_size=2))
    return Answer(status, {**answer.headers, **headers}, body, answer.elapsed_ms)


def sound(said: Any, method: str) -> None:
    """It is what the contract says a method returns, and no figure in it is senseless."""
    expected = Outcome if method in KINDS else ANSWERS[method]
    assert type(said) is expected
    if isinstance(said, Outcome):
        assert said.retry_after_s is None or (math.isfinite(said.retry_after_s) and said.retry_after_s >= 0)
        assert said.verdict is not Verdict.ACCEPTED or said.reference
    for post in said.posts if isinstance(said, Timeline) else ():
        assert post.at.utcoffset() is not None, "a time without its zone"
        assert post.reference, "a post without a name"
    for name in ("reason", "code", "reference", "url", "text", "detail"):
        assert isinstance(getattr(said, name, None), str | None), f"{name} is no text"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("number", range(len(OVER_HTTP)), ids=[str(subject) for subject in OVER_HTTP])
def test_a_hostile_answer_is_an_outcome_like_any_other(number: int, method: str) -> None:
    """Nothing is raised, nothing is asked for ever, no secret shows."""
    subject = OVER_HTTP[number]
    account, original, scripts = recorded(number)
    with asyncio.Runner() as loop:

        def attack(data: Any) -> None:
            script = scripts[method]
            kept = data.draw(st.integers(0, max(0, len(script) - 1)))  # a true beginning leads deeper
            answers = [*script[:kept], *(hostile(data, one, str(subject)) for one in script[kept:])]
            sound(loop.run(called(subject, account, Replaying(answers), method, original)), method)

        attacked(attack)


POLITE = (
    b"220 hello\r\n",
    b"250-far\r\n250 AUTH PLAIN LOGIN\r\n",
    b"235 in\r\n",
    b"250 ok\r\n",
    b"250 ok\r\n",
    b"354 go\r\n",
)
SMTP_CODES = (220, 250, 235, 334, 354, 421, 450, 451, 500, 503, 535, 550, 552, 554, 999)
SMTP_WORDS = ("ok", "5.7.1 no", "4.2.2 2.0.0", "\ud7ff", "")
PATIENCE_S = 0.02
"""How long the hostile server waits for a line before it speaks again: it has no manners."""


def test_hostile_replies_of_a_mail_server_are_outcomes_too() -> None:
    """Over a real connection: lines too long, codes that are none, replies that come to nothing."""
    (subject,) = [one for one in SUBJECTS if one.simulator.name == "press_email"]
    between, said = st.sampled_from([" ", "-", ""]), st.sampled_from(SMTP_WORDS)
    line = st.builds("{}{}{}".format, st.sampled_from(SMTP_CODES), between, said)
    raw = st.binary(max_size=20) | st.just(b"250 " + b"x" * 9_000 + b"\r\n")
    reply = line.map(lambda text: text.encode() + b"\r\n") | raw

    async def tried(method: str, replies: Sequence[bytes]) -> Any:
        left = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                for one in replies:
                    writer.write(one)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(reader.readline(), PATIENCE_S)
            writer.close()
            left.set()

        async with await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20) as server:
            host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            http = Http(HttpPolicy(frozenset({host}), allow_private=True, https_only=False))
            try:
                return await called(subject, subject.account(f"http://{host}"), http, method, "<a@b.example>")
            finally:
                await left.wait()

    with asyncio.Runner() as loop:

        def attack(data: Any) -> None:
            kept = data.draw(st.integers(0, len(POLITE)))
            replies = [*POLITE[:kept], *data.draw(st.lists(reply, max_size=4))]
            method = data.draw(st.sampled_from(["send", "correct", "probe"]))
            sound(loop.run(tried(method, replies)), method)

        attacked(attack)


ALERT = (
    f'<?xml version="1.0"?><alert xmlns="{cap.NAMESPACE}"><identifier>a</identifier><sender>b@c.example</sender>'
    "<sent>2026-11-21T12:00:00+00:00</sent><info><language>en</language><expires>2026-11-21T18:00:00+00:00</expires>"
    "</info></alert>"
)


def test_a_file_in_the_feed_that_is_no_alert_is_refused_as_such() -> None:
    """Another program may have written there: it is read, or it is no alert, and nothing else happens."""
    assert cap.read(ALERT.encode()).identifier == "a"
    parts = ["<info/>", "&x;", "<!DOCTYPE a>", "9999-12-31T23:59:59-23:59", "\x00", "\ud800", "<a>" * 300]

    def attack(data: Any) -> None:
        places = st.integers(0, len(ALERT))
        start, end = sorted((data.draw(places), data.draw(places)))
        whole = ALERT[:start] + data.draw(st.text(max_size=8) | st.sampled_from(parts)) + ALERT[end:]
        with contextlib.suppress(cap.NotAnAlert):
            assert cap.read(whole.encode("utf-8", "surrogatepass")).infos

    attacked(attack)

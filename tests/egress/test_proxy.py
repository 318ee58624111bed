"""The proxy carries what it allows, refuses the rest, and says so in one line each."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from dispatcher.domain.errors import Unavailable
from dispatcher.egress.guard import Guard
from dispatcher.egress.proxy import CONNECTED, Proxy, Resolve, resolved, serve
from tests.egress.kit import (
    HERE,
    QUICK,
    FarSide,
    Running,
    asked,
    connect,
    has_read,
    opened,
    played,
    refused,
    status,
    to,
)
from tests.sending.socketed import eventually


def test_only_owner_and_group_can_open_the_socket(tmp_path: Path) -> None:
    """0660 in a 0750 folder, also where the folder was open before."""
    (tmp_path / "egress").mkdir(mode=0o777)

    async def rights(proxy: Running, _: FarSide) -> list[int]:
        return [stat.S_IMODE(path.stat().st_mode) for path in (proxy.path, proxy.path.parent)]

    assert played(tmp_path, rights)[0] == [0o660, 0o750]


def test_one_proxy_serves_a_socket(tmp_path: Path) -> None:
    """A second one is refused, and the first goes on."""

    async def second(proxy: Running, far: FarSide) -> bytes:
        with pytest.raises(Unavailable, match="another process serves"):
            await serve(Proxy(Guard(frozenset())), proxy.path, asyncio.Event())
        return await asked(proxy, far)

    assert status(played(tmp_path, second)[0]) == 200


def test_what_is_allowed_is_carried_both_ways(tmp_path: Path) -> None:
    """Every byte as it was, in both directions."""
    answer = bytes(range(256)) * 1000

    async def scene(proxy: Running, far: FarSide) -> tuple[bytes, bytes]:
        async with opened(proxy, far) as (reader, writer):
            writer.write(answer[::-1])
            return await reader.readexactly(len(answer)), bytes(far.read)

    (got, sent), _ = played(tmp_path, scene, answer=answer)
    assert got == answer
    assert answer[::-1].startswith(sent)


def test_a_connection_is_one_line(tmp_path: Path) -> None:
    """Decision, host, address, bytes each way, duration, and who asked."""
    _, (line,) = played(tmp_path, asked, answer=b"welcome!")
    took_ms, host = line.pop("total_ms"), line.pop("host")
    assert 0 <= took_ms < 5000
    assert host.startswith("far.example:")
    assert line == {
        "event": "egress",
        "log_level": "info",
        "verdict": "allowed",
        "reason": "",
        "code": 200,
        "address": "127.0.0.1",
        "bytes_out": 5,
        "bytes_in": 8,
        "peer_pid": os.getpid(),
        "peer_uid": os.getuid(),
    }


def test_a_refusal_is_one_line(tmp_path: Path) -> None:
    """What was asked for, why not, and that nothing passed."""

    async def scene(proxy: Running, _: FarSide) -> bytes:
        return await proxy.ask(connect("other.example:443"))

    answer, (line,) = played(tmp_path, scene)
    assert answer == b"HTTP/1.1 403 not on the list\r\n\r\n"
    told = {key: line[key] for key in ("log_level", "verdict", "reason", "code", "host", "address", "bytes_out")}
    assert told == {
        "log_level": "warning",
        "verdict": "refused",
        "reason": "not on the list",
        "code": 403,
        "host": "other.example:443",
        "address": "",
        "bytes_out": 0,
    }


def test_what_is_no_request_is_not_repeated_in_the_log(tmp_path: Path) -> None:
    """It may be a credential."""

    async def scene(proxy: Running, _: FarSide) -> bytes:
        return await proxy.ask(b"Authorization: Bearer s3cret\r\n\r\n")

    answer, logs = played(tmp_path, scene)
    assert (status(answer), "s3cret" in repr(logs), logs[0]["host"]) == (400, False, "")


def test_only_listed_names_are_resolved(tmp_path: Path) -> None:
    """A question to the resolver is a message to whoever runs the name's servers."""
    questions: list[tuple[str, int]] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        questions.append((host, port))
        return HERE

    async def scene(proxy: Running, far: FarSide) -> int:
        await proxy.ask(connect("s3cret.evil.example:443"))
        await asked(proxy, far)
        return far.port

    port, _ = played(tmp_path, scene, resolve=resolve)
    assert questions == [("far.example", port)]


def test_names_are_resolved_by_the_system() -> None:
    """Each address once."""
    assert asyncio.run(resolved("127.0.0.1", 443)) == HERE


@pytest.mark.parametrize(("limit", "passed"), [(5, 5), (4, 0)])
def test_bytes_out_have_a_cap(tmp_path: Path, limit: int, passed: int) -> None:
    """Five bytes pass a cap of five; under a cap of four the connection ends before them."""
    _, (line,) = played(tmp_path, asked, limits=replace(QUICK, bytes_each_way=limit))
    assert line["bytes_out"] == passed
    assert line["reason"] == ("" if passed else "more than 4 bytes one way")


@pytest.mark.parametrize(("limit", "passed"), [(8, 8), (7, 0)])
def test_bytes_in_have_a_cap_of_their_own(tmp_path: Path, limit: int, passed: int) -> None:
    """What went out does not count."""
    answer, (line,) = played(tmp_path, asked, answer=b"welcome!", limits=replace(QUICK, bytes_each_way=limit))
    assert (line["bytes_out"], line["bytes_in"], line["verdict"]) == (5, passed, "allowed")
    assert answer == CONNECTED + b"welcome!"[:passed]


def test_bytes_are_counted_over_the_whole_connection(tmp_path: Path) -> None:
    """Three times three bytes are more than eight."""

    async def scene(proxy: Running, far: FarSide) -> bytes:
        async with opened(proxy, far) as (reader, writer):
            for sent in (3, 6):
                writer.write(b"abc")
                await eventually(partial(has_read, far, sent))
            writer.write(b"abc")
            await reader.read()
            return bytes(far.read)

    carried, (line,) = played(tmp_path, scene, limits=replace(QUICK, bytes_each_way=8))
    assert (carried, line["bytes_out"]) == (b"abcabc", 6)


def test_a_connection_has_a_total_time(tmp_path: Path) -> None:
    """A tunnel in which nobody says anything ends."""

    async def scene(proxy: Running, far: FarSide) -> bytes:
        async with opened(proxy, far) as (reader, _):
            return await reader.read()

    rest, (line,) = played(tmp_path, scene, limits=replace(QUICK, total_s=0.2))
    assert (rest, line["verdict"], line["reason"], line["code"]) == (b"", "allowed", "out of time", 200)
    assert line["total_ms"] >= 200


def test_a_request_has_a_time(tmp_path: Path) -> None:
    """Whoever connects and says nothing is told so and let go."""

    async def scene(proxy: Running, _: FarSide) -> bytes:
        async with proxy.line() as (reader, _writer):
            return await reader.read()

    answer, (line,) = played(tmp_path, scene, limits=replace(QUICK, request_s=0.1))
    assert answer == b"HTTP/1.1 408 no request in time\r\n\r\n"
    assert (line["verdict"], line["code"]) == ("refused", 408)


def test_a_request_has_a_length(tmp_path: Path) -> None:
    """Of a line that does not end, no more is read."""

    async def scene(proxy: Running, _: FarSide) -> int:
        async with proxy.line() as (reader, writer):
            writer.write(b"C" * 200_000)
            try:
                return status(await reader.read())
            except ConnectionError:
                return 400

    code, (line,) = played(tmp_path, scene)
    assert (code, line["reason"], line["code"]) == (400, "the request is too long", 400)


def test_whoever_leaves_in_the_middle_of_a_request_is_logged(tmp_path: Path) -> None:
    """There is nobody to answer."""

    async def scene(proxy: Running, _: FarSide) -> bytes:
        return await proxy.ask(b"CONNECT far")

    answer, (line,) = played(tmp_path, scene)
    assert (answer, line["verdict"], line["reason"], line["code"]) == (b"", "refused", "IncompleteReadError", 0)


def failing(error: Exception) -> Resolve:
    """A resolver that fails so."""

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        raise error

    return resolve


@pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), UnicodeError("label empty or too long")])
def test_a_name_that_does_not_resolve_is_told(tmp_path: Path, error: Exception) -> None:
    """502."""
    answer, (line,) = played(tmp_path, refused, resolve=failing(error))
    assert answer == b"HTTP/1.1 502 the name could not be resolved\r\n\r\n"
    assert line["code"] == 502


def test_a_name_that_takes_too_long_is_told(tmp_path: Path) -> None:
    """504, for resolving and connecting together."""

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return HERE

    answer, _ = played(tmp_path, refused, resolve=resolve, limits=replace(QUICK, connect_s=0.1))
    assert answer == b"HTTP/1.1 504 no connection in time\r\n\r\n"


def test_the_next_address_is_tried_where_one_does_not_answer(tmp_path: Path) -> None:
    """In the resolver's order; the log names the one that answered."""
    answer, (line,) = played(tmp_path, asked, resolve=to(["127.0.0.3", "127.0.0.1"]))
    assert (status(answer), line["address"]) == (200, "127.0.0.1")


def test_a_host_that_does_not_answer_is_told(tmp_path: Path) -> None:
    """502, with the last address that was tried."""
    answer, (line,) = played(tmp_path, refused, resolve=to(["127.0.0.3"]))
    assert answer == b"HTTP/1.1 502 the connection failed\r\n\r\n"
    assert (line["address"], line["verdict"]) == ("127.0.0.3", "refused")


def test_an_address_is_never_a_name(tmp_path: Path) -> None:
    """What a resolver answers is connected to as a number, and not resolved once more."""
    answer, _ = played(tmp_path, refused, resolve=to(["localhost"]))
    assert status(answer) == 502

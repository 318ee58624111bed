"""Ways out that lead nowhere: each is tried at the real proxy, with a server behind it that counts who arrives.

One of the two guards is switched off in each family, so that the other alone has to hold: addresses where the list is
the subject, the list where addresses are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from channels.http import Http, HttpPolicy
from dispatcher.egress.guard import Guard
from dispatcher.egress.proxy import Limits, Resolve, resolved
from tests.egress.kit import QUICK, connect, far_side, proxied, status, to

HERE = ["127.0.0.1"]
SHORT = replace(QUICK, connect_s=0.1)
"""For an address of a range that was given back (3ffe::/16) and leads nowhere."""
LISTED = "allowed.example"

NOT_LISTED = {
    "a loopback address": "127.0.0.1",
    "another loopback address": "127.8.9.10",
    "any address": "0.0.0.0",
    "zero": "0",
    "a decimal address": "2130706433",
    "an octal address": "0177.0.0.1",
    "an octal address with more zeros": "0000177.0.0.01",
    "a hexadecimal address": "0x7f000001",
    "a hexadecimal byte": "0x7f.0.0.1",
    "two parts": "127.1",
    "three parts": "127.0.1",
    "an overflowing byte": "383.0.0.1",
    "localhost": "localhost",
    "localhost with its domain": "localhost.localdomain",
    "loopback of IPv6": "[::1]",
    "any address of IPv6": "[::]",
    "loopback of IPv6 written out": "[0:0:0:0:0:0:0:1]",
    "mapped": "[::ffff:127.0.0.1]",
    "mapped in hexadecimal": "[::ffff:7f00:1]",
    "translated": "[64:ff9b::7f00:1]",
    "6to4": "[2002:7f00:1::]",
    "compatible": "[::127.0.0.1]",
    "a zone": "[::1%lo]",
    "an escaped zone": "[fe80::1%25lo]",
    "IPv6 without brackets": "::1",
    "a bracket too few": "[::1",
    "a bracket too many": "[[::1]]",
    "a name in brackets": "[localhost]",
    "the listed name in brackets": f"[{LISTED}]",
    "an IPv4 address in brackets": "[127.0.0.1]",
    "a trailing dot": f"{LISTED}.",
    "a leading dot": f".{LISTED}",
    "capitals": LISTED.upper(),
    "a domain below": f"sub.{LISTED}",
    "a domain that ends alike": f"dis{LISTED}",
    "a domain that begins alike": f"{LISTED}.net",
    "a wildcard name": "127.0.0.1.nip.example",
    "the metadata service's name": "metadata.google.internal",
    "Cyrillic letters": "аllowed.example",
    "full width letters": "ａllowed.example",
    "ideographic dots": "127。0。0。1",
    "circled digits": "①②⑦.⓪.⓪.①",
    "a soft hyphen": "allo\u00adwed.example",
    "a zero width space": "allowed\u200b.example",
    "punycode": "xn--llowed-4nf.example",
    "an escaped letter": "%6cocalhost",
    "an escaped NUL": f"localhost%00.{LISTED}",
    "a NUL": f"localhost\0.{LISTED}",
    "a user name": f"{LISTED}@localhost",
    "a user name and password": f"{LISTED}:443@localhost",
    "a fragment": f"localhost#{LISTED}",
    "a path": f"localhost/{LISTED}",
    "a query": f"localhost?{LISTED}",
    "a backslash": f"localhost\\{LISTED}",
    "a backslash and a user name": f"{LISTED}\\@localhost",
    "a comma": f"{LISTED},localhost",
    "a space": f"{LISTED} localhost",
    "a tab": f"{LISTED}\tlocalhost",
    "a scheme": "http://localhost",
    "a unix socket": "unix:/run/redis.sock",
    "a path of a unix socket": "/run/redis.sock",
    "nothing": "",
}
"""Hosts that are not on the list, although each may be taken for one that is, or leads to this machine."""

PORTS = {
    "another port": "{other}",
    "no port": "",
    "port 0": "0",
    "a zero before": "0{port}",
    "a plus before": "+{port}",
    "a minus before": "-{port}",
    "a space before": " {port}",
    "a port out of range": "{beyond}",
    "a second port": "443:{port}",
    "Arabic digits": "٤٤٣",
    "SSH": "22",
    "Redis": "6379",
    "PostgreSQL": "5432",
    "the port of a bare name": "443",
}
"""Ports of the listed host that are not on the list with it."""

NOT_PUBLIC = {
    "loopback": HERE,
    "all of loopback": ["127.255.255.254"],
    "any address": ["0.0.0.0"],
    "private, 10": ["10.0.0.1"],
    "private, 172.16": ["172.31.255.254"],
    "private, 192.168": ["192.168.0.1"],
    "shared, 100.64": ["100.64.0.1"],
    "link-local": ["169.254.1.1"],
    "metadata of AWS, Azure and Google": ["169.254.169.254"],
    "metadata of a container": ["169.254.170.2"],
    "metadata of Alibaba": ["100.100.100.200"],
    "metadata of Oracle": ["192.0.0.192"],
    "metadata of Azure's host": ["168.63.129.16"],
    "multicast": ["224.0.0.1"],
    "broadcast": ["255.255.255.255"],
    "reserved": ["240.0.0.1"],
    "benchmarks": ["198.18.0.1"],
    "documentation": ["203.0.113.1"],
    "a 6to4 relay": ["192.88.99.1"],
    "loopback of IPv6": ["::1"],
    "any address of IPv6": ["::"],
    "mapped loopback": ["::ffff:127.0.0.1"],
    "mapped metadata": ["::ffff:a9fe:a9fe"],
    "compatible loopback": ["::127.0.0.1"],
    "translated loopback": ["64:ff9b::7f00:1"],
    "translated metadata": ["64:ff9b::a9fe:a9fe"],
    "translated within a site": ["64:ff9b:1::7f00:1"],
    "6to4 loopback": ["2002:7f00:1::1"],
    "Teredo": ["2001:0:7f00:1::"],
    "link-local of IPv6": ["fe80::1"],
    "link-local with a zone": ["fe80::1%lo"],
    "site-local": ["fec0::1"],
    "unique local": ["fd12:3456::1"],
    "metadata of AWS in IPv6": ["fd00:ec2::254"],
    "multicast of IPv6": ["ff02::1"],
    "documentation of IPv6": ["2001:db8::1"],
    "newer documentation of IPv6": ["3fff::1"],
    "never given out": ["4000::1"],
    "public first, then private": ["3ffe::1", "127.0.0.1"],
    "private first, then public": ["127.0.0.1", "3ffe::1"],
}
"""What a listed name may answer."""

LITERALS = ("127.0.0.1", "2130706433", "0177.0.0.1", "0x7f000001", "127.1", "0", "localhost", "[::1]", "[::]")
"""Hosts that somebody put on the list by mistake, resolved by the system."""

FORMS = {
    "absolute form": b"GET http://allowed.example:%d/ HTTP/1.1\r\nHost: allowed.example:%d\r\n\r\n",
    "origin form": b"GET / HTTP/1.1\r\nHost: allowed.example:%d\r\n\r\n",
    "a post": b"POST http://allowed.example:%d/ HTTP/1.1\r\nHost: allowed.example:%d\r\nContent-Length: 0\r\n\r\n",
    "a small method": b"connect allowed.example:%d HTTP/1.1\r\nHost: allowed.example:%d\r\n\r\n",
    "another method": b"TRACE allowed.example:%d HTTP/1.1\r\nHost: allowed.example:%d\r\n\r\n",
    "an older version": b"CONNECT allowed.example:%d HTTP/1.0\r\nHost: allowed.example:%d\r\n\r\n",
    "no version": b"CONNECT allowed.example:%d\r\nHost: allowed.example:%d\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no host": b"CONNECT allowed.example:%d HTTP/1.1\r\n\r\n",
    "another host": b"CONNECT localhost:%d HTTP/1.1\r\nHost: allowed.example:%d\r\n\r\n",
    "another host in the header": b"CONNECT allowed.example:%d HTTP/1.1\r\nHost: localhost:%d\r\n\r\n",
    "two hosts": b"CONNECT allowed.example:%d HTTP/1.1\r\nHost: allowed.example:%d\r\nHost: localhost\r\n\r\n",
    "a further header": b"CONNECT allowed.example:%d HTTP/1.1\r\nHost: allowed.example:%d\r\nVia: localhost\r\n\r\n",
    "a folded header": b"CONNECT allowed.example:%d HTTP/1.1\r\nHost: allowed.example:%d\r\n localhost\r\n\r\n",
    "a line break in the target": b"CONNECT allowed.example:%d\r\nCONNECT localhost:%d HTTP/1.1\r\n\r\n",
    "a bare line feed": b"CONNECT allowed.example:%d HTTP/1.1\nHost: allowed.example:%d\n\r\n\r\n",
    "a bare carriage return": b"CONNECT allowed.example:%d HTTP/1.1\rHost: allowed.example:%d\r\n\r\n",
    "an empty line before": b"\r\nCONNECT allowed.example:%d HTTP/1.1\r\nHost: allowed.example:%d\r\n\r\n",
    "a body": b"CONNECT allowed.example:%d HTTP/1.1\r\nHost: allowed.example:%d\r\nContent-Length: 9\r\n\r\n",
    "an upgrade": b"CONNECT allowed.example:%d HTTP/1.1\r\nHost: allowed.example:%d\r\nUpgrade: h2c\r\n\r\n",
    "two spaces": b"CONNECT  allowed.example:%d HTTP/1.1\r\nHost: allowed.example:%d\r\n\r\n",
    "a PROXY line before": b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\nCONNECT allowed.example:%d HTTP/1.1\r\n\r\n",
    "SOCKS 5": b"\x05\x01\x00\x05\x01\x00\x03\x0fallowed.example\x01\xbb\r\n\r\n",
    "SOCKS 4": b"\x04\x01\x01\xbb\x7f\x00\x00\x01\x00\r\n\r\n",
    "a TLS greeting": b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03\r\n\r\n",
    "an endless line": b"CONNECT " + b"a" * 200_000,
    "half a request": b"CONNECT allowed.example:%d HTTP/1.1\r\nHost: allowed.example:%d\r\n",
    "nothing": b"",
}
"""Requests for the listed host in another form than the one there is."""


def tried(
    folder: Path, request: bytes, port: int, guard: Guard, resolve: Resolve, limits: Limits = QUICK
) -> tuple[int, int]:
    """The proxy's answer to a request, and how many connections arrived at the server behind it."""

    async def main() -> tuple[int, int]:
        async with far_side(port=port) as far, proxied(folder, guard, resolve=resolve, limits=limits) as proxy:
            return status(await proxy.ask(request)), far.arrivals

    return asyncio.run(main())


def free_port() -> int:
    """A port that nobody listens at."""

    async def main() -> int:
        async with far_side() as far:
            return far.port

    return asyncio.run(main())


@pytest.mark.parametrize("escape", list(NOT_LISTED))
def test_a_host_that_is_not_listed_is_not_reached(tmp_path: Path, escape: str) -> None:
    """The list alone stands before this machine: any address may be reached, and every name resolves to it."""
    port = free_port()
    guard = Guard(frozenset({f"{LISTED}:{port}"}), allow_private=True)
    told, arrivals = tried(tmp_path, connect(f"{NOT_LISTED[escape]}:{port}"), port, guard, to(HERE))
    assert (told in (400, 403), arrivals) == (True, 0)


@pytest.mark.parametrize("escape", list(PORTS))
def test_a_port_that_is_not_listed_is_not_reached(tmp_path: Path, escape: str) -> None:
    """The listed host at another port, or at its own in another notation."""
    port = free_port()
    guard = Guard(frozenset({f"{LISTED}:{port - 1}"}), allow_private=True)
    written = PORTS[escape].format(port=port - 1, other=port, beyond=port + 65536)
    told, arrivals = tried(tmp_path, connect(f"{LISTED}:{written}"), port, guard, to(HERE))
    assert (told in (400, 403), arrivals) == (True, 0)


@pytest.mark.parametrize("escape", list(NOT_PUBLIC))
def test_an_address_that_is_not_public_is_not_reached(tmp_path: Path, escape: str) -> None:
    """The address alone stands before this machine: the name is listed."""
    port = free_port()
    guard = Guard(frozenset({f"{LISTED}:{port}"}))
    assert tried(tmp_path, connect(f"{LISTED}:{port}"), port, guard, to(NOT_PUBLIC[escape])) == (403, 0)


@pytest.mark.parametrize("host", LITERALS)
def test_a_listed_form_of_this_machine_is_not_reached(tmp_path: Path, host: str) -> None:
    """A literal on the list, in whatever notation the system reads, is checked as what it resolves to."""
    port = free_port()
    guard = Guard(frozenset({f"{host}:{port}"}))
    told, arrivals = tried(tmp_path, connect(f"{host}:{port}"), port, guard, resolved)
    assert (told in (403, 502), arrivals) == (True, 0)


@pytest.mark.parametrize("escape", list(FORMS))
def test_a_request_of_another_form_opens_nothing(tmp_path: Path, escape: str) -> None:
    """Listed, reachable, and asked for in another way than the one there is."""
    port, form = free_port(), FORMS[escape]
    request = form % ((port,) * form.count(b"%d"))
    guard = Guard(frozenset({f"{LISTED}:{port}"}), allow_private=True)
    told, arrivals = tried(tmp_path, request, port, guard, to(HERE))
    assert (told in (0, 400, 403), arrivals) == (True, 0)


def test_the_listed_host_is_reached(tmp_path: Path) -> None:
    """The control: in its one form, at its port, where its address may be reached."""
    port = free_port()
    guard = Guard(frozenset({f"{LISTED}:{port}"}), allow_private=True)
    assert tried(tmp_path, connect(f"{LISTED}:{port}"), port, guard, to(HERE)) == (200, 1)


@pytest.mark.parametrize("host", [host for host in LITERALS if "[" not in host])
def test_each_form_of_this_machine_leads_to_it(tmp_path: Path, host: str) -> None:
    """The control: where private addresses may be reached, these forms do arrive."""
    port = free_port()
    guard = Guard(frozenset({f"{host}:{port}"}), allow_private=True)
    assert tried(tmp_path, connect(f"{host}:{port}"), port, guard, resolved) == (200, 1)


def test_a_name_that_changes_its_mind_is_asked_once(tmp_path: Path) -> None:
    """Good when it is checked, this machine when it would be connected to: no second question is asked."""
    port = free_port()
    guard = Guard(frozenset({f"{LISTED}:{port}"}))
    told, arrivals = tried(tmp_path, connect(f"{LISTED}:{port}"), port, guard, to(["3ffe::1"], HERE), SHORT)
    assert (told in (502, 504), arrivals) == (True, 0)


def test_a_name_that_changes_its_mind_later_is_checked_again(tmp_path: Path) -> None:
    """The second connection is refused, though the first one's address was good."""

    async def main() -> tuple[list[int], int]:
        async with far_side() as far:
            guard = Guard(frozenset({f"{LISTED}:{far.port}"}))
            async with proxied(tmp_path, guard, resolve=to(["3ffe::1"], HERE), limits=SHORT) as proxy:
                told = [status(await proxy.ask(connect(f"{LISTED}:{far.port}"))) for _ in range(2)]
            return told, far.arrivals

    (_, second), arrivals = asyncio.run(main())
    assert (second, arrivals) == (403, 0)


def test_the_address_that_was_checked_is_the_one_connected_to(tmp_path: Path) -> None:
    """Two machines at one port, and a name that answers with the one and then with the other."""

    async def main() -> tuple[int, int]:
        async with far_side("127.0.0.1") as good, far_side("127.0.0.2", good.port) as bad:
            guard = Guard(frozenset({f"{LISTED}:{good.port}"}), allow_private=True)
            async with proxied(tmp_path, guard, resolve=to(["127.0.0.1"], ["127.0.0.2"])) as proxy:
                await proxy.ask(connect(f"{LISTED}:{good.port}"))
            return good.arrivals, bad.arrivals

    assert asyncio.run(main()) == (1, 0)


@pytest.mark.parametrize("how", ["in one breath", "once it was opened"])
def test_a_second_request_in_a_tunnel_is_the_far_sides(tmp_path: Path, how: str) -> None:
    """What follows the first request is carried to the listed host and read by nobody on the way."""

    async def main() -> tuple[bytes, int]:
        async with far_side("127.0.0.1") as allowed, far_side("127.0.0.1") as forbidden:
            names = {f"{LISTED}:{allowed.port}", f"other.example:{forbidden.port}"}
            guard = Guard(frozenset(names), allow_private=True)
            async with proxied(tmp_path, guard, resolve=to(HERE)) as proxy:
                first, second = connect(f"{LISTED}:{allowed.port}"), connect(f"other.example:{forbidden.port}")
                await (proxy.ask(first + second) if how == "in one breath" else proxy.ask(first, second))
            return bytes(allowed.read), forbidden.arrivals

    carried, arrivals = asyncio.run(main())
    assert (carried.startswith(b"CONNECT other.example"), arrivals) == (True, 0)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_by_nobody(tmp_path: Path, code: int) -> None:
    """The client gets it as an answer, and nothing arrives where it points to."""

    async def main() -> tuple[int, int]:
        async with far_side("127.0.0.1") as forbidden:
            there = f"http://127.0.0.1:{forbidden.port}/"
            moved = f"HTTP/1.1 {code} Moved\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n"
            async with far_side("127.0.0.1", answer=moved.encode()) as allowed:
                host = f"127.0.0.1:{allowed.port}"
                async with proxied(tmp_path, Guard(frozenset({host}), allow_private=True)) as proxy:
                    http = Http(HttpPolicy(frozenset({host}), https_only=False, egress=proxy.path))
                    answer = await http.request("GET", f"http://{host}/", timeout_s=5.0)
                    await http.close()
            return answer.status, forbidden.arrivals

    assert asyncio.run(main()) == (code, 0)


def test_at_least_sixty_escapes_have_a_name() -> None:
    """Promise 17 counts them (reference: reliability 7)."""
    families: Sequence[Sequence[str]] = [list(family) for family in (NOT_LISTED, PORTS, NOT_PUBLIC, FORMS, LITERALS)]
    assert sum(map(len, families)) >= 150

"""What is on the list, what a request says, and which addresses are good: without a network."""

from __future__ import annotations

import pytest

from dispatcher.egress.guard import Guard, Refused, Target, read_request
from tests.egress.kit import connect

LIST = Guard(frozenset({"open.example", "other.example:8443", "[2606:4700::1111]:443"}))


def refusal(of: object, *given: object) -> tuple[int, str]:
    """The status and the words of a refusal."""
    with pytest.raises(Refused) as caught:
        of(*given)  # type: ignore[operator]
    return caught.value.status, str(caught.value)


@pytest.mark.parametrize(
    ("authority", "target"),
    [
        ("open.example:443", Target("open.example", 443)),
        ("a:1", Target("a", 1)),
        ("zoo.zz:443", Target("zoo.zz", 443)),
        ("127.0.0.1:65536", Target("127.0.0.1", 65536)),
        ("[::1]:8080", Target("::1", 8080)),
    ],
)
def test_a_request_says_where_to(authority: str, target: Target) -> None:
    """Host without brackets and port; written again it is what was asked for."""
    assert read_request(connect(authority)) == target
    assert str(target) == authority


@pytest.mark.parametrize("request_", [b"", b"GET / HTTP/1.1\r\n\r\n", connect("a:1") + b"\r\n", connect("A:1")])
def test_another_form_is_no_request(request_: bytes) -> None:
    """400, and in which form one is made."""
    assert refusal(read_request, request_) == (400, "only CONNECT host:port")


@pytest.mark.parametrize("target", [Target("open.example", 443), Target("other.example", 8443)])
def test_what_is_listed_may_be_asked_for(target: Target) -> None:
    """A bare name at port 443, a name with a port at that port."""
    LIST.check(target)


def test_a_listed_address_of_ipv6_may_be_asked_for() -> None:
    """Its brackets are on the list too."""
    LIST.check(Target("2606:4700::1111", 443))


@pytest.mark.parametrize(("host", "port"), [("open.example", 80), ("other.example", 443), ("open.example.", 443)])
def test_what_is_not_listed_may_not(host: str, port: int) -> None:
    """403: another port, another name."""
    assert refusal(LIST.check, Target(host, port)) == (403, "not on the list")


def test_public_addresses_are_reachable_in_their_order() -> None:
    """All of them, of either kind."""
    assert LIST.reachable(["2606:4700::1111", "1.1.1.1"]) == ["2606:4700::1111", "1.1.1.1"]


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["1.1.1.1", "10.0.0.1"], ["10.0.0.1", "1.1.1.1"]])
def test_one_address_that_is_not_public_closes_the_name(addresses: list[str]) -> None:
    """403, wherever it stands."""
    assert refusal(LIST.reachable, addresses) == (403, "the address is private, local or reserved")


def test_a_test_deployment_reaches_private_addresses() -> None:
    """Only because its guard says so."""
    assert Guard(frozenset(), allow_private=True).reachable(["10.0.0.1"]) == ["10.0.0.1"]


def test_a_name_without_an_address_is_not_reachable() -> None:
    """502."""
    assert refusal(LIST.reachable, []) == (502, "the name has no address")


@pytest.mark.parametrize(
    "host", ["Open.example", "open.example.", "https://a.example", "a.example:", "*.example", ""]
)
def test_an_entry_that_nothing_could_match_is_no_list(host: str) -> None:
    """Whoever wrote it meant something, and is told."""
    with pytest.raises(ValueError, match="is not host or host:port in lower case"):
        Guard(frozenset({host, "open.example"}))

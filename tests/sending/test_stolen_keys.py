"""Stolen keys: fewer people than policy asks for permit nothing, whatever they sign and whoever forges the database.

The attacker writes the plan himself, names whom he likes as its author, and has every key of a group sign all that
its role can sign. What he wants besides, he deletes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest

from dispatcher.domain.statement import Envelope, StatementKind
from dispatcher.sending.permit import Permit
from tests.builders import ACCOUNTS, MITIGATIONS, Drafted, assessed, draft, everything_signed, status
from tests.cast import CAST, HOUR, NOW, signed
from tests.sending.kit import House, run, told

PLAIN = (StatementKind.SUBMIT, StatementKind.APPROVE, StatementKind.REVIEW, StatementKind.RESOLVE)
OFFICERS = tuple(person for person in CAST if person not in ("translator-1", "finance-1", "legal-1", "propriety-1"))
EXCEPTIONAL = (
    *("author-1", "checker-1", "director-1", "director-2"),
    *("security-1", "security-2", "private-1", "minister-1"),
)
GLASS = StatementKind.BREAK_GLASS

QUORUMS = {
    "T0": (("webhook",), OFFICERS, ("author-1", "checker-1", "director-1"), False),
    "T1": (("x",), OFFICERS, ("author-1", "checker-1", "director-1"), False),
    "T3": (
        ("tiktok", "webhook"),
        EXCEPTIONAL,
        ("author-1", "checker-1", "director-1", "security-1", "private-1"),
        True,
    ),
    "T0, breaking the glass": (("webhook",), OFFICERS, ("author-1", "director-1"), True),
    "T1, breaking the glass": (("x",), OFFICERS, ("author-1", "director-1"), True),
}
"""By tier: channels, whose keys may be stolen, a smallest group that may send, and whether it breaks the glass."""


def all_signed(person: str, plan: str, channels: list[str], *, breaking: bool) -> Iterator[Envelope]:
    """All that one stolen key can sign in favour of a plan."""
    scope: dict[str, Any] = {"channel": channels[0], "account": ACCOUNTS[channels[0]].id}
    said: dict[StatementKind, dict[str, Any]] = {kind: {"channels": channels} for kind in PLAIN}
    said[StatementKind.RELEASE] = {"kinds": ["publish"]}
    said[StatementKind.DECIDE] = {"decision": "agreed", "channels": channels}
    if breaking:
        said[GLASS] = {"channels": channels, "reason": "life is in danger"}
    at = NOW - HOUR / 2
    for kind, body in said.items():
        yield signed(kind, person, subject=plan, at=at, **body)
    yield signed(StatementKind.ASSESS, person, at=at, outcome="permitted", placement="organic", **scope)
    yield signed(StatementKind.EXEMPT, person, at=at, need="everybody", **scope)
    everything: dict[str, Any] = {"mitigations": list(MITIGATIONS), "app_version": "41.2"}
    yield signed(StatementKind.ATTEST, person, at=at, **everything, **scope)


def forged(
    channels: Iterable[str], stolen: Collection[str], *, breaking: bool
) -> Iterator[tuple[Drafted, list[Envelope]]]:
    """Every plan that a group could write, by whom of it as the author, with all that the group can sign."""
    for author in stolen or ("author-1",):
        drafted = draft(*channels, contributors={author: ("author",)}, languages=("en-GB",))
        signatures = [all_signed(p, drafted.plan.digest, list(channels), breaking=breaking) for p in stolen]
        yield drafted, list(chain.from_iterable(signatures))


async def permits(house: House, channels: tuple[str, ...], stolen: Collection[str], *, breaking: bool) -> int:
    """How many of a group's plans the sender permits on the first channel."""
    given = 0
    for drafted, envelopes in forged(channels, stolen, breaking=breaking):
        answer = await house.ask(drafted.order(channels[0]), drafted.bundle(envelopes))
        given += isinstance(answer, Permit)
    return given


@pytest.mark.parametrize("tier", QUORUMS)
def test_fewer_keys_than_the_quorum_permit_nothing(tmp_path: Path, tier: str) -> None:
    """Every smaller group of officers' keys, each of them as the author; the whole group does get its permit."""
    channels, officers, quorum, breaking = QUORUMS[tier]
    smaller = [group for size in range(len(quorum)) for group in combinations(officers, size)]

    async def main() -> tuple[list[tuple[str, ...]], int]:
        house = House(tmp_path, draft(*channels))
        await told(house.sender, status=status())
        let = [group for group in smaller if await permits(house, channels, group, breaking=breaking)]
        return let, await permits(house, channels, quorum, breaking=breaking)

    let, control = run(main)
    assert let == []
    assert control > 0


def about(house: House, kind: StatementKind, person: str, **body: Any) -> Envelope:
    """What somebody signs about the house's plan, now."""
    return signed(kind, person, subject=house.drafted.plan.digest, at=NOW, **body)


NOES: dict[str, tuple[str, Callable[[House], Envelope]]] = {
    "a rejection": ("G08", lambda house: about(house, StatementKind.REJECT, "security-1", channels=["tiktok"])),
    "the minister's refusal": (
        "G12",
        lambda house: about(house, StatementKind.DECIDE, "private-1", decision="refused", channels=["tiktok"]),
    ),
    "a void assessment": ("G09", lambda house: assessed("tiktok", "void", at=NOW)),
}


@pytest.mark.parametrize("no", NOES)
@pytest.mark.parametrize("restarted", [False, True])
def test_a_deleted_no_is_not_forgotten(tmp_path: Path, no: str, restarted: bool) -> None:
    """A sender that was told of it refuses, though the plan comes with every yes that was ever signed."""
    clause, say = NOES[no]

    async def main() -> tuple[list[bool], tuple[str, ...]]:
        house = House(tmp_path, draft("tiktok", "webhook"))
        order = house.drafted.order("tiktok")
        await told(house.sender, status=status())
        before = isinstance(await house.ask(order), Permit)
        await told(house.sender, say(house))
        if restarted:
            await told(house.start(), status=status(at=NOW))
        house.envelopes = everything_signed(house.drafted.plan)
        return [before], tuple(await house.refused(order))

    assert run(main) == ([True], (clause,))

"""What ``dispatcher log`` and ``dispatcher ledger`` ask alike: which lines, how many, and whether to follow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from dispatcher.cli.commands import Option, at, many, reader_time
from dispatcher.domain.errors import Invalid
from dispatcher.domain.wanted import Wanted

POLL_S = 0.25
WHEN = "a day, 2026-11-21T18:00 by your own clock, or with an offset, or -2h."


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader asked for: what to show, how many of the newest, and whether what comes later too."""

    wanted: Wanted
    number: int
    follow: bool

    def looks(self) -> Iterator[None]:
        """The first look, and where they follow one more every quarter of a second, until Ctrl-C."""
        yield
        while self.follow:
            time.sleep(POLL_S)
            yield


_NAMES = {
    "incident": "Only about this incident.",
    "channel": "Only about this channel.",
    "account": "Only about this account.",
    "delivery": "Only about this delivery, where it is named: recipients' moves are recorded in groups.",
    "plan": "Only about this plan: its statements too.",
    "clause": "Only where this clause is named, such as G05.",
    "person": "Only what this person did or is named in.",
}


def filters(number: int) -> Option:
    """The options; the command's function gets ``asked`` in their place. ``number`` is shown unless said."""
    options: list[Option] = [
        *(click.option(f"--{name}", help=text) for name, text in _NAMES.items()),
        many("kind", "Only this kind (plan.released) or family (statement.); of a log, this event. May be repeated."),
        click.option("--since", type=reader_time, metavar="TIME", help=f"Not before: {WHEN}"),
        click.option("--until", type=reader_time, metavar="TIME", help="Before: the same."),
        click.option(
            *("-n", "--number"),
            type=click.IntRange(1, 100_000),
            default=number,
            show_default=True,
            help="So many of the newest.",
        ),
        click.option("-f", "--follow", is_flag=True, help="Go on as they are written; end with Ctrl-C."),
    ]

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def asking(*, number: int, follow: bool, **given: Any) -> Any:
            return command(asked=Asked(_wanted(given, follow=follow), number, follow), **given)

        made: Callable[..., Any] = asking
        for option in reversed(options):
            made = option(made)
        return made

    return decorate


def _wanted(given: dict[str, Any], *, follow: bool) -> Wanted:
    """What is wanted, taken out of what was given. Raises Invalid for times between which nothing lies."""
    from dispatcher.sender_bootstrap import now

    moment = now()
    since, until = at(given.pop("since"), moment), at(given.pop("until"), moment)
    if until and follow:
        raise Invalid("--follow goes on, and --until ends it", "give one of the two")
    if since and until and since >= until:
        raise Invalid(f"nothing lies between {since} and {until}", "give an earlier --since")
    names = {name: given.pop(name) for name in _NAMES}
    return Wanted(kinds=given.pop("kinds"), since=since, until=until, words=given.pop("words", ()), **names)

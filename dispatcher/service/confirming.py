"""Confirming a release: the consequence in words, and a token that no practised hand types by itself.

Rules (reference: ux 2 and 10.5; cap 2, Hawaii and Pickering, where drill and live had one prompt)
  1. The token is made of the plan's digest, its reach and its mode: another text, another list or another mode has
     another token. It is no secret and no signature; it stops a slip, and nobody who means harm.
  2. The two modes share no sign: a live token is letters, an exercise's is digits, and no letter is there that looks
     like a digit. Who types one mode's token at the other's prompt is told so.
  3. It is shown last, after all that is signed (``clearance read``), and stored nowhere before the release.
  4. Live and exercise differ in their words and in the shape of their lines, never in colour alone.

The way of a release by a person::

    consequence → token typed, three tries → countdown, Ctrl-C ends it → sign → commit
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from channels.contract import Json
from channels.registry import UnknownChannelError, adapter, called
from dispatcher.domain import canonical
from dispatcher.domain.ids import short
from dispatcher.domain.message import TextKind
from dispatcher.domain.plan import Plan
from dispatcher.domain.statement import Mode
from dispatcher.service.desk import Desk
from dispatcher.store import records
from dispatcher.store.records import StoredPlan

SCHEMA = "confirm/v1"
SIGNS: Mapping[Mode, str] = {Mode.LIVE: "ACDEFHJKMNPRTWXY", Mode.EXERCISE: "23456789"}
"""What tokens are made of: without B, G, I, L, O, Q, S, Z, 0 and 1, which pass for each other; no U and V."""

LENGTHS: Mapping[Mode, int] = {Mode.LIVE: 6, Mode.EXERCISE: 4}
"""A live token is longer and in two groups, such as ``KTW-RMX``; an exercise's is one, such as ``4829``."""

TRIES = 3
"""How often a token may be typed before the release is given up."""


class How(StrEnum):
    """How a release was confirmed: by somebody at a terminal, or with ``--confirm``."""

    TYPED = "typed"
    GIVEN = "given"


class Judged(StrEnum):
    """What a token that somebody typed is."""

    RIGHT = "right"
    WRONG = "wrong"
    OTHER_MODE = "of the other mode"


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom a plan reaches: accounts by channel, recipients by list, the area and how many people live there."""

    accounts: Mapping[str, int]
    recipients: Mapping[str, int]
    area: tuple[str, ...]
    people: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person confirms: the plan, what it says, whom it reaches, and the token."""

    plan: Plan
    headline: str
    reach: Reach
    token: str

    @property
    def mode(self) -> Mode:
        """Live, or an exercise."""
        return self.plan.mode


def token(plan: Plan, reach: Reach) -> str:
    """The token of a plan with this reach, as it is shown and typed."""
    people: dict[str, Json] = {} if reach.people is None else {"people": reach.people}
    about: dict[str, Json] = {
        "plan": plan.digest,
        "mode": str(plan.mode),
        "accounts": dict(reach.accounts),
        "recipients": dict(reach.recipients),
        "area": list(reach.area),
    }
    number = int(canonical.digest(SCHEMA, canonical.encode(about | people)), 16)
    signs, made = SIGNS[plan.mode], ""
    for _ in range(LENGTHS[plan.mode]):
        number, place = divmod(number, len(signs))
        made += signs[place]
    return f"{made[:3]}-{made[3:]}" if plan.mode is Mode.LIVE else made


def judged(typed: str, asked: Asked) -> Judged:
    """What somebody typed; spaces, hyphens and the size of letters do not count."""
    plain, right = _plain(typed), _plain(asked.token)
    if plain == right:
        return Judged.RIGHT
    others = [mode for mode in Mode if mode is not asked.mode]
    return Judged.OTHER_MODE if any(_is_of(plain, mode) for mode in others) else Judged.WRONG


def reach_of(plan: Plan, people: int | None = None) -> Reach:
    """Whom a plan reaches; ``people``: how many live in its area, where anybody said."""
    lists: Counter[str] = Counter()
    for destination in plan.destinations:
        lists.update({signed.id: signed.count for signed in destination.lists})
    return Reach(Counter(d.channel for d in plan.destinations), lists, plan.area, people)


def ask(desk: Desk, stored: StoredPlan) -> Asked:
    """What is to be confirmed of a plan that is in the store."""
    with desk.store.read() as work:
        revision = records.newest_revision(work, stored.message)
    reach = reach_of(stored.plan, revision.population)
    said = revision.texts[TextKind.PUBLISH][0].headline
    return Asked(stored.plan, said, reach, token(stored.plan, reach))


def consequence(asked: Asked, now: datetime) -> Iterator[str]:
    """What a release does, in words, line by line: the mode first, what cannot be undone and the way back last."""
    plan, reach = asked.plan, asked.reach
    is_live = plan.mode is Mode.LIVE
    edge = "#" if is_live else "~ "
    head = "LIVE: THE PUBLIC WILL READ THIS" if is_live else "exercise: only simulated platforms, no public"
    side = (edge * (8 if is_live else 4)).strip()
    yield f"{side} {head} {side}"
    yield _row("Publish" if is_live else "Practise", f"“{asked.headline}” ({', '.join(plan.languages)})")
    channels = ", ".join(f"{count} on {called(name)}" for name, count in reach.accounts.items())
    yield _row("To", f"{_number(sum(reach.accounts.values()), 'account')}: {channels}")
    if reach.recipients:
        lists = ", ".join(f"{name} ({count:,})" for name, count in reach.recipients.items())
        yield _row("And", f"{_number(sum(reach.recipients.values()), 'recipient')} of {lists}")
    where = ", ".join(reach.area) or "no area named"
    yield _row("Where", where + (f", {_people(reach)}" if reach.people else ""))
    left = max(0, int((plan.not_after - now).total_seconds() // 60))
    until = f"{plan.valid_until:%Y-%m-%d %H:%M} UTC; sent for {left} minutes more at most"
    yield _row("Until", until)
    yield _row("For good", _lasting(plan, reach) if is_live else "nothing: it stays among simulated platforms")
    yield _row("Way back", f"correction, withdrawal, all-clear are armed: dispatcher correct {short(plan.digest)}")
    yield (edge * (50 if is_live else 24)).rstrip()


def _is_of(plain: str, mode: Mode) -> bool:
    return len(plain) == LENGTHS[mode] and set(plain) <= set(SIGNS[mode])


def _people(reach: Reach) -> str:
    from dispatcher.areas import reach_in_words  # all shapes come with it, and --confirm shows nobody a word

    return reach_in_words(reach.people, at_most=len(reach.area) > 1)


def _plain(typed: str) -> str:
    return "".join(sign for sign in typed.upper() if sign.isalnum())


def _row(name: str, text: str) -> str:
    return f"  {name:<9} {text}"


def _number(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _lasting(plan: Plan, reach: Reach) -> str:
    """What no command takes back."""
    kept = [called(channel) for channel in plan.channels if not _withdraws(channel)]
    lasting = ["what people have read or copied"]
    lasting += [f"what {', '.join(kept)} took (it can be corrected)"] if kept else []
    lasting += ["messages that recipients have got"] if reach.recipients else []
    return "; ".join(lasting)


def _withdraws(channel: str) -> bool:
    try:
        return adapter(channel).capabilities.can_withdraw
    except UnknownChannelError:  # a plan that no submission made
        return False

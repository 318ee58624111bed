"""``/attention``: everything that wants a person, by kind, with the command to type about it.

What loosens anything is never a button here: it is typed and signed in a terminal, by whoever may.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dispatcher.sending.prepared import RESOLVING
from dispatcher.service.holding import HOLDING
from dispatcher.service.operating.attention import KINDS
from dispatcher.service.operating.values import Matter
from ops.console.fragments import LivePage
from ops.console.rendering import render_live

LIVE = LivePage("attention", ("attention",))

_ANSWER = " or ".join(role.replace("_", " ") for role in RESOLVING)
WHO: Mapping[str, str] = {
    "in_doubt": f"One person: {_ANSWER}",
    "held": f"What may be public takes two people with one answer, the rest one: {_ANSWER}",
    "hand_over": "Two operators sign the receipt",
    "window": "Whoever has not signed yet, or nobody: it ends by itself",
    "task": "Whoever did it",
    "account_held": "One person: " + " or ".join(role.replace("_", " ") for role in HOLDING),
}
"""Who may type the command, where not everybody may."""


def by_kind(matters: Iterable[Matter]) -> Iterator[tuple[str, str, str, Sequence[Matter]]]:
    """Each kind that there is, as they press: its name, heading, who may act, and its matters."""
    found: dict[str, list[Matter]] = {}
    for matter in matters:
        found.setdefault(matter.kind, []).append(matter)
    for kind in sorted(found, key=lambda one: list(KINDS).index(one) if one in KINDS else len(KINDS)):
        yield kind, KINDS.get(kind, kind.replace("_", " ")), WHO.get(kind, ""), found[kind]


async def attention(request: Request) -> Response:
    """All of it, kept up to date."""
    return await render_live(request, "attention.html", LIVE.name, title="Attention", section="attention")


ROUTES = [Route("/attention", attention, methods=["GET"])]

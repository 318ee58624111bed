"""Who is looking: until people sign in, whoever reaches the loopback address, and nobody who may act."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request


@dataclass(frozen=True)
class Visitor:
    """Nobody in particular."""

    person: str = "nobody"
    name: str = "nobody"
    role: str = ""
    session: str = "none"
    may_tighten: bool = False


async def visitor_of(request: Request) -> Visitor | None:
    """Whoever it is."""
    request.state.visitor = Visitor()
    return Visitor()

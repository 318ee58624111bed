"""What a page of the console is refused with."""

from __future__ import annotations

from dispatcher.domain.errors import Unavailable


class NotSeenYet(Unavailable):
    """The reader has not looked yet: the process has just started, or the database is away."""

    def __init__(self) -> None:
        super().__init__(
            "the console has not seen the deployment yet",
            "wait some seconds; if it stays so, the database is away: dispatcher status says the same",
        )

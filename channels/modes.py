"""What an adapter whose credential belongs to one mode agrees on with whoever starts it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class OfOneMode(Protocol):
    """What such an adapter has besides :class:`channels.contract.Channel`."""

    def serve(self, *, exercise: bool) -> str:
        """Be told the mode that it is started for, once, before anything else.

        Returns why its credential cannot be used for that, "" where it can. An adapter that said so goes on refusing
        to publish, with that reason, and its probe fails; accounts beside it are not held up.
        """

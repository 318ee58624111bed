"""Doing what was pressed once, however often the same form arrives: a nervous finger, a proxy that tries again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future

MOST = 1_000
"""Presses that are remembered; the oldest is forgotten first."""


class Once:
    """What each press came to. Different presses do not wait for each other."""

    def __init__(self) -> None:
        self._done: OrderedDict[str, Future[str]] = OrderedDict()
        self._turn = threading.Lock()

    def do(self, name: str, act: Callable[[], str]) -> str:
        """Act, or wait for whoever acts under this name, and return what it came to.

        Raises what the act raises; then it may be tried again under the same name.
        """
        with self._turn:
            known = self._done.get(name)
            if known is None:
                mine = self._done[name] = Future[str]()
                self._forget()
        return known.result() if known is not None else self._act(name, mine, act)

    def _act(self, name: str, mine: Future[str], act: Callable[[], str]) -> str:
        try:
            mine.set_result(act())
        except BaseException as error:
            with self._turn:
                self._done.pop(name, None)
            mine.set_exception(error)
            raise
        return mine.result()

    def _forget(self) -> None:
        """Keep no more than MOST; what is still being done is not forgotten."""
        for name in list(self._done)[: max(0, len(self._done) - MOST)]:
            if self._done[name].done():
                del self._done[name]

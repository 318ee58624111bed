"""When an account is left alone: its circuit breaker, and the budget of its repeats. Pure: time comes in, in seconds.

closed ─ five failures in a row, or half of the last twenty ─▶ open ─ time ─▶ half open: one delivery goes ahead
   ▲                                                            ▲                              │
   └───────────────────── it went well ─────────────────────────┼──────────────────────────────┤
                                                                └──────── it failed ───────────┘
"""

from __future__ import annotations

from channels.contract import Outcome, Verdict
from workers.outcomes import NOT_A_TRY

IN_A_ROW = 0b11111
LAST = (1 << 20) - 1
HALF = 10
"""Failures in a row, and among the last twenty, that open a breaker."""

SHARE = 0.2
FLOOR_PER_S = 10.0
WINDOW_S = 10.0
"""Repeats are at most this share of an account's sends, and so many a second besides (reference: reliability 1.3 asks
for 10-20 %; floor and window are those of Finagle's RetryBudget)."""


def failed(outcome: Outcome) -> bool | None:
    """Whether the account failed. None for what says nothing of it: a call not made, a platform that asks us to wait.

    A refusal of one message is no failure; one that concerns all that the account sends is.
    """
    if outcome.verdict is Verdict.REJECTED:
        return outcome.account_wide
    if outcome.verdict is Verdict.DEFERRED:
        ours = outcome.status is None and NOT_A_TRY.fullmatch(outcome.code)
        return None if ours or (outcome.account_wide and outcome.retry_after_s) else True
    return outcome.verdict is Verdict.IN_DOUBT


class Breaker:
    """One account's. Opens for ``first_s``, then twice as long each time, at most ``most_s``."""

    __slots__ = ("_first_s", "_followed", "_most_s", "_openings", "_probe", "_recent", "until_s")

    def __init__(self, first_s: float, most_s: float) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self.until_s: float | None = None
        self._probe: str | None = None
        self._recent = 0
        self._openings = 0
        self._followed = False

    @property
    def is_open(self) -> bool:
        """Open or half open."""
        return self.until_s is not None

    def wait_s(self, now_s: float) -> float:
        """How long nothing may go: 0 where something may."""
        if self.until_s is None:
            return 0.0
        return max(self.until_s - now_s, self._first_s if self._probe else 0.0)

    def admits(self, delivery: str, now_s: float) -> bool:
        """Whether this delivery may go. Half open, the first that asks goes ahead of the rest."""
        if self.until_s is None or self._probe == delivery:
            return True
        if self._probe is None and now_s >= self.until_s:
            self._probe = delivery
            return True
        return False

    def ended(self, delivery: str) -> None:
        """This delivery is over, called or not: another may go ahead."""
        if self._probe == delivery:
            self._probe = None

    def heard(self, delivery: str, failure: bool, now_s: float) -> bool:
        """Count an answer; True when that opened or closed the breaker. Stragglers of an open one do not count."""
        if self.until_s is not None:
            if self._probe != delivery:
                return False
            if failure:
                self._open(now_s)
            else:
                self._close()
            return True
        self._recent = (self._recent << 1 | failure) & LAST
        if failure and (self._recent & IN_A_ROW == IN_A_ROW or self._recent.bit_count() >= HALF):
            self._open(now_s)
            return True
        return False

    def follow(self, wait_s: float | None, now_s: float) -> None:
        """Do as another process found: open for so long yet, or, with None, closed again."""
        if wait_s is None:
            if self._followed:
                self._close()
        elif wait_s > 0 and self.until_s is None:
            self.until_s, self._followed = now_s + wait_s, True

    def _open(self, now_s: float) -> None:
        self.until_s = now_s + min(self._most_s, self._first_s * 2**self._openings)
        self._openings += 1
        self._probe = None
        self._followed = False

    def _close(self) -> None:
        self.until_s = None
        self._probe = None
        self._recent = 0
        self._openings = 0
        self._followed = False


class RetryBudget:
    """One account's repeats against its sends, over a sliding window: the last one's count fades into this one's."""

    __slots__ = ("_last", "_now", "_window")

    def __init__(self) -> None:
        self._window = 0
        self._last = (0, 0)
        self._now = (0, 0)

    def take(self, repeat: bool, now_s: float) -> bool:
        """Count a send; False where it is a repeat too many, which is not counted."""
        window = int(now_s // WINDOW_S)
        if window != self._window:
            self._last = self._now if window == self._window + 1 else (0, 0)
            self._now, self._window = (0, 0), window
        sends, repeats = self._now
        if repeat:
            fading = 1 - now_s % WINDOW_S / WINDOW_S
            allowed = FLOOR_PER_S * WINDOW_S + SHARE * (sends + self._last[0] * fading)
            if repeats + 1 + self._last[1] * fading > allowed:
                return False
        self._now = (sends + (not repeat), repeats + repeat)
        return True

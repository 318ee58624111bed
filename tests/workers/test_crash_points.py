"""A crash at every commit and byte boundary of the sending path: nothing is lost, doubled or falsely accepted."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from channels.simulator.faults import FaultKind
from ops.chaos.count import count
from ops.chaos.site import CHANNELS, Site, site_at
from ops.exercise.stage import Stage, simulator_at
from ops.postgres import PostgresMissing
from tests.draws import WHOLE
from tests.servers import missing, until

pytestmark = pytest.mark.system

COMMITS = (
    "lease",
    "swept leased to ready",  # which is what the crash before it left
    "leased to sending",
    "swept sending to in_doubt",
    "sending to accepted",
    "sending to in_doubt",
    "sending to ready",
    "in_doubt to in_doubt",
    "in_doubt to accepted",
    "in_doubt to ready",
    "in_doubt to held",
)
BYTES = ("before open", "after open", "before byte", "after byte", "after answer", "before settled", "after settled")
POINTS = (*(f"{when} {commit}" for commit in COMMITS for when in ("before", "after")), *BYTES)
COMMITTED = tuple(f"after {commit}" for commit in COMMITS)
"""Where the one database differs from the other: in what is there after a crash."""

NUMBERS = range(300, 306)
WAITS = {"lease_ms": 3_000, "quiet_ms": 200, "look_again_ms": 100, "sweep_ms": 50, "poll_ms": 100, "retry_ms": 50}
DEAD_WITHIN_S = 30.0
NOWHERE = "nowhere"
FENCED = -signal.SIGALRM
"""How a role ends itself that was too slow for its lease."""


class Roles:
    """The roles of a site, in processes that kill themselves (see ``crashing.py``)."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, Path(__file__).with_name("crashing.py"), folder]
        self._log = (folder / "logs" / "crashing.jsonl").open("w")
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._log}
        self._process = subprocess.Popen(command, text=True, process_group=0, **pipes)

    def start(self, point: str) -> None:
        """Run them until they reach a point."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{point}\n")
        self._process.stdin.flush()

    def die_at(self, point: str) -> None:
        """Run them until they die there. Where this machine is too slow for a lease, they fence themselves: again."""
        ended: int | None = FENCED
        while ended == FENCED:
            self.start(point)
            ended = self._ended(DEAD_WITHIN_S)
        assert ended is not None, f"not reached: {point}"
        assert ended == -signal.SIGKILL, f"ended before: {point}"

    def run_until(self, condition: Callable[[], bool], what: str) -> None:
        """Run them with no point to die at until ``condition`` holds; started again where they fence themselves."""
        self.start(NOWHERE)

        def reached() -> bool:
            if self._ended(0) == FENCED:
                self.start(NOWHERE)
            return condition()

        until(reached, what, DEAD_WITHIN_S)

    def _ended(self, within_s: float) -> int | None:
        """How their process ended; None where it runs on."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._process.stdout, selectors.EVENT_READ)
            return int(self._process.stdout.readline()) if waiting.select(within_s) else None

    def close(self) -> None:
        """End whoever is left."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        self._log.close()


def misbehave(site: Site) -> None:
    """Have the platforms give every reason for every move."""
    for provider in CHANNELS:
        for kind, every in ((FaultKind.ACT_THEN_DROP, 8), (FaultKind.DROP, 8), (FaultKind.THROTTLE, 6)):
            site.far.fault(provider=provider, kind=kind, times=10_000, every=every)
        site.far.fault(provider=provider, kind=FaultKind.LATE, times=10_000, every=2, delay_s=0.6)


@pytest.mark.parametrize(("database", "points"), [("sqlite", POINTS), ("postgresql", POINTS if WHOLE else COMMITTED)])
def test_a_crash_at_any_point_of_sending_loses_and_doubles_nothing(
    tmp_path: Path, database: str, points: Sequence[str]
) -> None:
    """Each point is reached and died at, one after the other, with a plan released before each."""
    with ExitStack() as stack:
        far = Stage(tmp_path / "site" / "deployment", stack.enter_context(simulator_at(tmp_path)))
        try:
            made = site_at(tmp_path / "site", database, far, plans=len(points), posts=2, numbers=NUMBERS, **WAITS)
            site = stack.enter_context(made)
        except PostgresMissing as error:
            missing(database, str(error))
        roles = Roles(site.office.folder)
        stack.callback(roles.close)
        misbehave(site)
        for mark, point in zip(site.plans, points, strict=True):
            site.release(mark)
            roles.die_at(point)
        roles.run_until(lambda: site.settled, "every delivery has ended or is held")
        found = count(site.sent(), site.expected, far.journal())
    assert (found.lost, found.duplicated, found.false_sent, found.unmatched) == (0, 0, 0, 0), found

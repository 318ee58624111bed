"""One ill provider of twelve: how much later the posts to the other eleven come.

Each provider has fifty accounts. Without: all answer after 50 ms; beside: those of one answer after ten seconds. Both
are told by when 95 % of the others' posts of a release had come, in turns, on one deployment.
"""

from __future__ import annotations

import time
from pathlib import Path

from ops.bench.engine import ARMED_S, CORES, TIMEOUT_S
from ops.bench.far import Far, far_side
from ops.bench.figures import Figure
from ops.bench.office import Office, hosts, office_at
from ops.exercise.stage import Stage, running, until

PROVIDERS = 12
EACH = 50
DELAY_MS = 50.0
ILL_MS = 10_000.0


def measure(root: Path, each: int = EACH, turns: int = 4) -> list[Figure]:
    """The ratio of both, turn by turn."""
    ratios: list[float] = []
    with far_side() as far, office_at(root, far.url) as office:
        for provider in range(PROVIDERS):
            for number in range(each):
                office.add("webhook", f"{'ill' if provider == 0 else f'well-{provider}'}-{number}")
        hosts(office, "accounts", CORES)
        with running(Stage(office.folder, far.url)):
            for turn in range(turns + 1):
                found = {}
                for ill_ms in (DELAY_MS, ILL_MS)[
                    :: 1 if turn % 2 else -1
                ]:  # whichever is second is not always the same
                    found[ill_ms] = _p95_s(office, far, f"{turn} {ill_ms}", each * PROVIDERS, ill_ms)
                ratios.append(found[ILL_MS] / found[DELAY_MS])
    return [Figure("isolation.p95.beside_an_ill_provider", "ratio", ratios[1:], 1.2)]  # the first warms up


def _p95_s(office: Office, far: Far, headline: str, sends: int, ill_ms: float) -> float:
    """Seconds from a release to 95 % of the posts to those that are well, once all posts have ended."""
    plan = office.cleared(headline=headline)
    time.sleep(ARMED_S)
    far.reset(DELAY_MS, ill_ms)
    office.release(plan)
    released = time.monotonic()
    until(lambda: far.counted().requests >= sends or None, "everything is sent", TIMEOUT_S)
    p95 = far.counted().p95
    time.sleep(ill_ms / 1000)
    return p95 - released

"""``python -m ops.demo [--fault kill]``: see the package."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from dispatcher.bootstrap import open_desk
from dispatcher.domain.errors import DispatcherError
from dispatcher.service import exercising
from dispatcher.service.desk import Desk
from ops.demo.table import show
from ops.exercise import scenario
from ops.exercise.moves import Story
from ops.exercise.record import moment
from ops.exercise.run import Found, found, played, prepare
from ops.exercise.scenario import Step
from ops.exercise.shown import document, told
from ops.exercise.stage import ExerciseFailed, Stage, aloud, running, set_up
from ops.exercise.tally import ENDED_WELL

BUILD = Path("build")


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of ``build/demo.json``: of the message, before it is corrected. ``lost`` and ``doubled`` are by the
    far sides' own count."""

    deliveries: int
    by_state: dict[str, int]
    attempts: int
    provider_requests: int
    lost: int
    doubled: int
    held: dict[str, int]
    refused_before_clearance: int
    release_to_first_request_ms: float
    seconds: float

    @property
    def good(self) -> bool:
        """Whether nothing was lost or doubled and every delivery ended where it may."""
        return self.lost == 0 and self.doubled == 0 and set(self.by_state) <= ENDED_WELL


def main() -> int:
    """Play the exercise; the exit code is 0 only if nothing was lost or doubled."""
    parser = argparse.ArgumentParser(prog="make demo", description="One exercise against simulated platforms.")
    parser.add_argument("--fault", choices=["kill"], help="kill the workers by kill -9 during the fan-out")
    fault = parser.parse_args().fault
    print("EXERCISE EXERCISE EXERCISE. Simulated platforms, exercise keys, nothing leaves this machine.")
    started = time.monotonic()
    try:
        with set_up(BUILD) as stage, closing_desk(stage) as desk:
            figures = play(desk, stage, kill=fault == "kill", started=started)
    except DispatcherError as failure:
        print(f"\nThe demo failed: {failure}", file=sys.stderr)
        return 1
    (BUILD / "demo.json").write_text(json.dumps(asdict(figures), indent=2) + "\n")
    print(f"\n{json.dumps(asdict(figures))}\n\nWritten to {BUILD / 'demo.json'}.")
    print("Nothing lost, nothing doubled." if figures.good else "NOT GOOD: see by_state, lost and doubled above.")
    print("This was an EXERCISE.")
    return 0 if figures.good else 1


def play(desk: Desk, stage: Stage, *, kill: bool, started: float) -> Figures:
    """The storm, then its proof. The figures are taken when the message has been sent, before it is corrected."""
    night = scenario.named("storm")
    taken: list[Figures] = []

    def after(step: Step, story: Story) -> None:
        if step.until_sent and not taken:
            seen = found(desk, stage, story)
            taken.append(_figures(seen, time.monotonic() - started))
            show(seen.rows, _released(seen))

    prepare(desk, aloud)
    with running(stage):
        story = played(desk, stage, night if kill else night.without_kills(), after=after)
        run = exercising.run_named(desk, story.run)
        print(f"\n{told(document(run, exercising.runs(desk)))}")
        prove(stage, story.incident)
    return taken[0]


def prove(stage: Stage, incident: str) -> None:
    """The record: verified here, reviewed, and handed over in a pack that verifies itself without the product."""
    held = stage.act(None, "ledger", "verify")
    print(f"  {held['entries']} entries hold, {held['anchored']} of them against a head kept outside the database")
    review, pack = (stage.deployment.parent / name for name in ("review.html", "evidence.zip"))
    stage.act("reviewer-1", "review", incident, "--html", str(review))
    stage.act("reviewer-1", "evidence", "export", incident, "--to", str(pack))
    with zipfile.ZipFile(pack) as opened:
        verifier = Path(opened.extract("verify.py", pack.parent))
    heads = next((stage.deployment / "checkpoints").iterdir())
    print(f"\n$ python -I {verifier.name} {pack.name} --checkpoint {heads.name}")
    command = [sys.executable, "-I", str(verifier), str(pack), "--checkpoint", str(heads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    if done.returncode:
        raise ExerciseFailed(f"the evidence pack does not verify:\n{done.stdout}{done.stderr}")
    print("".join(f"  {line}\n" for line in done.stdout.strip().splitlines()))
    print(f"The review of this exercise: {review}; its evidence: {pack}")


@contextmanager
def closing_desk(stage: Stage) -> Iterator[Desk]:
    """The desk of the demo's own deployment."""
    desk = open_desk(stage.deployment)
    try:
        yield desk
    finally:
        desk.store.close()


def _figures(seen: Found, seconds: float) -> Figures:
    sends = [moment(one) for one in seen.far["requests"] if one["route"] == "publish"]
    held = Counter(str(row["reason"]) for row in seen.rows if row["state"] == "held")
    return Figures(
        deliveries=seen.tally.deliveries,
        by_state=dict(seen.tally.by_state),
        attempts=seen.tally.attempts,
        provider_requests=len(sends),
        lost=seen.tally.lost,
        doubled=seen.tally.doubled,
        held=dict(held),
        refused_before_clearance=sum(one.kind == "release.refused" for one in seen.entries),
        release_to_first_request_ms=round((min(sends) - _released(seen)).total_seconds() * 1_000, 1),
        seconds=round(seconds, 1),
    )


def _released(seen: Found) -> datetime:
    return next(one.at for one in seen.entries if one.kind == "plan.released")


if __name__ == "__main__":
    raise SystemExit(main())

"""An officer's key is replaced while a plan waits to be sent: from then on it counts for nothing (promise 24)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e.attacker import attacker_on, nothing_leaves, refused
from tests.e2e.deployment import Deployment
from tests.servers import until

pytestmark = pytest.mark.system


def replaced(site: Deployment, person: str, folder: Path) -> None:
    """Give a person a new key: proposed, signed by two owners with OpenSSH, installed. Three commands, no network."""
    key = folder / "new"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    site.told("roster", "rotate", str(folder / "change"), "--new", f"{person}={key}.pub")
    for owner in ("owner-1", "owner-2"):
        theirs = site.folder / "keys" / "exercise" / owner
        signing = ["ssh-keygen", "-Y", "sign", "-n", "dispatcher-live-v1", "-f", theirs]
        subprocess.run([*signing, folder / "change" / f"{owner}.statement"], check=True, capture_output=True)
    site.told("roster", "install", str(folder / "change"))


def test_a_key_that_is_replaced_stops_what_it_cleared(exercise: Deployment, tmp_path: Path) -> None:
    """The director's approval and release fall with the key: the sender refuses what had been released (G03, G08)."""
    plan = exercise.cleared("x-city")
    with attacker_on(exercise) as hand, nothing_leaves(exercise):
        hand.holds_back(plan)
        exercise.release(plan)
        before = exercise.report()
        assert before is not None
        replaced(exercise, "director-1", tmp_path)

        def started_again() -> bool:
            now = exercise.report()
            return now is not None and all(now.roles[role] != pid for role, pid in before.roles.items())

        until(started_again, "every role went by the new roster", 60)
        hand.lets_go(plan)
        assert {"G03", "G08"} <= refused(exercise, plan)

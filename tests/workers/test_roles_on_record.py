"""A role's process says in the ledger when it starts, what it goes by, and when it stops."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

from dispatcher.service import ledger
from dispatcher.service.ledger import LedgerLine
from dispatcher.store import workers
from tests.office import Office, office_at
from tests.servers import until

PROGRAM = "from dispatcher.cli.main import run; run()"
ROLES = ("relay", "accounts", "console", "exporter")
SERVING = {"console": "console.url", "exporter": "metrics.url"}
"""The roles that listen, and the file under ``run`` that says where."""


def said(office: Office, role: str) -> list[LedgerLine]:
    """What a role's processes said of themselves."""
    return [line for line in office.ledger("role.") if line.facts["role"] == role]


def registered(office: Office) -> set[str]:
    """The roles in the registry of processes."""
    with office.desk.store.read() as work:
        return {row.role for row in workers.rows(work)}


def test_a_process_is_on_record_from_its_start_to_its_stop(tmp_path: Path) -> None:
    """The last entry of its chain is that it stops; what it goes by was known, and is not recorded again."""
    with office_at(tmp_path / "deployment") as office:
        environment = {**os.environ, "DISPATCHER_DEPLOYMENT": str(tmp_path / "deployment")}
        command = [sys.executable, "-c", PROGRAM, "worker", "--mode", "exercise"]
        running = [
            subprocess.Popen([*command, role], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for role in ROLES
        ]
        try:
            for role in ROLES:
                until(partial(said, office, role), f"{role} has started", 30)
            until(lambda: registered(office) == set(ROLES), "each says that it is alive", 30)
            for name in SERVING.values():
                until((tmp_path / "deployment" / "run" / name).exists, f"{name} says where it listens")
        finally:
            for process in running:
                process.send_signal(signal.SIGTERM)
        assert [process.wait(timeout=20) for process in running] == [0] * len(ROLES)
        assert not any((tmp_path / "deployment" / "run" / name).exists() for name in SERVING.values())
        assert registered(office) == set()
        for role in ROLES:
            started, stopped = said(office, role)
            assert [started.kind, stopped.kind] == ["role.started", "role.stopped"]
            assert started.facts == stopped.facts
            chain = [line.sequence for line in ledger.tail(office.desk, 1_000) if line.writer == started.writer]
            assert stopped.sequence == max(chain)
        assert len(office.ledger("roster.installed")) == 1

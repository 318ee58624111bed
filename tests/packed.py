"""The evidence pack of an exercise that was really recorded, and a look into it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import insert

from dispatcher.domain.errors import GateClosed
from dispatcher.domain.statement import Mode
from dispatcher.gate.stops import HaltScope
from dispatcher.service import evidence, stopping
from dispatcher.service.packing import Exported, export
from dispatcher.service.releasing import release
from dispatcher.statements.signing import KeyFileSigner
from dispatcher.store import records
from dispatcher.store.tables import ATTEMPTS
from ops import evidence as verifiers
from ops.evidence import verify
from tests.office import Office
from workers.sequencer import Sequencer


def sequence(office: Office) -> None:
    """What the relay does: put the entries in order and sign the head."""
    settings = office.desk.settings
    signer = KeyFileSigner(settings.path("keys", "status"))
    Sequencer("tests", office.desk.store, settings, signer, office.desk.trust).tick()


def exercise(office: Office) -> str:
    """An incident with a refused release, a released plan and an attempt; gives its id."""
    office.account("webhook")
    office.plan(title="Another")
    sequence(office)
    plan = office.plan()
    with pytest.raises(GateClosed):
        release(office.desk, plan, office.pen("director-1"))
    stopping.halt(office.desk, HaltScope.ALL, "", office.pen("ops-1"), Mode.EXERCISE, "=cmd")
    stopping.halt(office.desk, HaltScope.ALL, "", office.pen("ops-1"), Mode.LIVE)
    office.account("tiktok")
    scope = {"channel": "tiktok", "account": "tiktok-1", "need": "nothing else reaches them"}
    evidence.exempt(office.desk, office.pen("security-1"), Mode.EXERCISE, **scope)
    tried = {"delivery": office.delivery(plan), "number": 1, "fence": 1, "owner": "w", "reason": "=1+1"}
    with office.desk.store.write() as work:
        work.execute(insert(ATTEMPTS), [{**tried, "intended_at": office.clock.now}])
    sequence(office)
    with office.desk.store.read() as work:
        return records.plan(work, plan).plan.incident


def exported(office: Office, target: Path, incident: str) -> Exported:
    """The pack of an incident, as the command line makes it."""
    return export(office.desk, incident, target, verifiers.files(), "reviewer-1")


def checked(pack: Path) -> verify.Check:
    """What the verifier finds."""
    return verify.Check(verify.Pack(pack.read_bytes()), [])


def members(pack: Path) -> dict[str, bytes]:
    """A pack's files."""
    with zipfile.ZipFile(pack) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def entries(pack: Path) -> list[dict[str, str]]:
    """The entries of a pack, as they were recorded; none where the text is held back."""
    lines = map(json.loads, members(pack)["ledger.jsonl"].splitlines())
    return [json.loads(one.get("entry", "{}")) for one in lines]

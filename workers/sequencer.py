"""The sequencer: puts the ledger's entries in one order and signs the head, at most a second after they were written.

Every relay has one, and one of them leads, whatever their modes: there is one ledger. A relay whose term was taken
signs nothing. What it signed is copied out of the database at once; where the copies know a head that the database
does not, the database was rolled back, and nothing is signed until a person has said so (`dispatcher recover`).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.merkle import Frontier
from dispatcher.gate.policy import Policies
from dispatcher.ledger import copies
from dispatcher.ledger.notes import Checkpoint, origin_of, read_note, seal
from dispatcher.service.heads import signed_head
from dispatcher.settings import Settings
from dispatcher.statements.keys import point_of
from dispatcher.statements.signing import KeyFileSigner
from dispatcher.statements.trust import Trust
from dispatcher.store import checkpoints, leading
from dispatcher.store.alive import SEQUENCER
from dispatcher.store.checkpoints import StoredCheckpoint
from dispatcher.store.database import Store, Work
from workers.pausing import rounds

BEAT_S = 5.0
LEADS_FOR = timedelta(seconds=2)
"""After a leader fell silent the next one takes over within this."""


class Sequencer:
    """See the module. ``signer`` holds the private half of the trust root's status key.

    Notes in the copies that no key of the trust root signed are passed over: whoever can write there could end the
    record with one.
    """

    def __init__(
        self, owner: str, store: Store, settings: Settings, signer: KeyFileSigner, trust: Trust[Policies]
    ) -> None:
        self._owner = owner
        self._store = store
        self._settings = settings
        self._signer = signer
        self._point = point_of(trust.root.status_key.blob)
        self._signed = partial(signed_head, trust)
        self._behind = True
        self._told = ""
        self._led_s = 0.0
        self._log = structlog.get_logger("sequencer")

    async def run(self, stopping: asyncio.Event) -> None:
        """Take entries in until ``stopping``."""
        await rounds(stopping, self._round, self._settings.timing.checkpoint_ms, self._log.error)

    async def finish(self) -> None:
        """Take in the last that this process wrote, if the database lets it."""
        with contextlib.suppress(DispatcherError):
            await self._round()

    async def _round(self) -> None:
        try:
            await asyncio.to_thread(self.tick)
        except DispatcherError:
            raise
        except Exception as error:  # noqa: BLE001 - sending does not end because the record stands still: that rings
            self._log.error("sequencer_failed", error=type(error).__name__, reason=str(error))

    def tick(self) -> int:
        """Take in what is waiting, as far as one turn goes; returns how many entries that were."""
        with self._store.read() as work:
            waiting = checkpoints.waiting(work, checkpoints.newest(work))
        if not waiting:
            self._rest()
            return 0
        with self._store.write() as work:
            if not self._leads(work):
                return 0
            taken = self._take(work, checkpoints.newest(work))
        self._copy()
        return taken

    def _rest(self) -> None:
        """Catch up with copies, and say now and then that it is alive: whoever watches goes by the leader's term."""
        if self._behind:
            self._copy()
        if time.monotonic() - self._led_s > BEAT_S:
            with self._store.write() as work:
                self._leads(work)

    def _leads(self, work: Work) -> bool:
        """Whether this one leads, over a database that is not of the past."""
        self._led_s = time.monotonic()
        return not self._rolled_back(work) and leading.lead(work, SEQUENCER, self._owner, LEADS_FOR) is not None

    def _take(self, work: Work, before: StoredCheckpoint | None) -> int:
        fresh = checkpoints.fresh(work, before)
        if not fresh.leaves:
            return 0
        frontier = before.frontier if before else Frontier()
        known = frontier.size
        frontier.extend(fresh.leaves)
        head = Checkpoint(origin_of(self._settings.deployment), frontier.size, frontier.root, work.now)
        checkpoints.add(work, frontier, fresh, seal(head, self._point, self._signer.sign_plain))
        return frontier.size - known

    def _rolled_back(self, work: Work) -> bool:
        """Whether a copy has a head that the database does not know, and nobody has said why; or entries are gone."""
        newest = checkpoints.newest(work)
        if newest and checkpoints.cut_off(work, newest):
            return self._refuse(f"entries are gone that the checkpoint of size {newest.size} saw")
        for file in self._files():
            note = self._last_in(file)
            if note and not checkpoints.knows(work, note) and not checkpoints.restored_since(work, _made(note)):
                return self._refuse(f"{file} has size {read_note(note).checkpoint.size}")
        return False

    def _refuse(self, why: str) -> bool:
        """Log once, and not four times a second, why nothing is signed."""
        if why != self._told:
            self._told = why
            self._log.error("ledger_rolled_back", reason=why)
        return True

    def _copy(self) -> None:
        """Append what the copies lack; a folder that cannot be written gets it with a later turn."""
        self._behind = False
        with self._store.read() as work:
            newest = checkpoints.newest(work)
            if newest is None:
                return
            for file in self._files():
                try:
                    copies.append(file, self._lacking(work, newest, copies.last(file, self._signed)))
                except OSError as error:
                    self._behind = True
                    self._log.error("checkpoint_not_copied", reason=f"{file}: {error.strerror}")

    def _lacking(self, work: Work, newest: StoredCheckpoint, last: str | None) -> list[str]:
        """The notes above the last one that a copy has; the newest alone where that is of a past that is gone."""
        above = read_note(last).checkpoint.size if last else 0
        if last and not checkpoints.knows(work, last):
            above = newest.size - 1
        return [note for _, note in checkpoints.notes(work, above)]

    def _last_in(self, file: Path) -> str | None:
        try:
            return copies.last(file, self._signed)
        except OSError as error:
            self._log.error("checkpoint_not_copied", reason=f"{file}: {error.strerror}")
            return None

    def _files(self) -> list[Path]:
        deployment, places = self._settings.deployment, self._settings.checkpoints
        return [copies.file_in(self._settings.path(place), deployment) for place in places]


def _made(note: str) -> datetime:
    return read_note(note).checkpoint.at

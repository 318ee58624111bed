"""The relay: rings what was not heard, finds what got lost, and signs what is stopped. One leads per mode.

Every tick is one transaction that first renews the leader's term; a relay whose term was taken does nothing in it.
What a status of this mode ever listed, as far as this process has seen, stays listed, whatever SQL has lost since;
therefore only authentic statements are listed, or a row written by hand would stop everything for good.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from channels.contract import Clock
from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.people import PublicKey
from dispatcher.domain.statement import Mode
from dispatcher.gate.stops import stops_something
from dispatcher.sending.status import StatusRefused, read_status, sign_status
from dispatcher.settings import Settings
from dispatcher.statements.signing import Signer
from dispatcher.statements.verify import Verifier
from dispatcher.store import leading, recipients, records, spends, statements, sweep, ways_back
from dispatcher.store.database import Store, Work
from workers.doorbell import Ring
from workers.pausing import rounds

PURGE_EVERY = timedelta(hours=1)
"""How often the relay looks for recipient lists whose time is up: they are kept for days."""


class Relay:
    """See the module. ``status_key`` is the trust root's; ``signer`` holds its private half.

    ``verifier`` is of this mode.
    """

    def __init__(
        self,
        mode: Mode,
        owner: str,
        store: Store,
        settings: Settings,
        clock: Clock,
        signer: Signer,
        status_key: PublicKey,
        verifier: Verifier,
        ring: Ring,
    ) -> None:
        self._mode = mode
        self._owner = owner
        self._store = store
        self._settings = settings
        self._clock = clock
        self._signer = signer
        self._status_key = status_key
        self._verifier = verifier
        self._ring = ring
        self._status_at: datetime | None = None
        self._purge_at: datetime | None = None
        self._listed: set[str] = set()
        self._log = structlog.get_logger("relay")

    async def run(self, stopping: asyncio.Event) -> None:
        """Tick until ``stopping``."""
        await rounds(stopping, self._round, self._settings.timing.sweep_ms, self._log.error)
        await asyncio.to_thread(self._resign)

    async def _round(self) -> None:
        bells = await asyncio.to_thread(self.tick)
        await asyncio.to_thread(self._ring_all, bells)

    def tick(self) -> list[tuple[int, str, str, str, str]]:
        """One round of leading; returns the bells to ring."""
        timing = self._settings.timing
        with self._store.write() as work:
            if not self._leads(work):
                return []
            self._sweep(work)
            self._sign(work)
            return sweep.doorbells(work, timing.lasting("ring_again"))

    def _leads(self, work: Work) -> bool:
        lasting = max(self._settings.timing.lasting("status") * 2, timedelta(seconds=2))
        return leading.lead(work, f"relay-{self._mode}", self._owner, lasting) is not None

    def _sweep(self, work: Work) -> None:
        counts = {
            "lost_leases": sweep.lost_leases(work),
            "lost_sends": sweep.lost_sends(work, self._settings.timing.lasting("quiet")),
            "over_time": sweep.over_time(work),
            "settled_plans": sweep.settled_plans(work),
            "freed_spends": spends.free(work),
            "ways_back": ways_back.follow(work, str(self._mode)),
            "purged_rows": self._purge(work),
        }
        if self._status_at is not None:
            counts["stale_ended"] = sweep.stale_ended(work, str(self._mode))
        for kind, count in counts.items():
            if count:
                self._log.info("swept", kind=kind, count=count)

    def _purge(self, work: Work) -> int:
        """Purge recipient lists whose time is up, as far as one turn goes."""
        now = self._clock()
        if self._purge_at is None or now >= self._purge_at:
            self._purge_at = now + PURGE_EVERY
            recipients.purge_due(work, self._mode, self._settings.keep_lists)
        return recipients.delete_rows(work)

    def _sign(self, work: Work) -> None:
        now = self._clock()
        due = self._settings.timing.lasting("status")
        if self._status_at is not None and timedelta(0) <= now - self._status_at < due:  # a clock may be set back
            return
        self._listed |= self._listed_before(work)
        verified, _ = self._verifier.verify_all(statements.stop_envelopes(work, str(self._mode)), now)
        self._listed.update(v.statement.id for v in verified if stops_something(v.statement))
        status = sign_status(self._settings.deployment, self._mode, now, self._listed, self._signer)
        records.put_status(work, str(self._mode), status)
        self._status_at = now

    def _listed_before(self, work: Work) -> set[str]:
        try:
            envelope = records.status(work, str(self._mode))
            if envelope is None:
                return set()
            before = read_status(envelope, self._status_key, self._settings.deployment, self._mode)
        except StatusRefused as refusal:
            self._log.error("status_refused", reason=str(refusal))
            return set()
        return set(before.stops)

    def _ring_all(self, bells: list[tuple[int, str, str, str, str]]) -> None:
        rung = []
        for id_, *bell in bells:
            try:
                self._ring(*bell)
            except DispatcherError as error:
                self._log.warning("redis_unreachable", reason=error.message)
                break
            rung.append(id_)
        if rung:
            with self._store.write() as work:
                if self._leads(work):
                    sweep.rung(work, rung)

    def _resign(self) -> None:
        try:
            with self._store.write() as work:
                leading.resign(work, f"relay-{self._mode}", self._owner)
        except DispatcherError as error:
            self._log.warning("store_unreachable", reason=error.message)

"""A Dramatiq worker that hears one lane's bell, in this process.

``dramatiq.Worker`` runs here as threads rather than under Dramatiq's command line, so that a role is one process:
there is no parent whose death leaves it consuming, and no sibling that dies with it (ADR 0003).
"""

from __future__ import annotations

from collections.abc import Callable

import dramatiq

from workers.broker import WAIT_S, declare, open_broker, queue_name


def listen(url: str, lane: str, mode: str, hear: Callable[[str], None]) -> dramatiq.Worker:
    """Start listening; ``hear(dispatch)`` is called from a worker thread. Stop it with ``.stop(timeout_ms)``."""
    broker = open_broker(url)
    declare(broker, lane, mode, hear)
    waits_ms = round(WAIT_S * 1000)
    worker = dramatiq.Worker(broker, queues={queue_name(lane, mode)}, worker_threads=1, worker_timeout=waits_ms)
    worker.start()
    return worker

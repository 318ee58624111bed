"""One look at the deployment, as samples: what the console shows, in numbers."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from dispatcher.service.operating.values import ChannelNow, Overview
from ops.metrics.pages import Page

LIVE, SILENT = "live", "silent"
WAITING = ("ready", "leased", "sending", "held", "in_doubt")
"""States in which a window's end takes something away."""


def put(page: Page, seen: Overview) -> None:
    """Put what was seen."""
    _incidents(page, seen)
    _lanes(page, seen)
    _workers(page, seen)
    _probes(page, seen)
    for (mode, scope), count in Counter((halt.mode, halt.scope) for halt in seen.halts).items():
        page.put("halts", count, mode=mode, scope=scope)
    for matter in seen.attention:
        page.add("attention", matter.count, kind=matter.kind, mode=matter.mode)
    page.put("ledger_entries", seen.ledger_size)
    page.put("ledger_checkpoint_timestamp_seconds", seen.checkpoint_at)
    page.put("ledger_waiting_since_timestamp_seconds", seen.ledger_waiting_since)


def _incidents(page: Page, seen: Overview) -> None:
    for incident in seen.incidents:
        page.add("incidents", mode=incident.mode, state=incident.state)
        for channel in incident.channels:
            about = {"channel": channel.channel, "mode": incident.mode}
            page.first("unreached_since_timestamp_seconds", channel.unreached_since, **about)
            page.first("gate_clear_until_timestamp_seconds", _ends(channel), **about)
            for state, count in channel.counts.items():
                page.add("channel_deliveries", count, **about, state=state)


def _ends(channel: ChannelNow) -> datetime | None:
    """When the window ends, while it matters."""
    return channel.clear_until if any(channel.counts.get(state) for state in WAITING) else None


def _lanes(page: Page, seen: Overview) -> None:
    for lane in seen.lanes:
        about = {"lane": lane.lane, "mode": lane.mode}
        for state in ("waiting", "delayed", "in_flight", "in_doubt", "held"):
            page.put("queue_deliveries", getattr(lane, state), **about, state=state)
        page.put("queue_oldest_due_timestamp_seconds", lane.oldest_due_at, **about)
        page.put("queue_last_done_timestamp_seconds", lane.last_done_at, **about)
        page.put("queue_live_workers", lane.live, **about)


def _workers(page: Page, seen: Overview) -> None:
    newest: dict[tuple[str, str], datetime] = {}
    for worker in seen.workers:
        about = {"mode": worker.mode, "role": worker.role}
        for state in (LIVE, SILENT):
            page.add("workers", (state == LIVE) == worker.live, **about, state=state)
        page.add("worker_in_flight_deliveries", worker.in_flight if worker.live else 0, **about)
        if worker.live and worker.doing:
            page.first("worker_busy_since_timestamp_seconds", worker.doing_since, **about)
        at = (worker.mode, worker.role)
        newest[at] = max(worker.seen_at, newest.get(at, worker.seen_at))
    for (mode, role), seen_at in newest.items():
        page.put("worker_heartbeat_timestamp_seconds", seen_at, mode=mode, role=role)


def _probes(page: Page, seen: Overview) -> None:
    for probe in seen.probes:
        about = {"account": probe.account, "channel": probe.channel, "mode": probe.mode}
        page.put("credential_expires_timestamp_seconds", probe.expires_at, **about)
        if probe.mode == "live" or probe.probed_at is not None:  # an exercise account is probed when somebody asks
            page.put("probe_timestamp_seconds", probe.probed_at or 0, **about)
            page.put("probe_stale", probe.stale, **about)
        if probe.ok is not None:
            page.put("probe_success", probe.ok, **about)

"""Every metric there is: its name, kind, labels and what it says. The exporter adds to no other name.

Rules (reference: ux 6)
  1. Prefix, base units, ``_total``, ``_info``, ``_timestamp_seconds``; times and never ages, so that whoever asks
     computes ``time() - x`` and a scrape that is late says nothing false.
  2. Few label values: modes, lanes, channels, states, roles; accounts where each has a probe. Never an incident, a
     plan or a person.
  3. Counters begin at zero with the exporter, as Prometheus expects of a process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How Prometheus is to read it."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, by the name that is scraped; a histogram's is without ``_bucket``."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    says: str


def _metric(kind: Kind, name: str, labels: str, says: str) -> Metric:
    return Metric(f"dispatcher_{name}", kind, tuple(labels.split()), says)


def _gauge(name: str, labels: str, says: str) -> Metric:
    return _metric(Kind.GAUGE, name, labels, says)


def _counter(name: str, labels: str, says: str) -> Metric:
    return _metric(Kind.COUNTER, name, labels, says)


_REACH = (
    _gauge(
        "unreached_since_timestamp_seconds",
        "channel mode",
        "When the approval was complete (or the plan released) of what has waited longest and is not public yet.",
    ),
    _gauge("incidents", "mode state", "Incidents that are not closed."),
    _gauge("channel_deliveries", "channel mode state", "Deliveries of the plans of those incidents, by state."),
    _gauge(
        "gate_clear_until_timestamp_seconds",
        "channel mode",
        "When the first window ends of those in which something still waits.",
    ),
    _gauge("halts", "mode scope", "Halts in force."),
    _gauge("posts_not_as_approved", "channel mode seen", "Posts that the public sees missing or altered."),
    _gauge("foreign_posts", "channel mode", "Posts of the last day that stand on our accounts and are not ours."),
)
_QUEUE = (
    _gauge("queue_deliveries", "lane mode state", "Deliveries of released plans: waiting, delayed, in_flight, …"),
    _gauge("queue_oldest_due_timestamp_seconds", "lane mode", "When what waits longest was due."),
    _gauge("queue_live_workers", "lane mode", "Processes of the lane that were heard of lately."),
    _gauge("queue_last_done_timestamp_seconds", "lane mode", "When the lane last brought a delivery to an end."),
    _gauge("held_deliveries", "channel mode reason", "Held deliveries by reason; 10,000 a lane are counted at most."),
    _gauge("doorbell_messages", "lane mode", "Rings that wait in Redis."),
    _gauge("doorbell_dead_letters", "lane mode", "Messages there that nobody could read; kept for seven days."),
)
_FLOW = (
    _counter("deliveries_total", "channel mode outcome", "Deliveries that came to an outcome or a stop."),
    _counter("attempts_total", "channel mode verdict", "Attempts that ended, by what the platform said."),
    _metric(
        Kind.HISTOGRAM,
        "delivery_seconds",
        "channel mode stage",
        "From approval, and from release, to accepted; and how long platforms took for account posts.",
    ),
    _counter("refusals_total", "at mode clause", "Clauses of the gate that said no, and where."),
    _counter("notices_total", "outcome", "Notices to people, sent or failed."),
    _counter(
        "mode_leaks_total", "account_mode mode", "Moves of a delivery of one mode over an account of the other."
    ),
)
_PROCESSES = (
    _gauge("workers", "mode role state", "Processes that have not stopped in good order: live or silent."),
    _gauge("worker_heartbeat_timestamp_seconds", "mode role", "When any process of the role was last heard of."),
    _gauge("worker_busy_since_timestamp_seconds", "mode role", "Since when the longest chunk is being worked on."),
    _gauge("worker_in_flight_deliveries", "mode role", "Deliveries in the hands of the role's processes."),
)
_ACCOUNTS = (
    _gauge("mode_leak", "mode", "Accounts whose settings point to the other mode's far side."),
    _gauge("probe_success", "account channel mode", "Whether the account's last probe went well."),
    _gauge("probe_timestamp_seconds", "account channel mode", "When that was; 0 before the first."),
    _gauge(
        "probe_stale",
        "account channel mode",
        "Whether that is too long ago, by its schedule.",
    ),
    _gauge("credential_expires_timestamp_seconds", "account channel mode", "When the account's credential ends."),
    _gauge("rate_paused_until_timestamp_seconds", "account mode", "Until when its breaker leaves an account alone."),
)
_RECORD = (
    _gauge("ledger_entries", "", "Entries under the last signed head."),
    _gauge("ledger_checkpoint_timestamp_seconds", "", "When that head was signed."),
    _gauge("ledger_waiting_since_timestamp_seconds", "", "The oldest entry that no head holds, where there is one."),
    _gauge("plans_missing_deliveries", "mode", "Plans that have fewer deliveries in the table than were signed."),
    _gauge("attention", "kind mode", "What wants a person, as the console lists it."),
)
_HOST = (
    _gauge("redis_aof_enabled", "", "Whether Redis keeps an append-only file."),
    _gauge("redis_aof_write_ok", "", "Whether its last write to it went well."),
    _gauge("redis_noeviction", "", "Whether Redis never throws keys away for want of memory."),
    _gauge("redis_memory_used_bytes", "", "What Redis uses."),
    _gauge("redis_memory_limit_bytes", "", "What it may use; 0 where it has no limit."),
    _gauge("clock_offset_seconds", "", "How far the database's clock is ahead of this host's."),
    _gauge("disk_free_bytes", "folder", "Room left where the folder lies."),
    _gauge("disk_size_bytes", "folder", "Size of that file system."),
)
_SELF = (
    _gauge("up", "part", "Whether a part answers: database, redis, host, and console where there is one."),
    _metric(Kind.INFO, "build", "kind python version", "What runs here."),
    _gauge("exporter_look_timestamp_seconds", "part", "When the exporter last read a part with success."),
    _gauge("exporter_look_duration_seconds", "part", "How long that took."),
)

METRICS: Mapping[str, Metric] = {
    metric.name: metric for metric in (*_REACH, *_QUEUE, *_FLOW, *_PROCESSES, *_ACCOUNTS, *_RECORD, *_HOST, *_SELF)
}

BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)


def scraped(metric: Metric) -> tuple[str, ...]:
    """The names that a metric has in PromQL."""
    match metric.kind:
        case Kind.HISTOGRAM:
            return tuple(f"{metric.name}_{end}" for end in ("bucket", "count", "sum"))
        case Kind.INFO:
            return (f"{metric.name}_info",)
        case _:
            return (metric.name,)

"""What becomes of a delivery: from an outcome, a refusal or a finding to the one move it means. Pure.

Rules
  1. A retry is a row with a later ``due_at``: the platform's own wish first, else full jitter, growing and capped.
  2. Tries are capped in number and by the plan's end. Waiting for a halt, a permit or an account's pause is no try.
  3. In doubt is left alone for the quiet period; then a young idempotent key may repeat (young still when it is
     sent), a queryable channel is looked at twice a lag apart, and everything else waits for people.
  4. What a platform says is cut and cleaned before it is kept: its bytes must not be able to stop the record.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_random_exponential

from channels import registry
from channels.capabilities import Idempotency, IdempotencyKind
from channels.contract import Finding, Found, Outcome, Verdict
from dispatcher.domain.plan import OnAmbiguous
from dispatcher.gate.evidence import Then
from dispatcher.settings import Settings, Timing
from dispatcher.store.leasing import Leased
from dispatcher.store.queue import Move

NOT_A_TRY = re.compile(r"permit|paused|unreachable|lease|stopping|G(0[1-9]|1[0-8])")
"""Our own codes, which come without an HTTP status, for calls that were not made."""

REASONS = 400
"""Characters of a platform's word that are kept."""

LONGEST_WAIT_S = 30 * 86_400.0
_UNKEEPABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Rules:
    """The figures that moves are made by. ``wait_s(failures)`` is a random wait in seconds."""

    timing: Timing
    wait_s: Callable[[int], float]


def rules_for(timing: Timing) -> Rules:
    """Rules with tenacity's full-jitter exponential wait."""
    wait = wait_random_exponential(multiplier=timing.retry_ms / 1000, max=timing.retry_most_ms / 1000)

    def wait_s(failures: int) -> float:
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = max(1, failures)
        return wait(state)

    return Rules(timing, wait_s)


def after_send(leased: Leased, outcome: Outcome, now: datetime, rules: Rules) -> Move:
    """The move out of sending."""
    outcome = keepable(outcome)
    facts = {
        "attempt": leased.attempts + 1,
        "verdict": str(outcome.verdict),
        "code": outcome.code,
        "status": outcome.status,
        "reference": outcome.reference,
    }
    attempt = _attempt(outcome)
    reason = outcome.reason
    match outcome.verdict:
        case Verdict.ACCEPTED:
            return Move(
                leased,
                "sending",
                "accepted",
                reason,
                reference=outcome.reference,
                url=outcome.url,
                attempt=attempt,
                facts=facts,
            )
        case Verdict.REJECTED:
            return Move(leased, "sending", "rejected", reason, attempt=attempt, facts=facts)
        case Verdict.HANDED_OVER:
            return Move(
                leased, "sending", "handed_over", reason, reference=outcome.reference, attempt=attempt, facts=facts
            )
        case Verdict.IN_DOUBT:
            quiet = rules.timing.lasting("quiet")
            return Move(
                leased,
                "sending",
                "in_doubt",
                reason,
                due_at=now + quiet,
                looked=0,
                absent=0,
                attempt=attempt,
                facts=facts,
            )
        case Verdict.DEFERRED:
            return _deferred(leased, outcome, now, rules, attempt, facts)


def before_permit(leased: Leased, idempotency: Idempotency, now: datetime) -> Move | None:
    """The move out of leased of a repeat whose key grew old while it waited; None for everything else.

    A delivery in doubt that went on because a repeat was harmless then says so: it was ``looked`` at.
    """
    keyed = idempotency.kind is IdempotencyKind.IDEMPOTENT and leased.looked > 0
    return Move(leased, "leased", "held", "ambiguous") if keyed and not _young(leased, idempotency, now) else None


def after_refusal(leased: Leased, then: Then, sentence: str, now: datetime, rules: Rules) -> Move:
    """The move out of leased when the gate said no."""
    reason = plain(sentence)
    soon = now + rules.timing.lasting("sweep")
    match then:
        case Then.CANCEL:
            return Move(leased, "leased", "cancelled", reason)
        case Then.EXPIRE:
            return Move(leased, "leased", "expired", reason)
        case Then.HOLD:
            return Move(leased, "leased", "held", "refused")
        case Then.HOLD_STALE:
            return Move(leased, "leased", "held", "stale_status")
        case Then.WAIT:
            return Move(leased, "leased", "ready", reason, due_at=soon, again=leased.reason == reason)


def returned(leased: Leased, reason: str, due_at: datetime) -> Move:
    """The move out of leased when the worker itself cannot go on."""
    return Move(leased, "leased", "ready", reason, due_at=due_at)


def after_look(
    leased: Leased,
    finding: Finding,
    idempotency: Idempotency,
    on_ambiguous: OnAmbiguous,
    now: datetime,
    rules: Rules,
) -> Move:
    """The move out of in doubt."""
    lag = timedelta(seconds=idempotency.lag_s)
    if finding.found is Found.FOUND:
        reference = _plain_or_none(finding.reference)
        facts: dict[str, Any] = {"found": "found", "reference": reference}
        return Move(
            leased,
            "in_doubt",
            "accepted",
            "found on the channel" if idempotency.kind is IdempotencyKind.QUERY else "found in the sender's record",
            reference=reference,
            url=_plain_or_none(finding.url),
            facts=facts,
        )
    if idempotency.kind is IdempotencyKind.IDEMPOTENT and _young(leased, idempotency, now):
        return Move(leased, "in_doubt", "ready", "a repeat is harmless on this channel", due_at=now, looked=1)
    if idempotency.kind is IdempotencyKind.QUERY:
        return _looked(leased, finding, lag, now, rules)
    if on_ambiguous is OnAmbiguous.RESEND and leased.attempts <= 1:
        return Move(leased, "in_doubt", "ready", "the signed plan says resend", due_at=now)
    return Move(leased, "in_doubt", "held", "ambiguous")


def _looked(leased: Leased, finding: Finding, lag: timedelta, now: datetime, rules: Rules) -> Move:
    absent = leased.absent + (finding.found is Found.ABSENT)
    looked = leased.looked + 1
    facts: dict[str, Any] = {"found": str(finding.found), "looked": looked, "absent": absent}
    failures = leased.failures + 1
    if absent > 1 and failures < rules.timing.tries:
        return Move(
            leased,
            "in_doubt",
            "ready",
            "absent twice",
            due_at=now,
            looked=0,
            absent=0,
            failures=failures,
            facts=facts,
        )
    if absent > 1 or looked >= rules.timing.looks:
        return Move(leased, "in_doubt", "held", "ambiguous", facts=facts)
    due = now + max(lag * 1.1, rules.timing.lasting("look_again"))
    reason = plain(finding.reason) or "looked for, not found yet"
    return Move(leased, "in_doubt", "in_doubt", reason, due_at=due, looked=looked, absent=absent, facts=facts)


def later(leased: Leased, reason: str, due_at: datetime) -> Move:
    """Still in doubt, when nobody could look: this counts as no look."""
    return Move(leased, "in_doubt", "in_doubt", reason, due_at=due_at, looked=leased.looked, absent=leased.absent)


def idempotency_of(settings: Settings, channel: str, route: str | None = None) -> Idempotency:
    """What a channel can by a route, with the deployment's own figures. Raises registry.UnknownChannelError."""
    timing = settings.channel(channel)
    capability = registry.adapter(channel, route).capabilities.idempotency
    return replace(
        capability,
        lag_s=capability.lag_s if timing.lag_ms is None else timing.lag_ms / 1000,
        ttl_s=capability.ttl_s if timing.ttl_ms is None else timing.ttl_ms / 1000,
    )


def _young(leased: Leased, idempotency: Idempotency, now: datetime) -> bool:
    first = leased.first_intent_at
    return first is not None and now - first < timedelta(seconds=idempotency.ttl_s / 2)


def _deferred(
    leased: Leased, outcome: Outcome, now: datetime, rules: Rules, attempt: dict[str, Any], facts: dict[str, Any]
) -> Move:
    reason = outcome.reason
    if outcome.status is None and NOT_A_TRY.fullmatch(outcome.code):
        due = now + timedelta(seconds=outcome.retry_after_s or 0)
        return Move(leased, "sending", "ready", reason, due_at=due, attempt=attempt, facts=facts)
    failures = leased.failures + 1
    wait_s = outcome.retry_after_s if outcome.retry_after_s is not None else rules.wait_s(failures)
    due = now + timedelta(seconds=wait_s)
    if due >= leased.expires_at:
        return Move(leased, "sending", "expired", f"{reason}; no time left", attempt=attempt, facts=facts)
    if failures >= rules.timing.tries:
        return Move(leased, "sending", "held", "exhausted", failures=failures, attempt=attempt, facts=facts)
    return Move(leased, "sending", "ready", reason, due_at=due, failures=failures, attempt=attempt, facts=facts)


def _attempt(outcome: Outcome) -> dict[str, Any]:
    return {
        "verdict": str(outcome.verdict),
        "code": outcome.code,
        "reason": outcome.reason,
        "status": outcome.status,
        "reference": outcome.reference,
        "provider_ms": None if outcome.provider_ms is None else round(outcome.provider_ms),
    }


def keepable(outcome: Outcome) -> Outcome:
    """The outcome as SQL and ledger can keep it, its wait bounded to 30 days."""
    wait_s = outcome.retry_after_s
    if wait_s is None and all(map(_is_plain, (outcome.reason, outcome.code, outcome.reference, outcome.url))):
        return outcome
    kept: dict[str, Any] = {
        "reason": plain(outcome.reason),
        "code": plain(outcome.code),
        "reference": _plain_or_none(outcome.reference),
        "url": _plain_or_none(outcome.url),
        "retry_after_s": None if wait_s is None else min(max(0.0, wait_s), LONGEST_WAIT_S),
    }
    return replace(outcome, **kept) if any(getattr(outcome, name) != kept[name] for name in kept) else outcome


def plain(text: str) -> str:
    """Text as the ledger takes it: composed, on one line, without what UTF-8 or a database cannot carry."""
    if _is_plain(text):
        return text
    return unicodedata.normalize("NFC", _UNKEEPABLE.sub(" ", text[:REASONS]))


def _is_plain(text: str | None) -> bool:
    return text is None or (text.isprintable() and text.isascii() and len(text) <= REASONS)


def _plain_or_none(text: str | None) -> str | None:
    return None if text is None else plain(text)

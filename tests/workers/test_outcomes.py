"""What becomes of a delivery: every outcome, refusal and finding as the one move it means."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from channels.capabilities import Idempotency, IdempotencyKind
from channels.contract import Finding, Found, Outcome, Verdict
from dispatcher.domain import canonical
from dispatcher.domain.lifecycle import DELIVERY
from dispatcher.domain.plan import OnAmbiguous
from dispatcher.gate.evidence import Then
from dispatcher.settings import DeploymentKind, Settings, Timing
from dispatcher.store.leasing import Leased
from dispatcher.store.queue import Move
from tests.cast import HOUR, NOW
from tests.workers.leases import SECOND, a_lease
from workers.outcomes import (
    REASONS,
    Rules,
    after_look,
    after_refusal,
    after_send,
    before_permit,
    idempotency_of,
    later,
    returned,
    rules_for,
)

TIMING = Timing(retry_ms=1_000, retry_most_ms=60_000, tries=3, quiet_ms=45_000, look_again_ms=20_000, looks=3)
RULES = Rules(TIMING, lambda failures: 7.0 * failures)
KEYED = Idempotency(IdempotencyKind.IDEMPOTENT, ttl_s=600)
QUERY = Idempotency(IdempotencyKind.QUERY, lag_s=30)
NEITHER = Idempotency(IdempotencyKind.NONE)
HOLD, RESEND = OnAmbiguous.HOLD, OnAmbiguous.RESEND
ABSENT, UNKNOWN = Finding(Found.ABSENT), Finding(Found.UNKNOWN)
SETTINGS = Settings(Path(), "example", DeploymentKind.TEST, "sqlite://")


def leased(**changes: Any) -> Leased:
    return a_lease(**{"expires_at": NOW + HOUR, "first_intent_at": NOW, **changes})


def sent(verdict: Verdict, lease: Leased | None = None, **outcome: Any) -> Move:
    return after_send(lease or leased(), Outcome(verdict, **outcome), NOW, RULES)


def looked(finding: Finding, idempotency: Idempotency, ambiguous: OnAmbiguous = HOLD, **lease: Any) -> Move:
    return after_look(leased(**lease), finding, idempotency, ambiguous, NOW, RULES)


@pytest.mark.parametrize(
    ("verdict", "target"),
    [
        (Verdict.ACCEPTED, "accepted"),
        (Verdict.REJECTED, "rejected"),
        (Verdict.HANDED_OVER, "handed_over"),
        (Verdict.IN_DOUBT, "in_doubt"),
        (Verdict.DEFERRED, "ready"),
    ],
)
def test_each_verdict_has_its_state(verdict: Verdict, target: str) -> None:
    """Every verdict moves a sending delivery to one state."""
    move = sent(verdict)
    assert (move.source, move.target) == ("sending", target)


def test_an_accepted_post_keeps_its_reference_and_link() -> None:
    """What the platform calls the post, and where it stands, are kept."""
    move = sent(Verdict.ACCEPTED, reference="42", url="https://x.example/42")
    assert (move.reference, move.url) == ("42", "https://x.example/42")


def test_doubt_is_left_alone_for_the_quiet_period() -> None:
    """Nobody looks before the quiet period has passed, and the count of looks begins anew."""
    move = sent(Verdict.IN_DOUBT)
    assert (move.due_at, move.looked, move.absent) == (NOW + 45 * SECOND, 0, 0)


def test_the_platforms_own_wish_goes_first() -> None:
    """Retry-After is followed instead of our own wait."""
    assert sent(Verdict.DEFERRED, retry_after_s=90).due_at == NOW + 90 * SECOND


def test_without_a_wish_we_wait_our_own_time() -> None:
    """Without Retry-After the wait grows with the failures before."""
    assert sent(Verdict.DEFERRED, leased(failures=1)).due_at == NOW + 14 * SECOND


@given(failures=st.integers(1, 10_000))
def test_our_own_wait_is_jittered_within_bounds(failures: int) -> None:
    """The wait lies between nothing and the doubled, capped step."""
    assert 0 <= rules_for(TIMING).wait_s(failures) <= min(60, 2.0 ** min(failures, 10))


def test_waits_differ() -> None:
    """Full jitter: a crowd that failed together does not come back together."""
    rules = rules_for(TIMING)
    assert len({rules.wait_s(6) for _ in range(20)}) > 10


def test_tries_are_counted() -> None:
    """A refusal that may be repeated is one failure more."""
    assert sent(Verdict.DEFERRED, leased(failures=1)).failures == 2


def test_used_up_tries_wait_for_people() -> None:
    """The last try that failed leaves the delivery held as exhausted."""
    move = sent(Verdict.DEFERRED, leased(failures=2))
    assert (move.target, move.reason) == ("held", "exhausted")


def test_no_time_left_is_expired() -> None:
    """A wait that ends with or after the window is not begun."""
    assert sent(Verdict.DEFERRED, leased(expires_at=NOW + 7 * SECOND)).target == "expired"


def test_the_window_ends_before_tries_do() -> None:
    """Where both are used up it is the time that has ended: a person's retry would be in vain."""
    assert sent(Verdict.DEFERRED, leased(failures=2, expires_at=NOW)).target == "expired"


@pytest.mark.parametrize("code", ["permit", "paused", "unreachable", "lease", "G03", "G04", "G15", "G16"])
def test_a_call_that_was_not_made_is_no_try(code: str) -> None:
    """Our own refusals before the first byte use up no try."""
    move = sent(Verdict.DEFERRED, leased(failures=2), code=code)
    assert (move.target, move.failures) == ("ready", None)


@pytest.mark.parametrize("code", ["GatewayTimeout", "Gone", "G99", "spent", "", "permits"])
def test_any_other_code_is_a_try(code: str) -> None:
    """A platform's word that merely begins like a clause counts, so that nothing is repeated for ever."""
    assert sent(Verdict.DEFERRED, code=code).failures == 1


def test_a_platform_cannot_speak_for_us() -> None:
    """Our own codes count as ours only where no HTTP status came with them."""
    assert sent(Verdict.DEFERRED, code="paused", status=429).failures == 1


def test_a_pause_lasts_as_long_as_it_says() -> None:
    """An account that waits comes back when its platform asked for it."""
    assert sent(Verdict.DEFERRED, code="paused", retry_after_s=3).due_at == NOW + 3 * SECOND


@pytest.mark.parametrize("wait_s", [1e300, float("inf")])
def test_a_senseless_wish_is_bounded(wait_s: float) -> None:
    """A wait beyond all calendars is cut, and expires the delivery."""
    assert sent(Verdict.DEFERRED, retry_after_s=wait_s).target == "expired"


@given(said=st.text(st.characters(codec=None)), code=st.text(st.characters(codec=None)))
@example(said="e\N{COMBINING ACUTE ACCENT}", code="\0")
def test_whatever_a_platform_says_can_be_kept(said: str, code: str) -> None:
    """Reason, code, reference and link of any outcome fit into the ledger's canonical form and hold no NUL."""
    move = sent(Verdict.ACCEPTED, reason=said, code=code, reference=said, url=said)
    kept = [move.reason, str(move.reference), str(move.url), move.facts["code"], move.facts["reference"]]
    canonical.encode(list(kept))
    assert not any("\0" in text for text in kept)


def test_a_long_reason_is_cut() -> None:
    """A page instead of an answer does not fill the record."""
    assert len(sent(Verdict.REJECTED, reason="x" * 10_000).reason) == REASONS


@pytest.mark.parametrize(
    ("then", "target", "reason"),
    [
        (Then.CANCEL, "cancelled", "G03 revoked"),
        (Then.EXPIRE, "expired", "G03 revoked"),
        (Then.HOLD, "held", "refused"),
        (Then.HOLD_STALE, "held", "stale_status"),
        (Then.WAIT, "ready", "G03 revoked"),
    ],
)
def test_each_refusal_has_its_state(then: Then, target: str, reason: str) -> None:
    """What the failed clauses say decides where a leased delivery goes."""
    move = after_refusal(leased(), then, "G03 revoked", NOW, RULES)
    assert (move.source, move.target, move.reason) == ("leased", target, reason)


def test_a_repeat_within_half_the_keys_life_is_harmless() -> None:
    """An idempotent channel sends again while its key is young."""
    assert looked(UNKNOWN, KEYED, first_intent_at=NOW - 299 * SECOND).target == "ready"


def test_an_old_key_is_not_trusted() -> None:
    """From half its life on nobody relies on the key; people decide."""
    move = looked(UNKNOWN, KEYED, first_intent_at=NOW - 300 * SECOND)
    assert (move.target, move.reason) == ("held", "ambiguous")


def test_one_absence_is_no_proof() -> None:
    """Absent once stays in doubt, and is looked at again after the lag."""
    move = looked(ABSENT, QUERY)
    assert (move.target, move.absent, move.due_at) == ("in_doubt", 1, NOW + 33 * SECOND)


def test_absent_twice_is_sent_again() -> None:
    """Two absences a lag apart prove that the post is not there."""
    assert looked(ABSENT, QUERY, looked=1, absent=1).target == "ready"


@pytest.mark.parametrize("idempotency", [KEYED, QUERY, NEITHER])
def test_found_is_accepted(idempotency: Idempotency) -> None:
    """A post that was found was accepted, under the reference it was found by."""
    move = looked(Finding(Found.FOUND, reference="42"), idempotency, looked=2, absent=1)
    assert (move.target, move.reference) == ("accepted", "42")


def test_looks_in_vain_end_with_people() -> None:
    """When the record stays unreadable, the last look holds the delivery as ambiguous."""
    states = [looked(UNKNOWN, QUERY, looked=count).target for count in range(3)]
    assert states == ["in_doubt", "in_doubt", "held"]


def test_an_unreadable_look_is_no_absence() -> None:
    """Unknown after one absence does not add up to two."""
    move = looked(UNKNOWN, QUERY, looked=1, absent=1)
    assert (move.target, move.absent) == ("in_doubt", 1)


def test_without_any_means_people_decide() -> None:
    """A channel with neither key nor record holds what is in doubt."""
    assert looked(UNKNOWN, NEITHER, attempts=1).target == "held"


def test_a_signed_resend_is_done_once() -> None:
    """Where the signed plan says resend, the first doubt is sent again and the second held."""
    assert [looked(UNKNOWN, NEITHER, RESEND, attempts=n).target for n in (1, 2)] == ["ready", "held"]


def test_nobody_could_look_is_no_look() -> None:
    """While the sender is away neither looks nor absences are used up."""
    move = later(leased(looked=2, absent=1), "nobody could look", NOW + HOUR)
    assert (move.target, move.looked, move.absent) == ("in_doubt", 2, 1)


leases = st.builds(
    leased,
    attempts=st.integers(0, 9),
    failures=st.integers(0, 9),
    looked=st.integers(0, 5),
    absent=st.integers(0, 2),
    expires_at=st.sampled_from([NOW - HOUR, NOW, NOW + HOUR]),
    first_intent_at=st.sampled_from([None, NOW - HOUR, NOW]),
)
outcomes = st.builds(
    Outcome,
    st.sampled_from(Verdict),
    code=st.sampled_from(["", "429", "paused", "permit", "G16"]),
    retry_after_s=st.sampled_from([None, 0.0, 5.0, 1e9]),
    status=st.sampled_from([None, 503]),
)
moves = st.one_of(
    st.builds(lambda lease, outcome: after_send(lease, outcome, NOW, RULES), leases, outcomes),
    st.builds(lambda lease, then: after_refusal(lease, then, "no", NOW, RULES), leases, st.sampled_from(Then)),
    st.builds(lambda lease: returned(lease, "later", NOW), leases),
    st.builds(
        lambda lease, found, kind, ambiguous: after_look(lease, found, kind, ambiguous, NOW, RULES),
        leases,
        st.sampled_from([Finding(Found.FOUND), ABSENT, UNKNOWN]),
        st.sampled_from([KEYED, QUERY, NEITHER]),
        st.sampled_from(OnAmbiguous),
    ),
)


@given(moves)
def test_every_move_is_in_the_lifecycle(move: Move) -> None:
    """No outcome, refusal or finding asks for a move that the table does not have; doubt may stay doubt."""
    stays = (move.source, move.target) == ("in_doubt", "in_doubt")
    assert stays or DELIVERY.allows(move.source, move.target)


@given(moves)
def test_what_is_tried_again_has_a_time(move: Move) -> None:
    """A delivery that a machine takes up again says when."""
    assert (move.due_at is not None) == (move.target in {"ready", "in_doubt"})


def test_a_move_back_is_due_when_it_was_asked_for() -> None:
    """What the worker gives back itself is due at the time it names."""
    assert returned(leased(), "waits", NOW + timedelta(seconds=9)).due_at == NOW + 9 * SECOND


@pytest.mark.parametrize(("before", "again"), [("halted by ops-1", True), ("", False)])
def test_a_wait_knows_whether_it_is_the_same_as_before(before: str, again: bool) -> None:
    """Waiting again for the very reason that stands on the row is marked, so that it is recorded once."""
    move = after_refusal(a_lease(reason=before), Then.WAIT, "halted by ops-1", NOW, RULES)
    assert move.again is again


@pytest.mark.parametrize(
    ("idempotency", "lease", "target"),
    [
        (KEYED, {"looked": 1, "first_intent_at": NOW - timedelta(seconds=300)}, "held"),
        (KEYED, {"looked": 1, "first_intent_at": NOW - timedelta(seconds=299)}, None),
        (KEYED, {"looked": 0, "first_intent_at": NOW - HOUR}, None),
        (QUERY, {"looked": 1, "first_intent_at": NOW - HOUR}, None),
    ],
    ids=["old key", "young key", "no doubt", "no key"],
)
def test_a_repeat_is_held_once_its_key_is_old(
    idempotency: Idempotency, lease: dict[str, Any], target: str | None
) -> None:
    """A doubt that rested on a young key is for people when the key grew old before the repeat left."""
    move = before_permit(leased(**lease), idempotency, NOW)
    assert (move and (move.target, move.reason)) == (target and (target, "ambiguous"))


def test_a_harmless_repeat_remembers_its_doubt() -> None:
    """The row says that it was let go on in doubt, until people have ended that."""
    assert looked(UNKNOWN, KEYED).looked == 1


@pytest.mark.parametrize(
    ("route", "kind"),
    [(None, IdempotencyKind.NONE), ("inbox_draft", IdempotencyKind.NONE), ("direct_post", IdempotencyKind.QUERY)],
)
def test_a_route_says_how_a_repeat_is_told(route: str | None, kind: IdempotencyKind) -> None:
    """Only people know what was handed to them; a post of the machine's can be asked for."""
    assert idempotency_of(SETTINGS, "tiktok", route).kind is kind

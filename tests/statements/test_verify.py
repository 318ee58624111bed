"""Verifying statements: each rule refuses by its own code, and nothing but StatementRefused comes out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.domain import canonical
from dispatcher.domain.people import Role
from dispatcher.domain.statement import Envelope, Mode, Statement
from dispatcher.statements import sshsig
from dispatcher.statements import verify as verifying
from dispatcher.statements.errors import RefusalCode, StatementRefused
from dispatcher.statements.signing import sign
from dispatcher.statements.verify import Verifier
from tests.statements.support import (
    DAY,
    DEPLOYMENT,
    NOW,
    START,
    SecurityKey,
    SoftKey,
    held,
    key_of,
    person,
    roster,
    statement,
)

LIVE = sshsig.NAMESPACES[Mode.LIVE]
DESK, TOKEN, OTHER = SoftKey(1), SecurityKey(2), SoftKey(3)
DIRECTOR = person("director-1", Role.DUTY_DIRECTOR, key_of(DESK), key_of(TOKEN))
CHECKER = person("checker-1", Role.CHECKER, key_of(OTHER))
ROSTER = roster(DIRECTOR, CHECKER)
SAID = sign(statement(), DESK)
DOCUMENT: Any = canonical.decode(SAID.payload)


def refusal(
    envelope: Envelope, now: datetime | None = NOW, against: object = ROSTER, mode: Mode = Mode.LIVE
) -> RefusalCode:
    with pytest.raises(StatementRefused) as refused:
        Verifier(against, DEPLOYMENT, mode).verify(envelope, now)  # type: ignore[arg-type]
    assert refused.value.message
    return refused.value.code


def director_with(**changes: object) -> object:
    """The roster with the director's desk key or role changed."""
    key = replace(key_of(DESK), **changes)  # type: ignore[arg-type]
    return roster(replace(DIRECTOR, keys=(key,)), CHECKER)


def signed_bytes(payload: bytes) -> Envelope:
    return Envelope(payload, DESK.sign(LIVE, payload))


def test_a_sound_statement_is_verified() -> None:
    """Statement and key come back."""
    said = Verifier(ROSTER, DEPLOYMENT, Mode.LIVE).verify(SAID, NOW)
    assert (said.statement, said.key, said.hardware) == (statement(), DESK.fingerprint, False)


@pytest.mark.parametrize(("flags", "touched", "pin"), [(1, True, False), (5, True, True)])
def test_what_a_security_key_vouched_for_is_reported(flags: int, touched: bool, pin: bool) -> None:
    """Hardware, touch and PIN are there for the gate to demand."""
    envelope = sign(statement(), SecurityKey(2, flags))
    said = Verifier(ROSTER, DEPLOYMENT, Mode.LIVE).verify(envelope, NOW)
    assert (said.hardware, said.touched, said.pin) == (True, touched, pin)


@pytest.mark.parametrize("flags", [0, 4])
def test_a_security_key_that_nobody_touched_is_refused(flags: int) -> None:
    """Whoever holds the machine could sign with such a key unseen, PIN or no PIN."""
    assert refusal(sign(statement(), SecurityKey(2, flags))) is RefusalCode.TOUCH


def test_one_person_with_two_keys_is_one_person() -> None:
    """Counting people over what was verified counts the director once."""
    envelopes = [sign(statement(nonce="01" * 16), DESK), sign(statement(nonce="02" * 16), TOKEN)]
    said, _ = Verifier(ROSTER, DEPLOYMENT, Mode.LIVE).verify_all(envelopes, NOW)
    assert (len({one.key for one in said}), {one.statement.person for one in said}) == (2, {"director-1"})


def test_an_exercises_signature_is_refused_live() -> None:
    """The namespace differs."""
    assert refusal(sign(statement(mode=Mode.EXERCISE), DESK)) is RefusalCode.NAMESPACE


def test_a_live_signature_is_refused_in_an_exercise() -> None:
    """And the other way round."""
    assert refusal(SAID, mode=Mode.EXERCISE) is RefusalCode.NAMESPACE


def test_an_exercise_statement_signed_for_live_is_refused() -> None:
    """Namespace and payload must both be of the mode."""
    assert refusal(signed_bytes(statement(mode=Mode.EXERCISE).encoded())) is RefusalCode.MODE


def test_another_deployments_statement_is_refused() -> None:
    """The same people and keys in another installation say nothing here."""
    assert refusal(sign(statement(deployment="sample"), DESK)) is RefusalCode.DEPLOYMENT


def test_a_changed_payload_is_refused() -> None:
    """One letter of the subject edited after signing."""
    assert refusal(Envelope(SAID.payload.replace(b"abab", b"abac", 1), SAID.signature)) is RefusalCode.SIGNATURE


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", b"junk", b"\xff", SAID.payload + b"\n", b"[" * 5000])
def test_signed_bytes_that_are_no_statement_are_refused(payload: bytes) -> None:
    """A sound signature does not make a statement."""
    assert refusal(signed_bytes(payload)) is RefusalCode.MALFORMED


def test_an_overlong_payload_is_refused() -> None:
    """64 KiB at most, before anything is parsed."""
    assert refusal(sign(statement(body={"note": "x" * verifying.MAX_PAYLOAD}), DESK)) is RefusalCode.MALFORMED


def test_a_payload_of_64_kib_is_not_overlong() -> None:
    """The very last byte counts as the others do."""
    left = verifying.MAX_PAYLOAD - len(sign(statement(body={"note": ""}), DESK).payload)
    whole = sign(statement(body={"note": "x" * left}), DESK)
    assert len(whole.payload) == verifying.MAX_PAYLOAD
    assert Verifier(ROSTER, DEPLOYMENT, Mode.LIVE).verify(whole, NOW).statement.body["note"] == "x" * left


def test_a_key_on_nobodys_roster_is_refused() -> None:
    """A stranger's sound signature."""
    assert refusal(sign(statement(), SoftKey(99))) is RefusalCode.UNKNOWN_KEY


def test_signing_in_another_persons_name_is_refused() -> None:
    """The checker's key under the director's name."""
    assert refusal(sign(statement(), OTHER)) is RefusalCode.PERSON


@pytest.mark.parametrize("role", ["checker", "policy_owner", "king", ""])
def test_a_role_that_the_person_does_not_hold_is_refused(role: str) -> None:
    """Neither another's role nor an invented one."""
    assert refusal(sign(statement(role=role), DESK)) is RefusalCode.ROLE


@pytest.mark.parametrize("expires", [NOW - DAY, NOW - timedelta(minutes=30), NOW])
def test_a_role_that_ended_is_refused(expires: datetime) -> None:
    """Ended before signing, or between signing and now."""
    ended = replace(DIRECTOR, roles=(held(Role.DUTY_DIRECTOR, expires),))
    assert refusal(SAID, against=roster(ended)) is RefusalCode.ROLE


@pytest.mark.parametrize(
    "window",
    [{"expires": NOW - DAY}, {"expires": NOW - timedelta(minutes=30)}, {"expires": NOW}, {"not_before": NOW}],
    ids=["before signing", "since signing", "this moment", "not yet when signed"],
)
def test_a_key_outside_its_window_is_refused(window: dict[str, datetime]) -> None:
    """At signing and now, the key must be valid."""
    assert refusal(SAID, against=director_with(**window)) is RefusalCode.KEY_WINDOW


def test_without_now_a_key_that_expired_since_is_admitted() -> None:
    """Reading history, only the time of signing counts."""
    against = director_with(expires=NOW - timedelta(minutes=30))
    assert Verifier(against, DEPLOYMENT, Mode.LIVE).verify(SAID).key == DESK.fingerprint  # type: ignore[arg-type]


@pytest.mark.parametrize("revoked_at", [START, NOW - timedelta(minutes=30), NOW])
def test_a_revoked_key_is_refused_whatever_date_its_statement_bears(revoked_at: datetime) -> None:
    """A thief can write an earlier date, so revocation binds what was signed before it too."""
    assert refusal(SAID, against=director_with(revoked_at=revoked_at)) is RefusalCode.KEY_REVOKED


def test_without_now_a_key_ever_revoked_is_refused() -> None:
    """Nobody can say when a revoked key really signed."""
    assert refusal(SAID, now=None, against=director_with(revoked_at=NOW + DAY)) is RefusalCode.KEY_REVOKED


def test_a_statement_dated_after_a_coming_revocation_is_refused() -> None:
    """A revocation with a future date binds statements that begin after it."""
    later = sign(statement(not_before=NOW + 2 * DAY, expires=NOW + 3 * DAY), DESK)
    assert refusal(later, against=director_with(revoked_at=NOW + DAY)) is RefusalCode.KEY_REVOKED


def test_a_revocation_still_to_come_does_not_bind_yet() -> None:
    """Until that moment the key speaks."""
    against = director_with(revoked_at=NOW + DAY)
    assert Verifier(against, DEPLOYMENT, Mode.LIVE).verify(SAID, NOW)  # type: ignore[arg-type]


def test_a_newer_roster_than_ours_is_refused() -> None:
    """This host cannot know what that roster says."""
    assert refusal(sign(statement(roster=4), DESK)) is RefusalCode.ROSTER_VERSION


def test_an_older_roster_is_admitted_if_ours_still_agrees() -> None:
    """A new roster version does not void what people signed who are still on it."""
    said = Verifier(ROSTER, DEPLOYMENT, Mode.LIVE).verify(sign(statement(roster=1), DESK), NOW)
    assert said.statement.roster == 1


def test_a_person_taken_off_the_roster_is_refused() -> None:
    """Naming the old roster version does not help."""
    assert refusal(sign(statement(roster=1), DESK), against=roster(CHECKER)) is RefusalCode.UNKNOWN_KEY


@pytest.mark.parametrize("expires", [NOW - timedelta(hours=1), NOW - DAY])
def test_a_window_that_never_opens_is_refused(expires: datetime) -> None:
    """A statement that expires when or before it begins."""
    assert refusal(sign(statement(expires=expires), DESK)) is RefusalCode.WINDOW


def test_an_expired_statement_is_authentic_all_the_same() -> None:
    """Whether it still counts is the gate's question."""
    envelope = sign(statement(expires=NOW - timedelta(minutes=1)), DESK)
    assert Verifier(ROSTER, DEPLOYMENT, Mode.LIVE).verify(envelope, NOW)


def test_control_characters_of_a_stranger_do_not_reach_the_terminal() -> None:
    """A refusal quotes what it was given."""
    with pytest.raises(StatementRefused) as refused:
        Verifier(ROSTER, DEPLOYMENT, Mode.LIVE).verify(sign(statement(deployment="\x1b[2J"), DESK))
    assert "\x1b" not in refused.value.message


def test_verify_all_keeps_what_holds_and_gives_the_reason_for_each_other() -> None:
    """One bad envelope does not spoil the others."""
    bad = sign(statement(role="checker"), DESK)
    said, refused = Verifier(ROSTER, DEPLOYMENT, Mode.LIVE).verify_all([SAID, bad], NOW)
    assert [one.statement for one in said] == [statement()]
    assert [(envelope, reason.code) for envelope, reason in refused] == [(bad, RefusalCode.ROLE)]


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record every signature that is really checked."""
    checked: list[str] = []
    real = sshsig.verify

    def counting(armoured: str, message: bytes, namespace: str) -> sshsig.Signature:
        checked.append(armoured)
        return real(armoured, message, namespace)

    monkeypatch.setattr(sshsig, "verify", counting)
    return checked


def test_a_repeat_costs_no_second_signature_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verifier remembers that these bytes carry this signature."""
    checked = count_reads(monkeypatch)
    verifier = Verifier(ROSTER, DEPLOYMENT, Mode.LIVE)
    assert verifier.verify(SAID, NOW) == verifier.verify(SAID, NOW)
    assert len(checked) == 1


def test_time_is_judged_again_on_every_repeat() -> None:
    """A remembered signature does not outlive its key."""
    verifier = Verifier(director_with(expires=NOW + DAY), DEPLOYMENT, Mode.LIVE)  # type: ignore[arg-type]
    verifier.verify(SAID, NOW)
    with pytest.raises(StatementRefused) as refused:
        verifier.verify(SAID, NOW + DAY)
    assert refused.value.code is RefusalCode.KEY_WINDOW


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is forgotten, and checked again when it returns."""
    checked = count_reads(monkeypatch)
    verifier = Verifier(ROSTER, DEPLOYMENT, Mode.LIVE, remembered=1)
    other = sign(statement(nonce="07" * 16), DESK)
    checked.clear()
    for envelope in (SAID, other, SAID):
        verifier.verify(envelope, NOW)
    assert len(checked) == 3


def test_a_remembered_payload_under_another_signature_is_checked() -> None:
    """What is remembered is the whole envelope."""
    verifier = Verifier(ROSTER, DEPLOYMENT, Mode.LIVE)
    verifier.verify(SAID, NOW)
    with pytest.raises(StatementRefused):
        verifier.verify(Envelope(SAID.payload, OTHER.sign(LIVE, SAID.payload)), NOW)


@settings(max_examples=300)
@given(st.integers(0, len(SAID.payload) * 8 - 1))
def test_no_bit_of_the_payload_can_be_flipped(bit: int) -> None:
    """Every flip is refused with the code for signatures."""
    payload = bytearray(SAID.payload)
    payload[bit // 8] ^= 1 << bit % 8
    assert refusal(Envelope(bytes(payload), SAID.signature)) is RefusalCode.SIGNATURE


@settings(max_examples=200)
@given(st.binary(max_size=60), st.text(max_size=60))
def test_junk_is_refused_and_never_crashes(payload: bytes, signature: str) -> None:
    """Any bytes beside any text."""
    assert refusal(Envelope(payload, signature)) is RefusalCode.SIGNATURE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab\x00\u0301", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=200)
@given(st.sampled_from(sorted(DOCUMENT)), JSON)
def test_any_value_in_any_field_is_judged_and_never_crashes(field: str, value: Any) -> None:
    """A rostered signer can put anything into a statement; it is verified or refused."""
    try:
        payload = canonical.encode({**DOCUMENT, field: value})
    except canonical.CanonicalError:
        return
    envelope = signed_bytes(payload)
    said, refused = Verifier(ROSTER, DEPLOYMENT, Mode.LIVE).verify_all([envelope], NOW)
    assert len(said) + len(refused) == 1
    assert all(one.statement == Statement.decode(payload) for one in said)

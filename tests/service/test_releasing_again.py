"""A release asks the gate twice and reads a plan once: what changed between the two is found all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dispatcher.domain.errors import GateClosed
from dispatcher.domain.statement import Mode
from dispatcher.sending.prepared import Texts, read_texts
from dispatcher.service import clearing, judging
from dispatcher.service.confirming import How
from dispatcher.service.judging import Read
from dispatcher.service.releasing import release
from dispatcher.store import records
from dispatcher.store.records import StoredPlan
from tests.office import Office


@pytest.fixture
def plan(office: Office) -> str:
    """An approved plan over one webhook."""
    office.account("webhook")
    return office.approved()


def test_what_two_judgements_read_of_a_plan_is_read_once(
    office: Office, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes say the same."""
    reads: list[Texts] = []
    monkeypatch.setattr(judging, "read_texts", lambda bundle: reads.append(read_texts(bundle)) or reads[-1])
    release(office.desk, plan, office.pen("director-1"), confirm=lambda _: How.GIVEN)
    assert len(reads) == 1


def test_other_bytes_are_read_again(office: Office, plan: str) -> None:
    """A plan or a rendering that was changed meanwhile is no longer the one that was read."""
    with office.desk.store.read() as work:
        bundle = records.bundle(work, plan)
    read = Read()
    before = read.of(bundle)
    name = next(iter(bundle.renderings))
    changed = replace(bundle, renderings={**bundle.renderings, name: b"{}"})
    assert read.of(replace(bundle, envelopes=())) is before
    assert name not in read.of(changed).renderings


def test_a_clearance_that_is_revoked_while_a_person_confirms_is_not_released(office: Office, plan: str) -> None:
    """Nothing is signed."""

    def revoke(_: StoredPlan) -> How:
        clearing.revoke(office.desk, plan, office.pen("security-1"))
        return How.TYPED

    with pytest.raises(GateClosed, match="nothing was released"):
        release(office.desk, plan, office.pen("director-1"), confirm=revoke)


def test_a_text_that_is_changed_while_a_person_confirms_is_not_released(
    office: Office, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes are not those that people approved, whatever was read before."""
    stored = records.bundle

    def change(_: StoredPlan) -> How:
        monkeypatch.setattr(records, "bundle", lambda *about: replace(stored(*about), renderings={}))
        return How.TYPED

    with pytest.raises(GateClosed, match="nothing was released"):
        release(office.desk, plan, office.pen("director-1"), confirm=change)


def test_an_approval_that_ends_while_a_person_confirms_does_not_count(office: Office, plan: str) -> None:
    """A signature that holds is remembered; the time is asked each time."""

    def wait(stored: StoredPlan) -> How:
        office.clock.now = stored.plan.not_after + timedelta(seconds=1)
        return How.TYPED

    with pytest.raises(GateClosed, match="nothing was released"):
        release(office.desk, plan, office.pen("director-1"), confirm=wait)


def test_another_roster_has_another_verifier(office: Office) -> None:
    """Who is taken off the roster is not remembered as being on it."""
    trust = office.desk.trust
    desk = replace(office.desk, trust=replace(trust, roster=replace(trust.roster, version=trust.roster.version + 1)))
    first = office.desk.verifier(Mode.EXERCISE)
    assert office.desk.verifier(Mode.EXERCISE) is first
    assert desk.verifier(Mode.EXERCISE) is not first
    assert desk.verifier(Mode.EXERCISE).roster is desk.trust.roster
    assert office.desk.verifier(Mode.LIVE).mode is Mode.LIVE

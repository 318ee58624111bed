"""Releasing: what an officer's signature starts, and what stops it."""

from __future__ import annotations

import pytest
from sqlalchemy import event, select

from dispatcher.domain.errors import GateClosed, SignatureNeeded, Stale, Unavailable
from dispatcher.domain.statement import Mode, StatementKind
from dispatcher.service import clearing
from dispatcher.service.recipients import import_csv
from dispatcher.service.releasing import release
from dispatcher.service.submitting import Wish
from dispatcher.store import deliveries, records
from dispatcher.store.tables import OUTBOX
from tests.office import Office


def webhook_plan(office: Office) -> str:
    """An approved plan over one webhook."""
    office.account("webhook")
    return office.approved()


def test_a_clear_plan_is_released_with_a_doorbell_per_lane(office: Office) -> None:
    """One signature moves the plan, writes its dispatch and one outbox row for the lane of its account."""
    plan = webhook_plan(office)
    made = release(office.desk, plan, office.pen("director-1"))
    with office.desk.store.read() as work:
        bells = [tuple(row) for row in work.execute(select(OUTBOX.c.lane, OUTBOX.c.mode, OUTBOX.c.dispatch))]
        state, dispatch = records.plan(work, plan).state, deliveries.dispatch_of(work, plan)
    assert bells == [("accounts", "exercise", made.id)]
    assert (state, made.lanes, made.released_by) == ("released", ("accounts",), "director-1")
    assert dispatch is not None
    assert (dispatch.id, dispatch.released_at) == (made.id, made.released_at)


def test_the_gate_finds_nothing_missing_after_the_release(office: Office) -> None:
    """The release statement is the one that the gate asks for."""
    plan = webhook_plan(office)
    release(office.desk, plan, office.pen("director-1"))
    assert [finding.failures for finding in clearing.show(office.desk, plan).findings] == [()]


def test_a_plan_that_lacks_a_signature_is_refused_with_channel_clause_and_who(office: Office) -> None:
    """Nothing is signed, and officer and ledger hear which channel lacks what."""
    office.account("webhook")
    plan = office.plan()
    pen = office.pen("director-1")
    with pytest.raises(GateClosed) as refused:
        release(office.desk, plan, pen)
    clause, fact, mend = refused.value.reasons[0]
    assert clause == "G08"
    assert mend.startswith("checker (checker-1); duty_director (director-1 (on call), director-2")
    assert fact.startswith("webhook: approval missing")
    assert pen.signed == []
    (entry,) = office.ledger("release.refused")
    assert [f["clause"] for f in entry.facts["failures"]] == ["G08"]


def test_one_channel_that_is_not_clear_holds_the_whole_plan(office: Office) -> None:
    """X without an assessment keeps the webhook from going too: one plan, one release."""
    office.account("x")
    plan = webhook_plan(office)
    with pytest.raises(GateClosed) as refused:
        release(office.desk, plan, office.pen("director-1"))
    assert [(clause, fact.split(":")[0]) for clause, fact, _ in refused.value.reasons] == [("G09", "x")]


def test_only_whom_policy_names_may_release(office: Office) -> None:
    """A checker's key does not release."""
    plan = webhook_plan(office)
    with pytest.raises(SignatureNeeded, match="duty_director"):
        release(office.desk, plan, office.pen("checker-1"))


def test_a_plan_is_released_once(office: Office) -> None:
    """A second release is stale and changes nothing."""
    plan = webhook_plan(office)
    first = release(office.desk, plan, office.pen("director-1"))
    with pytest.raises(Stale, match="once only"):
        release(office.desk, plan, office.pen("director-2"))
    with office.desk.store.read() as work:
        dispatch = deliveries.dispatch_of(work, plan)
    assert dispatch is not None
    assert dispatch.id == first.id


def test_a_revoked_plan_is_not_released(office: Office) -> None:
    """Whoever revoked it is named in the refusal."""
    plan = webhook_plan(office)
    clearing.revoke(office.desk, plan, office.pen("security-1"))
    with pytest.raises(GateClosed) as refused:
        release(office.desk, plan, office.pen("director-1"))
    assert ("G03", "webhook: revoked by security-1", "submit a new plan") in refused.value.reasons


def test_a_doorbell_that_does_not_ring_loses_nothing(office: Office) -> None:
    """The release stands when Redis is away: the outbox row waits for the relay."""
    plan = webhook_plan(office)

    def broken(*_bell: str) -> None:
        raise Unavailable("Redis is away")

    made = release(office.desk, plan, office.pen("director-1"), broken)
    with office.desk.store.read() as work:
        assert work.execute(select(OUTBOX.c.rung_at).where(OUTBOX.c.dispatch == made.id)).scalars().all() == [None]


def test_the_doorbell_rings_after_the_commit(office: Office) -> None:
    """Who is rung finds the dispatch already there."""
    plan = webhook_plan(office)
    seen = []

    def ring(lane: str, mode: str, dispatch: str, _traceparent: str) -> None:
        with office.desk.store.read() as work:
            found = deliveries.dispatch_of(work, plan)
            seen.append((lane, mode, found is not None and found.id == dispatch))

    release(office.desk, plan, office.pen("director-1"), ring)
    assert seen == [("accounts", "exercise", True)]


@pytest.mark.parametrize("recipients", [3, 300])
def test_a_release_takes_as_many_statements_for_few_deliveries_as_for_many(office: Office, recipients: int) -> None:
    """The deliveries table is not touched at all: releasing is O(1) in their number."""
    path = office.desk.settings.path("numbers.csv")
    path.write_text("phone\n" + "".join(f"07700900{number:03}\n" for number in range(recipients)))
    import_csv(office.desk, "residents", path, Mode.EXERCISE, "ops-1")
    office.account("notify")
    plan = office.approved(wish=Wish(lists={"": ["residents"]}))
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    event.listen(office.desk.store.engine, "before_cursor_execute", note)
    release(office.desk, plan, office.pen("director-1"))
    assert [statement for statement in statements if "deliveries" in statement] == []
    assert len(office.pen("director-1").signed) == 2
    assert office.pen("director-1").signed[-1].kind is StatementKind.RELEASE

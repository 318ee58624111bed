"""Lists for pages: bounded, in order, and complete from page to page."""

from __future__ import annotations

import pytest

from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.service.operating import lists
from dispatcher.store import records
from tests.office import Office


def everything(office: Office, **wanted: str) -> list[str]:
    """The ids of all pages."""
    found, after = list[str](), ""
    with office.desk.store.read() as work:
        while True:
            page = lists.listed(work, after=after, **wanted)
            found += [row.id for row in page.rows]
            if page.after is None:
                return found
            after = page.after


@pytest.fixture
def plan(office: Office, monkeypatch: pytest.MonkeyPatch) -> str:
    """A plan over five accounts, on pages of two."""
    monkeypatch.setattr(lists, "PAGE", 2)
    for number in range(5):
        office.account("webhook", f"webhook-{number}")
    return office.plan()


def test_pages_after_each_other_have_every_delivery_once(office: Office, plan: str) -> None:
    """Of a plan, whatever its state."""
    office.set_state(office.delivery(plan, "webhook-3"), "leased", "held", reason="refused")
    found = everything(office, plan=plan)
    assert len(found) == len(set(found)) == 5


def test_what_presses_comes_first(office: Office, plan: str) -> None:
    """Held before what waits for its turn."""
    name = office.delivery(plan, "webhook-3")
    office.set_state(name, "leased", "held", reason="refused")
    assert everything(office, plan=plan)[0] == name


@pytest.mark.parametrize(
    ("wanted", "count"),
    [({"state": "held"}, 1), ({"account": "webhook-2"}, 1), ({"channel": "webhook"}, 5), ({"channel": "x"}, 0)],
)
def test_a_filter_leaves_what_fits(office: Office, plan: str, wanted: dict[str, str], count: int) -> None:
    """By state, account or channel."""
    office.set_state(office.delivery(plan, "webhook-3"), "leased", "held", reason="refused")
    assert len(everything(office, plan=plan, **wanted)) == count


def test_an_incident_has_the_deliveries_of_all_its_plans(office: Office, plan: str) -> None:
    """Named by it, or by a beginning of its name."""
    with office.desk.store.read() as work:
        incident = records.plan(work, plan).plan.incident
    assert len(everything(office, incident=incident[:-2])) == 5


def test_a_list_of_everything_is_refused(office: Office, plan: str) -> None:
    """Somebody has to say of what."""
    with office.desk.store.read() as work, pytest.raises(Invalid, match="no incident or plan"):
        lists.listed(work)


def test_a_plan_that_is_not_there_is_said_to_be_so(office: Office, plan: str) -> None:
    """As everywhere."""
    with office.desk.store.read() as work, pytest.raises(NotFound):
        lists.listed(work, plan="nope")


@pytest.mark.parametrize("after", ["x", "1", "-1-2", "1-", "1-2-3", "١-٢"])
def test_a_place_that_is_none_is_refused(office: Office, plan: str, after: str) -> None:
    """Whatever somebody typed into the address."""
    with office.desk.store.read() as work, pytest.raises(Invalid, match="no place"):
        lists.listed(work, plan=plan, after=after)


def test_the_matrix_counts_each_text_of_each_account_by_state(office: Office, plan: str) -> None:
    """What is armed has no deliveries until it is ordered."""
    office.set_state(office.delivery(plan, "webhook-3"), "leased", "held", reason="refused")
    with office.desk.store.read() as work:
        found = lists.matrix(work, records.plan(work, plan).plan.incident)
    assert [(line.text, line.account, line.states) for line in found if "held" in line.states] == [
        ("publish", "webhook-3", {"held": 1})
    ]
    assert sum(sum(line.states.values()) for line in found) == 5

"""The hand-off end to end: two processes hand it over, the command line opens it, a browser shows it, two sign."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from dispatcher.domain.statement import Mode, Statement
from dispatcher.gate.stops import HaltScope
from dispatcher.service import handing_off, stopping
from tests.e2e.deployment import Cleared, Deployment, shifted
from tests.servers import until

pytestmark = pytest.mark.system

ACCOUNT, BESIDE = "tiktok-city", "x-city"
"""The second carries the correction, in case the first is taken over (mitigation M23)."""

LATE = timedelta(minutes=10, seconds=1)


@pytest.fixture(scope="module")
def site(empty: Deployment) -> Iterator[Deployment]:
    """One TikTok account with its device, another account beside it, and the roles running."""
    empty.add("tiktok", ACCOUNT)
    empty.add("x", BESIDE)
    with empty.up(Mode.EXERCISE) as running:
        yield running


@pytest.fixture
def plan(site: Deployment) -> Cleared:
    """A released plan whose one delivery waits for two operators."""
    made = site.cleared(ACCOUNT, BESIDE)
    site.release(made)
    assert site.ended(made) == {"accepted": 1, "handed_over": 1}
    return made


@pytest.fixture
def delivery(site: Deployment, plan: Cleared) -> str:
    """That delivery."""
    return str(handed_over(site, plan).id)


def handed_over(site: Deployment, plan: Cleared) -> Any:
    """The row of the delivery that people finish."""
    return next(row for row in site.rows(plan) if row.account == ACCOUNT)


def opened(site: Deployment, delivery: str) -> Any:
    """What an operator gets who asks for the packet."""
    return site.told("handoff", "open", delivery, person="operator-1")


def link(site: Deployment, plan: Cleared) -> str:
    """What is reported in an exercise: an address that cannot exist."""
    return f"https://exercise.invalid/{handed_over(site, plan).reference}"


def test_opening_gives_a_packet_for_the_device_and_its_code(site: Deployment, delivery: str) -> None:
    """One file, one code, ten minutes."""
    made = opened(site, delivery)
    assert (made["device"], made["delivery"]) == (f"phone-{ACCOUNT}", delivery)
    assert made["code"].replace("-", "").isalnum()
    assert Path(made["packet"]).read_bytes().startswith(b"<!doctype html>")
    assert b"Storm" not in Path(made["packet"]).read_bytes()


def test_a_packet_is_issued_once(site: Deployment, delivery: str) -> None:
    """Whoever asks again is refused, and the packet that is there stays as it was."""
    packet = Path(opened(site, delivery)["packet"])
    before = packet.read_bytes()
    again = site.run("handoff", "open", delivery, person="operator-2")
    assert (again.returncode, again.stdout) == (8, "")
    assert "was issued already" in again.stderr
    assert packet.read_bytes() == before


def test_a_packet_is_not_issued_once_more_by_a_forgetful_database(site: Deployment, delivery: str) -> None:
    """With the record of the issue taken out of SQL, the sender's own file still knows (G15)."""
    opened(site, delivery)
    with site.desk.store.write() as work:
        work.connection.exec_driver_sql("DELETE FROM hand_offs WHERE delivery = ?", (delivery,))
    again = site.run("handoff", "open", delivery, person="operator-2")
    assert again.returncode == 3
    assert "G15" in again.stderr


def test_no_packet_is_issued_after_a_halt(site: Deployment, plan: Cleared, delivery: str) -> None:
    """The sender's gate says no, by its clause (G16), and the ledger has the refusal."""
    halt = stopping.halt(site.desk, HaltScope.INCIDENT, plan.incident, site.pen("ops-1"), Mode.EXERCISE)
    heard(site, halt.statement)
    done = site.run("handoff", "open", delivery, person="operator-1")
    assert (done.returncode, done.stdout) == (3, "")
    assert "G16" in done.stderr
    assert len(site.entries("hand_off.refused", delivery=delivery)) == 1


def heard(site: Deployment, statement: str) -> None:
    """Wait until the process that holds the credential has a stop in its own book."""
    book = site.folder / "sender" / "exercise" / "tiktok-sender" / "stops.jsonl"
    nonce = Statement.decode(site.signed(statement).payload).nonce
    until(lambda: book.exists() and nonce in book.read_text(), "the sender has heard of it")


def test_the_packet_shows_the_caption_on_the_device(
    site: Deployment, plan: Cleared, delivery: str, chromium: Browser, tmp_path: Path
) -> None:
    """Opened from a file, without a network, with the device's secret and the code that was read out."""
    made = opened(site, delivery)
    packet = tmp_path / "packet.html"
    packet.write_bytes(Path(made["packet"]).read_bytes())
    context = chromium.new_context(offline=True)
    try:
        page = typed(context.new_page(), packet, site.devices[ACCOUNT].reveal(), made["code"])
        expect(page.get_by_role("heading", name="EXERCISE: rehearse this task")).to_be_visible()
        captions = [box.input_value() for box in page.locator("#captions textarea").all()]
    finally:
        context.close()
    assert [plan.headline in caption and "EXERCISE" in caption for caption in captions] == [True]


def typed(page: Page, packet: Path, secret: str, code: str) -> Page:
    """Open a packet as an operator does."""
    page.goto(packet.as_uri())
    page.get_by_label("Device secret", exact=True).fill(secret)
    page.get_by_label("Release code").fill(code)
    page.get_by_role("button", name="Open packet").click()
    return page


def test_two_operators_receipts_make_it_accepted(site: Deployment, plan: Cleared, delivery: str) -> None:
    """One signature leaves it where it is; the second operator's, for the same link, ends it."""
    opened(site, delivery)
    words = ("handoff", "receipt", delivery, "--url", link(site, plan))
    first = site.told(*words, person="operator-1")
    second = site.told(*words, person="operator-2")
    assert (first["state"], first["needed"]) == ("handed_over", 1)
    assert (second["state"], second["needed"]) == ("accepted", 0)
    assert site.states(plan) == {"accepted": 2}


def test_one_operator_cannot_sign_twice_for_two(site: Deployment, plan: Cleared, delivery: str) -> None:
    """People are counted, not signatures."""
    opened(site, delivery)
    words = ("handoff", "receipt", delivery, "--url", link(site, plan))
    assert [site.told(*words, person="operator-1")["needed"] for _ in range(2)] == [1, 1]
    assert handed_over(site, plan).state == "handed_over"


def test_a_late_receipt_raises_an_alarm(site: Deployment, plan: Cleared, delivery: str) -> None:
    """Signed more than ten minutes after the issue: it counts, and the ledger has the alarm."""
    opened(site, delivery)
    later = shifted(site.desk, LATE)
    receipt = handing_off.receipt(later, delivery, site.pen("operator-1"), link(site, plan))
    assert receipt.late
    assert len(site.entries("hand_off.late", delivery=delivery)) == 1

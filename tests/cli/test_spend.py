"""Paid plans at the command line: what is reserved, refused, taken and billed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import Office
from tests.office import SECRETS
from tests.paid import buying, put_in_force

CAP_CASE, CAP_YEAR = 20_000_000, 40_000_000
SIGNERS = ("checker-1", "director-1", "finance-1")
PLACE = ("--account", "agency", "--placement", "paid")


@pytest.fixture
def message(office: Office, tmp_path: Path) -> str:
    """An armed message, with a webhook that stands for an agency, under a cap of £200,000 a case."""
    put_in_force(office.folder, buying(CAP_CASE, CAP_YEAR), datetime.now(UTC))
    secret = tmp_path / "secret"
    secret.write_text(SECRETS["secret"].reveal())
    about = ("--channel", "webhook", "--handle", "Agency", "--language", "en-GB", "--mode", "exercise")
    settings = ("--set", "base_url=http://127.0.0.1:9/webhook", "--secret-file", f"secret={secret}")
    office.run("account", "add", "agency", *about, *settings, by="ops-1")
    return office.message()


def submitted(office: Office, message: str, spend: str) -> str:
    """A plan that buys space."""
    words = ("clearance", "submit", message, *PLACE, "--spend", spend)
    return str(office.run(*words, by="author-1").json["plan"])


def released(office: Office, message: str, spend: str) -> str:
    """The same, signed by everybody and released."""
    plan = submitted(office, message, spend)
    for person in SIGNERS:
        office.run("clearance", "approve", plan, by=person)
    office.run("release", plan, by="director-1")
    return plan


def test_the_campaign_of_160000_needs_its_approval_at_the_command_line_too(office: Office, message: str) -> None:
    """Exit code 3 naming amc_approval_ref; with it, the plan shows the order to the penny."""
    words = ("clearance", "submit", message, *PLACE, "--spend")
    said = office.run(*words, "webhook=storms:16000000", by="author-1", code=3)
    assert "amc_approval_ref" in said.err
    made = office.run(*words, "webhook=storms:£160,000.00:AMC-2026-014", by="author-1").json
    (order,) = made["spend"]
    assert (order["case"], order["pence"], order["cost"]) == ("storms", 16_000_000, "£160,000.00")
    assert order["approval"] == "AMC-2026-014"


@pytest.mark.parametrize(
    "spend",
    [
        "webhook",
        "webhook=storms",
        "webhook=storms:",
        "webhook=:100",
        "webhook=storms:160,000",
        "webhook=storms:1.5:R",
    ],
)
def test_an_order_that_cannot_be_read_is_wrong_input(office: Office, spend: str) -> None:
    """Exit code 2, with the form."""
    said = office.run("clearance", "submit", "msg", *PLACE, "--spend", spend, by="author-1", code=2)
    assert "CHANNEL=CASE:PENCE" in said.err or "£160,000.00" in said.err


def test_two_spellings_of_a_case_are_one_case(office: Office, message: str) -> None:
    """A capital letter opens no second budget."""
    submitted(office, message, "webhook=Storms:100")
    submitted(office, message, "webhook=storms:200")
    (case,) = office.run("spend", "list").json["cases"]
    assert (case["of"], case["reserved_pence"]) == ("storms", 300)


def test_the_list_says_what_is_taken_and_left(office: Office, message: str) -> None:
    """Per case and per financial year, in pence and in pounds, then each plan's row; the bill is asked for."""
    plan = released(office, message, "webhook=storms:£1,234.56")
    submitted(office, message, "webhook=floods:£0.44")
    said = office.run("spend", "list")
    floods, storms = said.json["cases"]
    assert (storms["of"], storms["cap"], storms["committed"], storms["reserved"], storms["left"]) == (
        *("storms", "£200,000.00", "£1,234.56"),
        *("£0.00", "£198,765.44"),
    )
    assert (floods["of"], floods["reserved_pence"]) == ("floods", 44)
    (year,) = said.json["years"]
    assert (year["left_pence"], year["left"]) == (CAP_YEAR - 123_500, "£398,765.00")
    assert {row["plan"]: row["state"] for row in said.json["spends"]}[plan] == "committed"
    assert f"dispatcher spend reconcile {plan[:12]} --channel webhook" in said.err


def test_a_case_or_a_year_can_be_looked_at_alone(office: Office, message: str) -> None:
    """Another case's rows are left out, and a year without orders is empty."""
    submitted(office, message, "webhook=storms:100")
    plan = submitted(office, message, "webhook=floods:200")
    assert [row["plan"] for row in office.run("spend", "list", "--case", "floods").json["spends"]] == [plan]
    assert office.run("spend", "list", "--year", "2019").json["years"] == []


def test_finance_signs_what_was_billed(office: Office, message: str) -> None:
    """An amount in pounds will do; only finance's key signs it."""
    plan = released(office, message, "webhook=storms:100000")
    words = ("spend", "reconcile", plan, "--channel", "webhook", "--billed", "£800.00", "--invoice", "INV-7")
    office.run(*words, by="director-1", code=4)
    made = office.run(*words, by="finance-1").json
    assert (made["state"], made["billed"], made["bill"], made["invoice"]) == (
        "reconciled",
        80_000,
        "£800.00",
        "INV-7",
    )


def test_an_invoice_is_signed_on_another_machine(office: Office, message: str, tmp_path: Path) -> None:
    """The first half writes what is to be signed, naming the amount in whole pence."""
    plan = released(office, message, "webhook=storms:100000")
    words = ("spend", "reconcile", plan, "--channel", "webhook", "--billed", "80000", "--invoice", "INV-7")
    office.run(*words, "--to-sign", tmp_path / "sentence", by="finance-1", code=4)
    assert '"billed_pence":80000' in (tmp_path / "sentence").read_text()

"""The campaign of £160,000 over several platforms of August 2024, typed by its people (reference: policy 2, 6.9).

What the agencies get is read where a mail server has it, and every figure is held to the penny.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from channels.press_email.simulator import Message, PressEmail, password
from dispatcher.bootstrap import open_desk
from dispatcher.cli.main import root
from dispatcher.domain.incident import METHANE
from dispatcher.domain.lifecycle import DeliveryState
from dispatcher.sender_bootstrap import now
from dispatcher.store import records, spends
from dispatcher.store.tables import SPENDS
from ops.reading import having_read
from tests.cast import EXAMPLE_POLICY
from tests.paid import put_in_force
from tests.stage import Stage
from tests.workers.conftest import Make

pytestmark = pytest.mark.system

CAMPAIGN = EXAMPLE_POLICY.with_name("example_campaign_policy.toml")
BUYER, CASE = "paid@city.example", "disorder-2024"
BOUGHT: Mapping[str, int] = {"social_paid": 11_000_037, "tiktok_paid": 4_999_963}
"""What each channel may cost, in pence: £160,000.00 in all."""

SIGNERS = ("checker-1", "welsh-checker-1", "director-1", "finance-1", "security-1")
RECORD = 'safety = "suitable"\nads_context = "inclusion list"\nfreedom_of_speech = "yes"\nethics = "yes"\n'
SETTINGS = {
    "from": BUYER,
    "kill_contact": "kill@agency.example",
    "inclusion_list": "government-2026-03",
    "kill_phone": "020 7946 0000",
}


@dataclass
class Office:
    """A deployment whose far side is a mail server, and its people at the command line."""

    stage: Stage

    def run(self, person: str, *words: object, fails: int = 0) -> Any:
        """What one command answers: its JSON, or what it told the person when it failed."""
        key = str(self.stage.folder / "keys" / "exercise" / person)
        runner = CliRunner(env={"DISPATCHER_KEY": key, "SSH_AUTH_SOCK": None, "TERM": None})
        given = [str(word) for word in words]
        said = given if fails else having_read(given, lambda *read: self.run(person, *read))
        typed = ["--deployment", str(self.stage.folder), "--json", *said]
        done = runner.invoke(root, typed)
        assert done.exit_code == fails, (words, done.stdout, done.stderr, done.exception)
        return done.stderr if fails else json.loads(done.stdout)

    def file(self, name: str, text: str) -> Path:
        """A file of this content."""
        path = self.stage.folder.with_name(name)
        path.write_text(text)
        return path

    @property
    def mail(self) -> list[Message]:
        """What the mail server took, oldest first."""
        server = self.stage.far.provider("press_email")
        assert isinstance(server, PressEmail)
        return server.messages

    def agency(self, channel: str) -> None:
        """Add an agency that buys on a channel, assessed for it."""
        login = {"username": BUYER, "password": password(BUYER)}
        secrets = [f"{name}={self.file(name, value)}" for name, value in login.items()]
        settings = {**SETTINGS, "agency": f"{channel}@agency.example"}
        settings |= {"base_url": self.stage.far.address("press_email")}
        settings |= {"platforms": "Facebook, Instagram"} if channel == "social_paid" else {}
        words = ["--channel", channel, "--handle", f"Agency for {channel}", "--mode", "exercise"]
        words += [word for language in ("en-GB", "cy-GB") for word in ("--language", language)]
        words += [word for pair in settings.items() for word in ("--set", "=".join(pair))]
        words += [word for secret in secrets for word in ("--secret-file", secret)]
        self.run("ops-1", "account", "add", f"{channel}-1", *words)
        about = ("--outcome", "permitted", "--placement", "paid", "--mode", "exercise")
        record = self.file("record.toml", RECORD)
        self.run("director-1", "evidence", "assess", channel, "--record", record, *about)

    def message(self) -> str:
        """An armed message in English and Welsh."""
        about = ("disorder", "Disorder in the centre", "--mode", "exercise", "--area", "Example Bay")
        incident = self.run("author-1", "incident", "declare", *about)["id"]
        for item in ("police_report", *METHANE):
            self.run("author-1", "incident", "evidence", incident, item, "as reported", "--source", "police")
        texts = {"en-GB": "Keep away\n\nStay in.", "cy-GB": "Cadwch draw\n\nArhoswch dan do, Ŵyr: tŷ."}
        words = [f"{tag}={self.file(f'{tag}.txt', text)}" for tag, text in texts.items()]
        drafted = [word for text in words for word in ("--text", text)]
        message = self.run("author-1", "message", "draft", incident, *drafted, "--valid-until", "+6h")["message"]
        self.run("author-1", "message", "arm", message)
        return str(message)

    def submit(self, message: str, approval: str = "", fails: int = 0) -> Any:
        """Ask for both channels at once."""
        spend = [f"{channel}={CASE}:£{pence // 100}.{pence % 100:02}{approval}" for channel, pence in BOUGHT.items()]
        words = [word for one in spend for word in ("--spend", one)]
        paid = ("--placement", "paid", "--purpose", "exceptional_public_safety")
        return self.run("author-1", "clearance", "submit", message, *paid, *words, fails=fails)

    def released(self) -> str:
        """The plan with its case agreed: signed by everybody whom policy asks, released, and with the agencies."""
        plan = str(self.submit(self.message(), ":AMC-2026-014")["plan"])
        for person in SIGNERS:
            self.run(person, "clearance", "approve", plan)
        told = self.run("private-office-1", "evidence", "decide", plan, "--decision", "agreed")
        self.run("private-office-1", "evidence", "confirm", plan, "--code", told["code"])
        self.stage.work(self.has_status, roles=("relay",))
        self.run("director-1", "release", plan)
        self.stage.work(lambda: self.stage.ended(plan), roles=("relay", "accounts"))
        return plan

    def has_status(self) -> bool:
        """Whether the relay has signed what is stopped, which bought space waits for."""
        with self.stage.desk.store.read() as work:
            return records.status(work, "exercise") is not None

    def receipt(self, delivery: str) -> str:
        """An operator signs what the agency confirmed; the delivery's state then."""
        words = ("handoff", "receipt", delivery, "--url", f"https://exercise.invalid/{delivery}")
        return str(self.run("operator-1", *words)["state"])


@pytest.fixture
def office(make: Make) -> Office:
    """A deployment with two agencies, under the policy that is shipped."""
    stage = make()
    settings = stage.folder / "deployment.toml"
    server = f'simulator_smtp = "{stage.far.address("press_email")}"\n'
    timeouts = "".join(f"\n[channel.{channel}]\ntimeout_ms = 5000\n" for channel in BOUGHT)
    settings.write_text(server + settings.read_text() + timeouts)
    reopened(stage)
    made = Office(stage)
    for channel in BOUGHT:
        made.agency(channel)
    proof = made.file("proof.txt", "no government device has the app")
    about = ("--account", "tiktok_paid-1", "--evidence", proof, "--mode", "exercise")
    made.run("security-1", "evidence", "attest", "tiktok_paid", *about)
    return made


@pytest.fixture
def agreed(office: Office) -> Office:
    """The same, under the version that lets one campaign of £160,000 through."""
    put_in_force(office.stage.folder, EXAMPLE_POLICY.read_text() + CAMPAIGN.read_text(), now())
    reopened(office.stage)
    return office


def reopened(stage: Stage) -> None:
    """Read settings and trust again."""
    stage.desk.store.close()
    stage.desk = open_desk(stage.folder)


def attached(message: Message, kind: str) -> bytes:
    """What of this kind an e-mail carries."""
    (found,) = (part for part in message.content.iter_attachments() if part.get_content_type() == kind)
    data = found.get_payload(decode=True)
    assert isinstance(data, bytes)
    return data


def test_without_the_agreed_case_it_is_refused(office: Office) -> None:
    """The shipped policy's cap of a case is £90,000: G13, nobody is asked, and not one e-mail leaves."""
    told = office.submit(office.message(), ":AMC-2026-014", fails=3)
    assert "G13" in told
    assert "£110,000.37 is over the cap of social_paid" in told
    assert office.stage.ledger("plan.submitted", "spend.reserved") == []
    assert office.mail == []


def test_without_the_central_approval_it_is_refused(agreed: Office) -> None:
    """Both channels are one campaign: G13 names the sum and what is missing, and not one e-mail leaves."""
    told = agreed.submit(agreed.message(), fails=3)
    assert "G13" in told
    assert f"£160,000.00 for case {CASE} needs an amc_approval_ref" in told
    assert agreed.stage.ledger("plan.submitted", "spend.reserved") == []
    assert agreed.mail == []


def test_with_the_case_every_figure_is_right_to_the_penny(agreed: Office) -> None:
    """Reserved, released, ordered, confirmed and billed: the ledger, the orders and the review say the same."""
    plan = agreed.released()
    orders = {str(message.recipient).partition("@")[0]: message for message in agreed.mail}
    assert orders.keys() == BOUGHT.keys()
    for channel, pence in BOUGHT.items():
        said = json.loads(attached(orders[channel], "application/json"))
        assert (said["purchase"]["pence"], said["purchase"]["case"]) == (pence, CASE)
        assert (said["purchase"]["approval"], said["currency"], said["fees"]) == ("AMC-2026-014", "GBP", "included")
        assert f"Cap: £{pence // 100:,}.{pence % 100:02} ({pence} pence, GBP)" in orders[channel].text
        assert "Arhoswch dan do, Ŵyr: tŷ." in orders[channel].text
    rows = {row.channel: row for row in agreed.stage.rows(plan)}
    assert {row.state for row in rows.values()} == {DeliveryState.HANDED_OVER}
    shown = agreed.run("operator-1", "handoff", "open", rows["tiktok_paid"].id)
    assert shown["texts"]["mul"] == orders["tiktok_paid"].text.removesuffix("\n")
    assert [agreed.receipt(row.id) for row in rows.values()] == ["accepted"] * 2
    billed = {"social_paid": 10_999_999, "tiktok_paid": 4_999_963}
    for channel, pence in billed.items():
        words = ("--channel", channel, "--billed", pence, "--invoice", "INV-1")
        agreed.run("finance-1", "spend", "reconcile", plan, *words)
    listed = agreed.run("finance-1", "spend", "list", "--case", CASE)
    assert {row["channel"]: (row["pence"], row["billed"]) for row in listed["spends"]} == {
        channel: (BOUGHT[channel], billed[channel]) for channel in BOUGHT
    }
    review = agreed.run("reviewer-1", "review", rows["social_paid"].incident)
    (read,) = review["plans"]
    assert {(row["channel"], row["pence"], row["billed"], row["invoice"]) for row in read["spends"]} == {
        (channel, BOUGHT[channel], billed[channel], "INV-1") for channel in BOUGHT
    }


def test_what_the_agency_gets_is_what_was_signed(agreed: Office) -> None:
    """The JSON is the signed rendering's own options, and the record has the digests of both attachments."""
    plan = agreed.released()
    for message in agreed.mail:
        channel = str(message.recipient).partition("@")[0]
        signed = agreed.run("checker-1", "clearance", "read", plan)["texts"]
        words = next(one for one in signed if (one["channel"], one["text"]) == (channel, "publish"))["parts"][0]
        assert words["text"] == message.text.removesuffix("\n")
        reasons = [row.reason for row in agreed.stage.rows(plan) if row.channel == channel]
        for kind in ("application/json", "application/pdf"):
            assert hashlib.sha256(attached(message, kind)).hexdigest() in reasons[0]


def test_the_stop_goes_out_before_the_agency_confirms(agreed: Office) -> None:
    """One person withdraws: each kill contact is told by the order's number, and a receipt says that it stopped."""
    plan = agreed.released()
    ordered = {message.text.splitlines()[2].split()[-1] for message in agreed.mail}
    agreed.run("director-1", "withdraw", plan)
    agreed.stage.work(lambda: agreed.stage.ended(plan), roles=("relay", "accounts"))
    stops = agreed.mail[2:]
    assert {message.recipient for message in stops} == {"kill@agency.example"}
    assert {message.text.splitlines()[2] for message in stops} == {f"STOP ORDER {number}" for number in ordered}
    for row in agreed.stage.rows(plan):
        if row.kind == "withdraw":
            assert agreed.receipt(row.id) == "accepted"
    assert {row.pence for row in spent(agreed, plan)} == set(BOUGHT.values())


def spent(office: Office, plan: str) -> list[Any]:
    """The plan's rows of the spend ledger: a stop frees nothing, an invoice does."""
    with office.stage.desk.store.read() as work:
        return [row for row in spends.listed(work, SPENDS.c.plan == plan) if row.state == "committed"]

"""The reviewer's page: each of its questions is answered by its one command, on a recorded exercise.

The commands are those of the page itself, typed by a reviewer; so it cannot go stale (reference: policy 4, what a log
must answer in one query).
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dispatcher.cli.main import root
from dispatcher.domain.canonical import parse_time
from dispatcher.embedded.redis import RedisServer
from tests.exercise import ATTESTED, BILLED, NUMBERS, ORDERED, Exercise, recorded_at

pytestmark = pytest.mark.system

PAGE = Path(__file__).parents[2] / "docs" / "reviewing.md"
ROW = re.compile(r"^\| (?P<question>[^|]+\?) \| `dispatcher (?P<command>[^`]+)` \| (?P<reading>.+) \|$", re.MULTILINE)
WAY_IN = re.findall(r"^dispatcher (\S.*?)(?:  .*)?$", PAGE.read_text(), re.MULTILINE)
ROWS = {row["question"]: row for row in ROW.finditer(PAGE.read_text())}

Check = Callable[["Reviewer", Any], None]
ANSWERS: dict[str, Check] = {}
"""What the answer to each question must hold, by the question."""


def answers(question: str) -> Callable[[Check], Check]:
    """This is what the answer to a question of the page must hold."""

    def keep(check: Check) -> Check:
        ANSWERS[question] = check
        return check

    return keep


@dataclass
class Reviewer:
    """A reviewer at the command line, and what the exercise is known to have been."""

    recorded: Exercise
    folder: Path
    said: dict[str, str] = field(default_factory=dict)

    def ask(self, question: str) -> Any:
        """What the page's command says: its JSON, or the section of the document that the page names."""
        command = ROWS[question]["command"]
        if command not in self.said:
            self.said[command] = self.type(command)
        if "--markdown" not in command:
            return json.loads(self.said[command])
        title = ROWS[question]["reading"].split('"')[1]
        return self.said[command].partition(f"\n## {title}\n")[2].partition("\n## ")[0]

    def type(self, command: str) -> str:
        """What a command of the page prints."""
        names = {"INCIDENT": self.recorded.incident, "PLAN": self.recorded.plan, "DELIVERY": self.recorded.post}
        names |= {file: str(self.folder / file) for file in ("pack.zip", "review.html")}
        words = [names.get(word, word) for word in command.split()]
        deployment = self.recorded.stage.folder
        key = deployment / "keys" / "exercise" / "reviewer-1"
        about = {"DISPATCHER_DEPLOYMENT": str(deployment), "DISPATCHER_KEY": str(key), "SSH_AUTH_SOCK": None}
        done = CliRunner(env=about).invoke(root, words)
        assert done.exit_code == 0, (words, done.stderr, done.exception)
        return done.stdout


@pytest.fixture(scope="module")
def reviewer(tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer) -> Iterator[Reviewer]:
    """Somebody who comes after a recorded exercise."""
    folder = tmp_path_factory.mktemp("reviewing")
    with recorded_at(folder / "site", redis_server.url) as recorded:
        yield Reviewer(recorded, folder)


def test_every_question_of_the_page_is_asked_here() -> None:
    """And none that is not on it."""
    assert set(ROWS) == set(ANSWERS)


def test_the_way_in_leads_there(reviewer: Reviewer) -> None:
    """The incident is listed, it names its plans, they have that delivery, and the page is written."""
    found = [reviewer.type(command) for command in WAY_IN]
    recorded = reviewer.recorded
    for said, name in zip(found, (recorded.incident, recorded.plan, recorded.post, "review.html"), strict=True):
        assert name in said
    assert "EXERCISE" in (reviewer.folder / "review.html").read_text()


@pytest.mark.parametrize("question", ROWS)
def test_the_pages_command_answers(reviewer: Reviewer, question: str) -> None:
    """With the facts that answer it."""
    ANSWERS[question](reviewer, reviewer.ask(question))


def entries(found: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """The facts of the entries of one kind, the oldest first."""
    return [entry["facts"] for entry in found["entries"] if entry["kind"] == kind]


def row(section: str, *cells: str) -> list[str]:
    """The cells of the one row in which all of these stand."""
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    (found,) = [line for line in rows if all(any(cell in one for one in line) for cell in cells)]
    return found


@answers("What was known, and when?")
def _(reviewer: Reviewer, found: Any) -> None:
    """What the police said an hour before stands with that time, its own, and why it came late."""
    (said,), recorded = entries(found, "incident.evidence"), parse_time(found["entries"][2]["at"])
    assert (said["item"]["name"], said["item"]["source"]) == ("exact_location", "police")
    hour = timedelta(hours=1)
    assert hour <= recorded - parse_time(said["occurred_at"]) < hour + timedelta(seconds=9)
    assert said["late"] == "the radio log was read afterwards"
    assert entries(found, "incident.noted")[0]["text"] == "TikTok too: it is where under-25s look"


@answers("Who asked, checked, approved and refused, and why?")
def _(reviewer: Reviewer, found: Any) -> None:
    """The author asked, the checker refused one plan with a reason and approved the next, in that role, at a time."""
    plans = reviewer.recorded.rejected, reviewer.recorded.plan
    asked, refused, approved = (entries(found, f"statement.{kind}") for kind in ("submit", "reject", "approve"))
    assert [(one["actor"], one["subject"]) for one in asked[:2]] == [("author-1", plan) for plan in plans]
    assert [(one["actor"], one["role"], one["body"]["reason"]) for one in refused] == [
        ("checker-1", "checker", "the street is named wrongly")
    ]
    signed = [(one["actor"], one["role"]) for one in approved if one["subject"] == reviewer.recorded.plan]
    assert signed == [("checker-1", "checker"), ("security-1", "security"), ("director-1", "duty_director")]
    assert all(entry["at"].endswith("Z") for entry in found["entries"])


@answers("Did each of them hold that role at that minute?")
def _(reviewer: Reviewer, found: Any) -> None:
    """The security team's approval held, by the roster of then and of now."""
    approval = row(found, "security-1", "approve")
    assert (approval[2], *approval[-2:]) == ("security", "yes", "yes")


@answers("What exactly was said, in each language, on each channel?")
def _(reviewer: Reviewer, found: Any) -> None:
    """X and a text message do not carry the same characters; the correction stands beside the message."""
    said = {(one["account"], one["text"]): one["parts"] for one in found["texts"]}
    (post,), (text,) = said["x-1", "publish"], said["notify-1", "publish"]
    assert post["language"] == "en-GB"
    assert post["text"].startswith("EXERCISE EXERCISE EXERCISE\n\nStorm tonight\n\nStay indoors (")
    assert text["text"].startswith("EXERCISE EXERCISE EXERCISE\nStorm tonight\nStay indoors (")
    assert {kind for account, kind in said if account == "tiktok-1"} >= {"publish", "correct"}


@answers("Which policy, which clauses, and what was denied?")
def _(reviewer: Reviewer, found: Any) -> None:
    """The release that came too early: denied to the director by G12 on TikTok, and to nobody once all had signed."""
    assert row(found, "tests: webhooks are insertion orders")[0] == "paid"
    denied = row(found, "release refused", "G12")
    assert denied[4:8] == ["G12", "director-1", "tiktok", "no minister's decision for this plan on tiktok"]
    assert row(found, reviewer.recorded.plan[:12], "release by director-1")[-2:] == ["paid", "yes"]


@answers("Which mitigations were in force, and on what evidence?")
def _(reviewer: Reviewer, found: Any) -> None:
    """The device was secured, as the security team attested on a file of this digest."""
    held = row(found, "M02")
    assert (held[1:5], held[-1]) == (["tiktok-1 on tiktok", "yes", "people", "security-1 (security)"], ATTESTED)


@answers("What did the minister decide, and who recorded it?")
def _(reviewer: Reviewer, found: Any) -> None:
    """To agree, about TikTok; the private office wrote it down, and the minister's code came back."""
    (decided,), (confirmed,) = entries(found, "statement.decide"), entries(found, "statement.confirm")
    assert (decided["body"]["decision"], decided["body"]["channels"]) == ("agreed", ["tiktok"])
    assert (decided["actor"], decided["role"]) == ("private-office-1", "private_office")
    assert decided["subject"] == confirmed["subject"] == reviewer.recorded.plan


@answers("What became of each delivery, and what was called back?")
def _(reviewer: Reviewer, found: Any) -> None:
    """One number was refused, TikTok was stopped by the correction, and both posts were corrected."""
    ours = [one for one in found["deliveries"] if one["plan"] == reviewer.recorded.plan]
    told = {(one["account"], one["kind"], one["state"], one["reason"]) for one in ours}
    assert ("notify-1", "publish", "rejected", "Notify answered 400") in told
    assert ("tiktok-1", "publish", "cancelled", "overtaken by its correction") in told
    assert {("x-1", "correct", "visible", ""), ("bluesky-1", "correct", "visible", "")} <= told
    assert sum(one["account"] == "notify-1" for one in ours) == 2 * NUMBERS - 1


@answers("Each attempt, its answer, error and retry?")
def _(reviewer: Reviewer, found: Any) -> None:
    """X asked to wait with a 429, and took the post the second time; the receipt is its own name for it."""
    assert [(one["number"], one["verdict"], one["status"]) for one in found["tried"]] == [
        (1, "deferred", 429),
        (2, "accepted", 201),
    ]
    assert found["tried"][0]["reason"] == "X asks to wait"
    assert found["reference"] in found["url"]


@answers("What did the public see?")
def _(reviewer: Reviewer, found: Any) -> None:
    """The post on X was there, and so is its correction; nobody looks at text messages."""
    seen = row(found, "x-1", "its correction is there for the public to see")
    assert seen[3].startswith("is there for the public to see")
    assert seen[4].startswith("visible since ")
    assert row(found, "notify", "correction")[-2] == "nobody looks there"


@answers("How long from request to clear to visible?")
def _(reviewer: Reviewer, found: Any) -> None:
    """Each wait is somebody's: the checker's, the private office's, the machines'."""
    assert "to its first public post" in found
    assert row(found, "approving", "security-1")[3] == "security"
    assert row(found, "recording the minister's decision")[2] == "private-office-1"
    assert row(found, "resuming after a halt")[2] == "director-2"


@answers("What was reserved, committed and billed?")
def _(reviewer: Reviewer, found: Any) -> None:
    """The order was reserved, and the invoice was less."""
    (spent,), (case,) = found["spends"], found["cases"]
    assert (spent["plan"], spent["pence"], spent["billed"]) == (reviewer.recorded.paid, ORDERED, BILLED)
    assert (spent["state"], spent["invoice"]) == ("reconciled", "INV-2026-77")
    assert (case["reserved_pence"], case["committed_pence"], case["billed_pence"]) == (0, 0, BILLED)


@answers("What was corrected, and how fast?")
def _(reviewer: Reviewer, found: Any) -> None:
    """By whom and why, everywhere that it had reached, within these milliseconds of the order."""
    back = row(found, "it is the next street")
    assert (back[1], back[3]) == ("correction", "director-1")
    assert back[6] == f"{NUMBERS + 1} of {NUMBERS + 1}"
    first, last = (
        float(cell.replace("\\", "").split()[0]) * (1 if cell.endswith(" ms") else 1_000) for cell in back[-2:]
    )
    assert 0 < first <= last < 20_000


@answers("Was it a drill, was the glass broken, was it halted?")
def _(reviewer: Reviewer, found: Any) -> None:
    """A drill; all was halted by one and resumed by two others; the glass was broken by two and not reviewed."""
    assert reviewer.said["review INCIDENT --markdown"].splitlines()[2].startswith("**EXERCISE")
    halted = row(found, "ops-1 (ops)")
    assert (halted[2], halted[-1]) == ("all", "director-1, director-2")
    assert f"The glass was broken for plan {reviewer.recorded.urgent[:12]}" in found
    assert "by director-1, author-1" in found
    assert "water in the streets" in found.casefold()
    assert "Not reviewed" in found


@answers("Who read or exported the record?")
def _(reviewer: Reviewer, found: Any) -> None:
    """A reviewer did both; this question is itself on record, and so is a look at one delivery or one plan."""
    assert entries(found, "review.read")[0]["actor"] == "reviewer-1"
    assert entries(found, "evidence.exported")[0]["sha256"]
    for command in ("delivery show DELIVERY", "clearance read PLAN"):
        reviewer.type(command)
    again = json.loads(reviewer.type(ROWS["Who read or exported the record?"]["command"]))
    asked = {one["command"].removeprefix("dispatcher "): one["given"] for one in entries(again, "ledger.read")}
    assert asked["delivery show"] == {"name": reviewer.recorded.post}
    assert asked["clearance read"] == {"plan": reviewer.recorded.plan}
    assert "ledger tail" in asked


@answers("Is the record whole?")
def _(reviewer: Reviewer, found: Any) -> None:
    """It is, under a head that was kept outside the database, and it says what no head can know."""
    assert found["faults"] == []
    assert found["anchored"] > 100
    assert found["anchored"] + found["unanchored"] + found["waiting"] == found["entries"]
    assert found["cannot_know"]


@answers("How do I hand it over?")
def _(reviewer: Reviewer, found: Any) -> None:
    """One zip with the means to check it."""
    with zipfile.ZipFile(reviewer.folder / "pack.zip") as pack:
        assert {"MANIFEST.json", "ledger.jsonl", "verify.py", "verify.html"} <= set(pack.namelist())
    assert found["incident"] == reviewer.recorded.incident

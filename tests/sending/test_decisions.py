"""The sender's record of its decisions: each judgement once, each refusal once, whatever the disk does."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from channels.contract import Outcome, Verdict
from dispatcher.domain import canonical
from dispatcher.domain.statement import Statement, StatementKind
from dispatcher.gate.evidence import Failure
from dispatcher.sending.decisions import REMEMBERED, Decisions
from dispatcher.sending.permit import Permit, Refusal
from dispatcher.statements.toml import parse_toml
from dispatcher.statements.trust import policy_digest
from tests.builders import draft
from tests.cast import EXAMPLE_POLICY, HOUR, NOW, roster, signed
from tests.sending.handing import Office
from tests.sending.kit import House, run, told

SECOND = timedelta(seconds=1)
HALT = signed(StatementKind.HALT, "ops-1", scope="channel", target="x", at=NOW - SECOND)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A sender of X and webhook with a cleared plan."""
    return House(tmp_path, draft("x", "webhook"))


def written(path: Path, decided: str) -> list[dict[str, Any]]:
    """The entries of one kind, in order."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [entry for entry in map(json.loads, lines) if entry["decided"] == decided]


def clauses(entry: Mapping[str, Any]) -> list[str]:
    """The clauses that an entry says failed."""
    return [failure["clause"] for failure in entry["failures"]]


async def ask(house: House, channel: str = "x", times: int = 1, **changes: Any) -> list[Any]:
    """Ask for a permit, so many times."""
    order = replace(house.drafted.order(channel), **changes)
    return [await house.ask(order) for _ in range(times)]


def test_a_judgement_is_written_once_and_each_permit_names_it(house: House) -> None:
    """A hundred permits for one account rest on one entry."""

    async def main() -> list[Any]:
        return await ask(house, times=100)

    (entry,), named = written_after(house, main)
    assert named == {entry["decision"]}


def written_after(house: House, main: Any) -> tuple[list[dict[str, Any]], set[str]]:
    """The judgements on disk after asking, and the names that the permits carry."""
    answers = run(main)
    assert all(isinstance(answer, Permit) for answer in answers)
    return written(house.decisions_path, "plan"), {answer.decision for answer in answers}


def test_each_account_is_judged_for_itself(house: House) -> None:
    """X and the webhook have an entry each, named by their permits."""

    async def main() -> list[Any]:
        return [*await ask(house, "x"), *await ask(house, "webhook")]

    entries, named = written_after(house, main)
    assert [(entry["channel"], entry["account"]) for entry in entries] == [("x", "x-1"), ("webhook", "webhook-1")]
    assert named == {entry["decision"] for entry in entries}


def test_a_judgement_says_what_it_was_made_from(house: House) -> None:
    """Plan, generation, policy, roster, every statement, and until when it holds."""
    run(lambda: ask(house))
    (entry,) = written(house.decisions_path, "plan")
    plan = house.drafted.plan
    assert (entry["plan"], entry["generation"], entry["failures"]) == (plan.digest, plan.generation, [])
    assert set(entry["statements"]) == {Statement.decode(one.payload).id for one in house.envelopes}
    assert entry["at"] < entry["until"]
    assert (entry["policy"], entry["roster"]) == (
        policy_digest(parse_toml(EXAMPLE_POLICY.read_text(), EXAMPLE_POLICY.name)),
        roster().digest,
    )


def test_a_judgement_is_named_by_its_content(house: House) -> None:
    """Whoever changes an entry afterwards has to change its name, which the spent file holds too."""
    run(lambda: ask(house))
    (entry,) = written(house.decisions_path, "plan")
    name = entry.pop("decision")
    assert canonical.digest("decision/v1", canonical.encode(entry)) == name


def test_the_spent_file_names_the_decision_that_a_call_rests_on(house: House) -> None:
    """Only ``open`` does, which is written before the first byte."""

    async def main() -> Outcome | Refusal:
        return await house.deliver(house.drafted.order("x"))

    assert isinstance(outcome := run(main), Outcome)
    assert outcome.verdict is Verdict.ACCEPTED
    lines = [json.loads(line) for line in house.spent_path.read_text().splitlines()]
    (entry,) = written(house.decisions_path, "plan")
    assert [(line["event"], line.get("decision")) for line in lines] == [
        ("open", entry["decision"]),
        ("accepted", None),
    ]


def test_what_was_stopped_since_is_judged_anew(house: House) -> None:
    """After a stop that concerns another channel there is a second entry, and the permit names that."""

    async def main() -> list[Any]:
        before = await ask(house, "webhook")
        house.clock.advance(SECOND)
        await told(house.sender, HALT)
        return [*before, *await ask(house, "webhook")]

    entries, named = written_after(house, main)
    assert (len(entries), len(named)) == (2, 2)


def test_a_refusal_is_written_with_every_clause(house: House) -> None:
    """Not the first reason: all of them, with the fact and who can mend it."""
    run(lambda: ask(house, incident="inc-other", rendering="ab" * 32))
    (entry,) = written(house.decisions_path, "refusal")
    assert (entry["delivery"], clauses(entry)) == (house.drafted.order("x").delivery, ["G02", "G07", "G17"])
    assert all(failure["fact"] and failure["mend"] for failure in entry["failures"])


def test_the_same_refusal_is_written_once(house: House) -> None:
    """A delivery that is asked for again every second does not fill the disk."""

    async def main() -> None:
        await told(house.sender, HALT)
        await ask(house, times=50)

    run(main)
    assert [clauses(entry) for entry in written(house.decisions_path, "refusal")] == [["G16"]]


def test_another_refusal_of_the_same_delivery_is_written(house: House) -> None:
    """What is said changes, so it is said."""

    async def main() -> None:
        await told(house.sender, HALT)
        await ask(house)
        await ask(house, incident="inc-other")

    run(main)
    assert [clauses(entry) for entry in written(house.decisions_path, "refusal")] == [["G16"], ["G02", "G16"]]


def test_a_refusal_after_a_restart_is_written_again(house: House) -> None:
    """Nothing is read back: a new process says it once more."""

    async def main() -> None:
        await told(house.sender, HALT)
        await ask(house)
        house.start()
        await ask(house)

    run(main)
    assert len(written(house.decisions_path, "refusal")) == 2


def test_an_account_that_is_not_held_here_is_refused_on_record(house: House) -> None:
    """Refusals that no gate was asked for are written too."""
    run(lambda: ask(house, account="x-2"))
    assert [clauses(entry) for entry in written(house.decisions_path, "refusal")] == [["G07"]]


def test_a_hand_off_that_is_not_opened_is_refused_on_record(tmp_path: Path) -> None:
    """The issue of a code is a decision as well."""
    office = Office(tmp_path)

    async def main() -> tuple[str, ...]:
        await office.fresh()
        return await office.not_issued()

    assert run(main) == ("G15",)
    assert [clauses(entry) for entry in written(office.decisions_path, "refusal")] == [["G15"]]


def test_a_clock_that_is_off_judges_no_plan(house: House) -> None:
    """That it is off is on record, and nothing that was found by it."""

    async def main() -> None:
        house.clock.now += HOUR
        house.clock_set_by += HOUR
        await ask(house)

    run(main)
    assert written(house.decisions_path, "plan") == []
    assert [clauses(entry) for entry in written(house.decisions_path, "refusal")] == [["G04"]]


@pytest.fixture
def full(tmp_path: Path) -> House:
    """The same where the disk of its decisions is full."""
    (tmp_path / "decisions.jsonl").symlink_to("/dev/full")
    return House(tmp_path, draft("x", "webhook"))


def test_a_disk_that_is_full_is_logged_and_permits_are_given(full: House) -> None:
    """Without its record a permit is worth as much; what nothing leaves without is the spent file."""

    async def main() -> list[Any]:
        return await ask(full)

    with structlog.testing.capture_logs() as logs:
        (answer,) = run(main)
    assert isinstance(answer, Permit)
    assert [(log["event"], log["reason"]) for log in logs] == [
        ("decisions_not_written", "[Errno 28] No space left on device")
    ]


def test_a_full_disk_refuses_nothing_that_it_would_not_refuse_anyway(full: House) -> None:
    """A refusal that cannot be written is a refusal."""

    async def main() -> list[Any]:
        await told(full.sender, HALT)
        return list(await full.refused(full.drafted.order("x")))

    with structlog.testing.capture_logs():
        assert run(main) == ["G16"]


def test_nobody_else_may_read_or_change_the_record(house: House) -> None:
    """It is this sender's own."""
    run(lambda: ask(house))
    assert stat.S_IMODE(house.decisions_path.stat().st_mode) == 0o600


def test_a_closed_sender_keeps_no_file_open(house: House) -> None:
    """Neither its record of decisions nor its spent file."""

    async def main() -> list[str]:
        before = _open_files(house)
        await house.sender.close()
        return [*before, *_open_files(house)]

    assert run(main) == [house.decisions_path.name, house.spent_path.name]


def _open_files(house: House) -> list[str]:
    """Those of the sender that this process has open."""
    links = (link for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
    places = {link.readlink() for link in links}
    return [path.name for path in (house.decisions_path, house.spent_path) if path in places]


def test_what_was_said_is_remembered_of_so_many_deliveries(tmp_path: Path) -> None:
    """The oldest is forgotten, and said again; the memory does not grow."""
    decisions = Decisions(tmp_path / "decisions.jsonl")
    said = (Failure("G16", "halted", "two others"),)
    decisions.refused(((f"dlv-{number}", said) for number in range(REMEMBERED + 1)), NOW)
    decisions.refused([("dlv-0", said), (f"dlv-{REMEMBERED}", said)], NOW)
    again = [entry["delivery"] for entry in written(tmp_path / "decisions.jsonl", "refusal")][REMEMBERED + 1 :]
    assert again == ["dlv-0"]

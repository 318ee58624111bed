"""People are told by the commands that concern them, and no command fails or hangs because somebody was not."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from dispatcher.gate.policy_file import load
from dispatcher.sender_bootstrap import now
from dispatcher.statements.owned import owner_statement
from dispatcher.statements.roster import roster_toml
from dispatcher.statements.signing import KeyFileSigner, sign
from dispatcher.statements.trust import load_trust, write_envelopes
from tests.cli.conftest import Office
from tests.letterbox import THROUGH_APPRISE, Letterbox, letterbox

pytestmark = THROUGH_APPRISE
DISPATCHER = Path(sys.executable).with_name("dispatcher")


def reach(office: Office, **contacts: str) -> None:
    """Give people a contact each, on a roster that the owners signed anew."""
    trust = load_trust(office.folder / "trust", load)
    urls = {person.replace("_", "-"): (url,) for person, url in contacts.items()}
    people = (replace(p, contacts=urls.get(p.id, p.contacts)) for p in trust.roster.people)
    roster = replace(trust.roster, version=trust.roster.version + 1, people=tuple(people))
    signed = [
        sign(
            owner_statement(owner.person, trust.root, roster, trust.policy_digest, now(), secrets.token_hex(16)),
            KeyFileSigner(office.key(owner.person)),
        )
        for owner in trust.root.owners
    ]
    (office.folder / "trust" / "roster.toml").write_text(roster_toml(roster))
    (office.folder / "trust" / "roster.sigs.json").write_bytes(write_envelopes(signed))


def wait_at_most(office: Office, milliseconds: int) -> None:
    """Say in the settings how long a command waits for its notices."""
    with (office.folder / "deployment.toml").open("a") as settings:
        settings.write(f"\n[timing]\nnotice_ms = {milliseconds}\n")


def test_a_submission_reaches_an_approver_with_the_command(office: Office) -> None:
    """The checker's service gets title, plan and command; the ledger says who was told."""
    with letterbox() as box:
        reach(office, checker_1=box.url)
        plan = office.plan()
        letter = box.letter()
    assert letter["title"] == "EXERCISE Approval wanted: Storm"
    assert f"dispatcher clearance approve {plan[:12]}" in letter["message"]
    assert len(office.run("ledger", "tail", "--kind", "notice.sent").json["entries"]) == 1


@pytest.mark.parametrize("deed", ["reject", "revoke"])
def test_an_author_hears_that_a_plan_was_stopped(office: Office, deed: str) -> None:
    """Whichever command ended it."""
    plan = office.plan()
    with letterbox() as box:
        reach(office, author_1=box.url)
        office.run("clearance", deed, plan, "--reason", "wrong", by="director-1")
        assert box.letter()["title"].endswith("ed: Storm")


def test_a_renewal_asks_the_approvers_again(office: Office) -> None:
    """It is a new plan, which nobody has signed."""
    plan = office.released()
    with letterbox() as box:
        reach(office, checker_1=box.url)
        new = office.run("clearance", "renew", plan, by="author-1").json["plan"]
        assert new[:12] in box.letter()["message"]


@pytest.mark.parametrize("words", [("halt", "--mode", "exercise"), ("clearance", "suspend")])
def test_a_director_hears_of_whatever_stops_sending(office: Office, words: tuple[str, ...]) -> None:
    """A halt, and a suspension."""
    about = (office.plan(),) if "suspend" in words else ()
    with letterbox() as box:
        reach(office, director_1=box.url)
        office.run(*words, *about, by="ops-1")
        assert box.letter()["title"].startswith("EXERCISE ")


def test_a_resume_does_not_tell_of_the_halt_again(office: Office) -> None:
    """One halt, one notice."""
    with letterbox() as box:
        reach(office, director_1=box.url)
        halt = office.run("halt", "--mode", "exercise", by="ops-1").json["statement"]
        office.run("resume", halt, by="director-1")
        assert len(box.letters) == 1


def test_a_dead_contact_is_a_warning_without_its_url(office: Office) -> None:
    """The submission stands, exit code 0; the warning names person and scheme, and the next step still comes last."""
    message = office.message()
    reach(office, checker_1="json://token:p4ssw0rd@127.0.0.1:9/closed")
    said = office.run("clearance", "submit", message, by="author-1")
    assert "Warning: checker-1 was not told (json): reach them another way" in said.err
    assert "p4ssw0rd" not in said.out + said.err + office.run("ledger", "tail", "-n", "100").out
    assert said.err.splitlines()[-1].startswith("Next: dispatcher clearance approve")


def timed_halt(office: Office) -> float:
    """Halt in a process of its own; gives how many seconds that took until it was gone."""
    about = {"DISPATCHER_DEPLOYMENT": str(office.folder), "DISPATCHER_KEY": str(office.key("ops-1"))}
    began = time.monotonic()
    command = [str(DISPATCHER), "halt", "--mode", "exercise"]
    done = subprocess.run(command, env=os.environ | about, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Warning: director-1 was not told (json)" in done.stderr
    return time.monotonic() - began


def test_a_contact_that_never_answers_adds_no_more_than_the_bound(office: Office) -> None:
    """Against a contact that refuses at once, a hanging one costs the 1.5 s of the settings, not its own 60."""
    wait_at_most(office, 1_500)
    reach(office, director_1="json://127.0.0.1:9/closed")
    without = timed_halt(office)
    with letterbox(slow=True) as box:
        reach(office, director_1=box.url)
        spent = timed_halt(office)
        assert box.letters
    assert spent < without + 1.5 + 8  # a busy machine's slack; the service would have taken 60 s


def decide(office: Office, box: Letterbox) -> tuple[str, str]:
    """Record a decision that the minister hears of; gives the plan and all that the private office saw."""
    plan = office.plan()
    reach(office, minister_1=box.url)
    said = office.run("evidence", "decide", plan, "--decision", "agreed", by="private-office-1")
    assert (said.json["code"], said.json["sent_to"]) == (None, ["minister-1"])
    return plan, said.out + said.err


def test_the_minister_gets_the_code_and_the_private_office_does_not(office: Office) -> None:
    """It is in the minister's notice only, and read back from there it confirms."""
    with letterbox() as box:
        plan, seen = decide(office, box)
        code = box.letter()["message"].partition("24 hours: ")[2].splitlines()[0]
    assert (code in seen, "as the minister reads it back within 24 hours (minister-1)" in seen) == (False, True)
    office.run("evidence", "confirm", plan, "--code", code, by="private-office-1")


def test_a_code_that_nobody_took_is_shown_with_a_warning(office: Office) -> None:
    """The private office brings it to the minister by another route."""
    plan = office.plan()
    reach(office, minister_1="json://127.0.0.1:9/closed")
    said = office.run("evidence", "decide", plan, "--decision", "agreed", by="private-office-1")
    assert len(said.json["code"]) == len("XXXX-XXXX-XXXX")
    assert "bring it by another route" in said.err


def test_commands_that_tell_nobody_do_not_load_apprise() -> None:
    """It takes longer to load than most commands to run."""
    modules = "dispatcher.bootstrap, dispatcher.cli.clearance, dispatcher.cli.release, dispatcher.service.notices"
    code = f"import sys, {modules}; print('apprise' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == "False\n"

"""Acceptance stories 4 b and d, 10, 11 and 12: what people, money, channels and dates there are is policy's to say
(reference: policy 6.9). Roster and policy change as they would: proposed, signed by two owners, installed.
"""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from channels.webhook.simulator import secret as webhook_secret
from dispatcher.domain.canonical import format_time
from dispatcher.domain.people import Key, Person, Role, RoleHeld
from dispatcher.service import clearing
from dispatcher.statements.keys import parse_public_line
from dispatcher.statements.roster import roster_toml
from dispatcher.store import records
from dispatcher.store.records import StoredPlan
from dispatcher.store.tables import ACCOUNTS
from tests.e2e.attacker import attacker_on, nothing_leaves, refused
from tests.e2e.deployment import AUDIENCE, BOTH, Cleared, Deployment, Drafted, deployment_at
from tests.e2e.stories import PURPOSE, clauses, denied, installed, plan_of, proposed, scripted, typed
from tests.servers import program, until

pytestmark = pytest.mark.system

ROUTINE = "public_service_information"
VERSION = """
[[policy]]
version = "{name}"
inherits = "{inherits}"
effective_from = {begins}
recorded_at = {recorded}
source = "tests"
"""
PAID = """
[policy.channel.webhook]
tier = "T2"
placements = ["paid"]
spend = {{ cap_case_pence = {cap}, cap_year_pence = 40_000_000 }}
"""
STANDING = """
[policy.channel.x.standing.ukgov]
accounts = ["x-gov"]
purposes = ["public_service_information"]
requires_incident = false
minister = false
source = "tests: where what is wrong on the exempted account is put right"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A deployment whose trust files the stories change, one after the other. Each starts the roles it needs."""
    with deployment_at(tmp_path_factory.mktemp("site")) as made:
        for channel, name in (("x", "x-city"), ("x", "x-gov"), ("webhook", "webhook-council")):
            made.add(channel, name)
        for name in ("ukgov", "tiktok-city"):
            made.add("tiktok", name)
        yield made


def version(begins: datetime, inherits: str, tables: str = "", recorded: datetime | None = None) -> str:
    """A policy version that begins then."""
    name = f"story-{secrets.token_hex(4)}"
    times = {"begins": format_time(begins), "recorded": format_time(recorded or begins - timedelta(seconds=1))}
    return VERSION.format(name=name, inherits=inherits, **times) + tables


def amended(site: Deployment, *versions: str) -> Path:
    """The policy file with these versions besides."""
    file = site.folder.with_name(f"new-{secrets.token_hex(4)}") / "policy.toml"
    file.parent.mkdir()
    file.write_text((site.folder / "trust" / "policy.toml").read_text() + "".join(versions))
    return file


def in_force(site: Deployment, begins: datetime) -> None:
    """Wait until a version has begun."""
    until(lambda: site.desk.now() >= begins, f"the version of {begins:%H:%M:%S} is in force", 30)


def capped(site: Deployment, pence: int) -> None:
    """Have it become policy that webhooks are an agency's endpoint for insertion orders, under this cap of a case."""
    begins = site.desk.now() + timedelta(seconds=3)
    installed(site, amended(site, version(begins, "2025-12", PAID.format(cap=pence))))
    in_force(site, begins)


def order(drafted: Drafted, case: str, pence: int, approval: str = "") -> tuple[str, ...]:
    """The words that submit an insertion order."""
    spend = f"webhook={case}:{pence}{approval and ':'}{approval}"
    bought = ("--account", "webhook-council", "--placement", "paid", "--spend", spend)
    return ("clearance", "submit", drafted.message, "--purpose", PURPOSE, *bought)


def test_of_two_orders_that_race_for_a_cap_one_is_submitted(site: Deployment) -> None:
    """Story 10: the other fails G13, and has room only when the first one's invoice was reconciled."""
    capped(site, 9_000_000)
    both = [site.drafted(languages=BOTH) for _ in range(2)]
    with site.up(), ThreadPoolExecutor(2) as pool:
        race = [pool.submit(site.run, "--json", *order(one, "storms", 6_000_000), person="author-1") for one in both]
        codes = [run.result().returncode for run in race]
        assert sorted(codes) == [0, 3]
        won, lost = (both[codes.index(code)] for code in (0, 3))
        denied(site, lost.incident, "submission.refused", "G13")
        (plan,) = (stored.digest for stored in plans(site, won.incident))
        for person in ("checker-1", "welsh-checker-1", "director-1", "finance-1"):
            clearing.approve(site.desk, plan, site.pen(person))
        typed(site, "director-1", "release", plan)
        assert site.ended(Cleared(plan, won.incident, won.headline)) == {"accepted": 1}
        told = typed(site, "author-1", *order(lost, "storms", 6_000_000), fails=3)
        assert clauses(told) == {"G13"}
        bill = ("--channel", "webhook", "--billed", "2000000", "--invoice", "INV-1")
        typed(site, "finance-1", "spend", "reconcile", plan, *bill)
        typed(site, "author-1", *order(lost, "storms", 6_000_000))
        assert len(site.requests("webhook")) == 1


def test_an_order_over_the_threshold_names_its_central_approval(site: Deployment) -> None:
    """Story 10: £160,000 under a cap of £200,000 fails G13 by the name of what is missing; with it, it passes."""
    capped(site, 20_000_000)
    drafted = site.drafted(languages=BOTH)
    told = typed(site, "author-1", *order(drafted, "drought", 16_000_000), fails=3)
    assert clauses(told) == {"G13"}
    assert "amc_approval_ref" in told
    denied(site, drafted.incident, "submission.refused", "G13")
    made = typed(site, "author-1", *order(drafted, "drought", 16_000_000, "AMC-1"))
    assert "G13" not in clauses(str(made["channels"]))


def plans(site: Deployment, incident: str) -> list[StoredPlan]:
    """The plans of an incident."""
    with site.desk.store.read() as work:
        return records.plans_of(work, incident)


@pytest.fixture(scope="module")
def second_keys(site: Deployment) -> Mapping[str, Path]:
    """Two people have another key each, and another role: an author who checks, a checker who directs."""
    roster, files, now = site.desk.trust.roster, {}, site.desk.now()
    for person, role in (("author-1", Role.CHECKER), ("checker-1", Role.DUTY_DIRECTOR)):
        files[person] = site.folder.with_name(f"{person}-second")
        words = [str(program("ssh-keygen")), "-q", "-t", "ed25519", "-N", "", "-f", str(files[person])]
        subprocess.run(words, check=True)
        public = parse_public_line(files[person].with_suffix(".pub").read_text()).public
        people = (_also(one, role, Key(public, now)) if one.id == person else one for one in roster.people)
        roster = replace(roster, people=tuple(people))
    file = site.folder.with_name("roster.toml")
    file.write_text(roster_toml(roster))
    installed(site, file)
    return files


def _also(person: Person, role: Role, key: Key) -> Person:
    return replace(person, roles=(*person.roles, RoleHeld(role, key.not_before)), keys=(*person.keys, key))


def test_a_person_with_two_keys_counts_once(site: Deployment, second_keys: Mapping[str, Path]) -> None:
    """Story 4 b: a checker who approves as director too, with another key, leaves one of the two missing (G08)."""
    plan = site.submitted("x-city")
    typed(site, "checker-1", "clearance", "approve", plan.digest, "--role", "checker")
    second = ("clearance", "approve", plan.digest, "--role", "duty_director")
    typed(site, "checker-1", *second, key=second_keys["checker-1"])
    assert clauses(typed(site, "director-1", "release", plan.digest, fails=3)) == {"G08"}
    denied(site, plan.incident, "release.refused", "G08")


def test_an_author_does_not_approve_with_another_key(site: Deployment, second_keys: Mapping[str, Path]) -> None:
    """Story 4 b: who submitted with one key is told so with the other, whatever role they hold besides (G08)."""
    plan = site.submitted("x-city")
    told = typed(site, "author-1", "clearance", "approve", plan.digest, fails=8, key=second_keys["author-1"])
    assert "author-1 has a part in this plan (author, submitter)" in told
    assert clauses(told) == {"G08"}
    assert clauses(typed(site, "director-1", "release", plan.digest, fails=3)) == {"G08"}
    denied(site, plan.incident, "release.refused", "G08")


def test_a_deputy_does_not_approve_what_their_principal_edited(site: Deployment) -> None:
    """Story 4 d: a director who edits and has their deputy approve is one voice, and barred (G08)."""
    drafted = site.drafted()
    file = site.folder.with_name("edited.txt")
    file.write_text("Storm tonight\n\nStay in, please.")
    typed(site, "director-1", "message", "edit", drafted.message, "--text", f"en-GB={file}")
    plan = typed(site, "author-1", "clearance", "submit", drafted.message, "--account", "x-city")["plan"]
    for person in ("checker-1", "deputy-director-1"):
        typed(site, person, "clearance", "approve", plan)
    told = typed(site, "director-2", "release", plan, fails=3)
    assert "as director-1, with whom deputy-director-1 is one voice" in told
    denied(site, drafted.incident, "release.refused", "G08")


@pytest.mark.parametrize(
    ("channel", "address"),
    [("wechat", ""), ("WeChat ", ""), ("we_chat", ""), ("webhook", "https://api.weixin.qq.com/cgi-bin/message")],
)
def test_an_account_that_leads_to_wechat_is_not_added(site: Deployment, channel: str, address: str) -> None:
    """Story 11: by its name however it is spelled, nor by the address of a webhook (G05)."""
    secret = site.folder.with_name("secret.txt")
    secret.write_text(webhook_secret("wechat-city"))
    about = ("--channel", channel, "--handle", "@city", "--language", "en-GB", "--mode", "exercise")
    more = ("--set", f"base_url={address}", "--secret-file", f"secret={secret}")
    assert clauses(typed(site, "ops-1", "account", "add", "wechat-city", *about, *more, fails=8)) == {"G05"}


def test_a_wechat_post_that_everybody_signed_goes_nowhere(site: Deployment) -> None:
    """Story 11: director, security team and minister signed what a script put there; no gate, no glass opens it."""
    with site.up(), attacker_on(site) as attacker, nothing_leaves(site):
        like = site.submitted("x-city")
        account = attacker.row(ACCOUNTS, ACCOUNTS.c.id == "x-city")
        attacker.inserts(ACCOUNTS, account, id="wechat", channel="wechat")
        honest = plan_of(site, like)
        moved = replace(honest.destinations[0], account="wechat", channel="wechat")
        plan = scripted(attacker, like, replace(honest, destinations=(moved,)), due_in=timedelta(days=1))
        broken = ("clearance", "break-glass", plan.digest, "--reason", "people drown")
        assert clauses(typed(site, "director-1", *broken, fails=8)) == {"G05"}
        assert clauses(typed(site, "director-1", "release", plan.digest, fails=3)) == {"G05", "G17"}
        denied(site, plan.incident, "release.refused", "G05", "G17")
        attacker.dispatches(plan)
        attacker.lets_go(plan)
        assert "G07" in refused(site, plan)


def test_a_policy_that_loosens_does_so_from_its_date_on(site: Deployment) -> None:
    """Story 12: a routine post is refused before and goes out after; no other account's, and none planned before."""
    stricter = site.desk.now() + timedelta(seconds=3)
    looser = stricter + timedelta(seconds=10)
    installed(site, amended(site, version(stricter, "2024-11"), version(looser, "2025-12", STANDING)))
    record, other = site.drafted(kind="none"), site.drafted(kind="none")
    in_force(site, stricter)
    told = typed(site, "author-1", *routine(record, "ukgov"), fails=3)
    assert clauses(told) == {"G02", "G06"}
    denied(site, record.incident, "submission.refused", "G02", "G06")
    with attacker_on(site) as attacker:
        like = site.submitted("ukgov", "x-gov")
        before = replace(plan_of(site, like), incident=record.incident, incident_kind="none", evidence=())
        old = scripted(attacker, like, replace(before, purpose=ROUTINE), due_in=timedelta(days=1))
        asked = ("policy", "replay", old.digest, "--at", site.desk.now().isoformat())
        yesterday = typed(site, "reviewer-1", *asked)
        in_force(site, looser)
        assert typed(site, "reviewer-1", *asked) == yesterday
        assert [answer["permitted"] for answer in yesterday["answers"]] == [False, False]
        with site.up():
            plan = typed(site, "author-1", *routine(record, "ukgov"))["plan"]
            for person in ("checker-1", "director-1", "security-1"):
                typed(site, person, "clearance", "approve", plan)
            typed(site, "director-1", "release", plan)
            assert site.ended(Cleared(plan, record.incident, record.headline)) == {"accepted": 1, "handed_over": 1}
            with nothing_leaves(site):
                told = typed(site, "author-1", *routine(other, "tiktok-city"), fails=3)
                assert clauses(told) == {"G02", "G06"}
                attacker.dispatches(old)
                attacker.lets_go(old)
                assert {"G02", "G06"} <= refused(site, old)


def routine(drafted: Drafted, account: str) -> tuple[str, ...]:
    """The words that submit a routine post on TikTok, with the account where it would be put right."""
    places = ("--account", account, "--account", "x-gov")
    return ("clearance", "submit", drafted.message, *places, "--purpose", ROUTINE, "--no-alternative", AUDIENCE)


def test_a_back_dated_version_is_not_installed(site: Deployment) -> None:
    """Story 12: signed by two owners or not, what loosens a rule begins after they signed."""
    begun = site.desk.policy()
    begins = begun.effective_from + timedelta(milliseconds=1)
    folder = proposed(site, amended(site, version(begins, "2025-12", PAID.format(cap=39_000_000))))
    told = typed(site, "owner-1", "roster", "install", folder, fails=2)
    assert "begins before its owners signed it" in told
    assert typed(site, "reviewer-1", "policy", "show")["digest"] == begun.digest

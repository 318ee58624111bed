"""Acceptance stories 2, 3, 7 and 9: what becomes of a plan that its clearance, time or mode leaves half-way
(reference: policy 6.9).

Of story 7, a role that finds a credential of the other mode does not start (``test_live``), a live plan moved into
the exercise is refused (``test_forged_rows``); here is the other way round, and what a signature for one mode is
worth in the other.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from dispatcher.domain.plan import Plan
from dispatcher.domain.statement import Mode
from dispatcher.gate.policy import CheckedBy
from dispatcher.store.tables import DELIVERIES, DISPATCHES, INCIDENTS, PLANS, STATEMENTS
from tests.e2e.attacker import attacker_on, nothing_leaves, refused
from tests.e2e.deployment import BOTH, DEVICE, USERS, Cleared, Deployment, deployment_at, shifted
from tests.e2e.stories import Roles, clauses, denied, plan_of, roles_of, typed
from tests.servers import program, until

pytestmark = pytest.mark.system

WINDOW = timedelta(seconds=13)
TIMING = {"lease_ms": 30_000, "quiet_ms": 13_000}
CHANNELS = {"bluesky": {"timeout_ms": 7_000, "lag_ms": 300}}
"""What is in doubt is looked for when the window is over; a call to Bluesky needs half of the window."""

TOO_LATE_S, NO_ROOM_S, ANSWERS_S = 60, 7, 6
SIX = ("x-city", "x-dinas", "x-gov", "bluesky-city", "webhook-council", "feed-city")
M06_LASTS = timedelta(hours=168)


@pytest.fixture(scope="module")
def roles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roles]:
    """A deployment with waits of its own whose people have had their keys for a while, and its roles."""
    with deployment_at(tmp_path_factory.mktemp("site"), timing=TIMING, channels=CHANNELS, age=2 * M06_LASTS) as site:
        for name in SIX:
            site.add({"feed": "cap_feed"}.get(name.partition("-")[0], name.partition("-")[0]), name)
        site.add("x", "live-x", Mode.LIVE)
        for name in ("tiktok-city", "tiktok-other", "tiktok-terms"):
            site.add("tiktok", name)
        site.add("tiktok", "tiktok-ages", attested=False)
        with roles_of(site) as running:
            yield running


@pytest.fixture
def site(roles: Roles) -> Deployment:
    """The same, for who does not mind its roles."""
    return roles.site


def read(site: Deployment, incident: str) -> Any:
    """What a reviewer reads of an incident."""
    return typed(site, "reviewer-1", "review", incident)


def sentences(review: Any) -> dict[str, str]:
    """What a review says of each account."""
    return {delivery["account"]: delivery["sentence"] for delivery in review["deliveries"]}


@dataclass(frozen=True, slots=True)
class Ended:
    """A plan over six accounts whose window ended mid-way; ``asked`` are all requests to publish until then."""

    site: Deployment
    plan: Cleared
    signed: Plan
    asked: Sequence[dict[str, Any]]


@pytest.fixture(scope="module")
def ended(roles: Roles) -> Ended:
    """Story 2, with the roles started again when the window had hardly any room left."""
    site = roles.site
    before = len(site.requests())
    plan = site.cleared(*SIX, languages=BOTH, window=WINDOW)
    site.fault(provider="x", kind="act_then_drop", match=USERS["x-city"])
    site.fault(provider="x", kind="throttle", match=USERS["x-gov"], delay_s=TOO_LATE_S)
    site.fault(provider="bluesky", kind="throttle", delay_s=NO_ROOM_S)
    typed(site, "director-1", "release", plan.digest)
    until(lambda: site.states(plan).get("expired") == 2, "no room is left for two", WINDOW.total_seconds())
    assert site.states(plan) == {"accepted": 3, "in_doubt": 1, "expired": 2}
    roles.restart()
    assert site.ended(plan) == {"accepted": 4, "expired": 2}
    return Ended(site, plan, plan_of(site, plan), site.requests()[before:])


def test_a_window_that_ends_mid_way_leaves_four_of_six(ended: Ended) -> None:
    """Story 2: whoever follows the plan hears that not everything ended well, and of how many."""
    told = typed(ended.site, "director-1", "watch", ended.plan.digest, fails=6)
    assert "2 expired" in told
    states = typed(ended.site, "director-1", "status")["plans"]
    (counted,) = (plan["deliveries"] for plan in states if plan["plan"] == ended.plan.digest)
    assert counted == {"accepted": 4, "expired": 2}


def test_what_a_look_finds_after_the_end_was_committed_before_it(ended: Ended) -> None:
    """Story 2: the review says so of the post whose answer was lost, and of no other."""
    said = sentences(read(ended.site, ended.plan.incident))
    late = {account for account, sentence in said.items() if "committed before its window ended" in sentence}
    assert late == {"x-city"}
    assert "found on the channel" in said["x-city"]


def test_what_its_platform_told_to_wait_expires(ended: Ended) -> None:
    """Story 2: one was told to wait beyond the end; for the other the gate found no room left (G04)."""
    said = sentences(read(ended.site, ended.plan.incident))
    assert said["x-gov"].startswith("ran out of time before anything left: X asks to wait; no time left")
    assert "the window ends at" in said["bluesky-city"]
    denied(ended.site, ended.plan.incident, "gate.refused", "G04")


def test_nothing_is_asked_for_after_the_end(ended: Ended) -> None:
    """Story 2: one request for each account less the feed, all before the end; the restart added none."""
    assert Counter(request["provider"] for request in ended.asked) == {"x": 3, "bluesky": 1, "webhook": 1}
    assert max(datetime.fromisoformat(request["at"]) for request in ended.asked) < ended.signed.not_after
    shown = {name: len(ended.site.published(name, ended.plan.headline)) for name in ("x", "bluesky", "webhook")}
    assert shown == {"x": 2, "bluesky": 0, "webhook": 1}
    assert sum(ended.plan.headline in alert for alert in ended.site.alerts()) == 1


def test_every_exercise_post_says_so(ended: Ended) -> None:
    """Story 7: whatever reached a platform or a feed carries EXERCISE."""
    texts = [effect["text"] for effect in ended.site.journal()["effects"]] + ended.site.alerts()
    assert texts
    assert [text for text in texts if "EXERCISE" not in text] == []


def test_a_revocation_in_flight_stops_what_it_can_and_says_what_it_could_not(site: Deployment) -> None:
    """Story 3: no packet is opened any more, a late success is known as revoked, what is unknown stays so."""
    names = ("x-city", "bluesky-city", "webhook-council", "tiktok-city", "tiktok-other")
    plan = site.cleared(*names, languages=BOTH)
    site.fault(provider="x", kind="act_then_drop", match=USERS["x-city"])
    site.fault(provider="bluesky", kind="late", delay_s=ANSWERS_S)
    site.fault(provider="webhook", kind="throttle", delay_s=TOO_LATE_S)
    typed(site, "director-1", "release", plan.digest)
    under_way = {"in_doubt": 1, "sending": 1, "ready": 1, "handed_over": 2}
    until(lambda: site.states(plan) == under_way, "everything is under way", ANSWERS_S)
    delivery = {row.account: row.id for row in site.rows(plan)}
    typed(site, "operator-1", "handoff", "open", delivery["tiktok-city"])
    with nothing_leaves(site):
        typed(site, "director-1", "clearance", "revoke", plan.digest, "--reason", "the storm turned")
        assert site.states(plan) == {"in_doubt": 1, "sending": 1, "cancelled": 1, "handed_over": 2}
        again = typed(site, "operator-2", "handoff", "open", delivery["tiktok-city"], fails=8)
        assert "was issued already" in again
        assert clauses(typed(site, "operator-1", "handoff", "open", delivery["tiktok-other"], fails=3)) == {"G03"}
        until(lambda: site.states(plan).get("accepted"), "the late answer is taken", 2 * ANSWERS_S)
        assert site.states(plan) == {"in_doubt": 1, "accepted": 1, "cancelled": 1, "handed_over": 2}
        assert site.ended(plan) == {"accepted": 2, "cancelled": 1, "handed_over": 2}
    found = read(site, plan.incident)
    said, (stopped,) = sentences(found), (one["stopped_in_ms"] for one in found["plans"])
    armed = "its plan was revoked, and its correction is armed"
    assert {account for account, sentence in said.items() if armed in sentence} == {"bluesky-city", "x-city"}
    assert stopped == 0
    denied(site, plan.incident, "hand_off.refused", "G03")


def handed_over(site: Deployment, account: str) -> tuple[Cleared, str]:
    """A released plan that waits for the operators of an account; returns it and that delivery."""
    plan = site.cleared(account, "x-city")
    site.release(plan)
    assert site.ended(plan) == {"accepted": 1, "handed_over": 1}
    (delivery,) = (str(row.id) for row in site.rows(plan) if row.account == account)
    return plan, delivery


def attest(site: Deployment, person: str, account: str, code: str, version: str, fails: int = 0) -> Any:
    """Somebody types an attestation of one mitigation."""
    scan = site.folder.with_name("scan.txt")
    scan.write_text(f"{account}: looked at")
    device = ("--device", DEVICE.format(account), "--app-version", version, "--mitigation", code)
    about = ("tiktok", "--account", account, *device, "--evidence", str(scan), "--mode", "exercise")
    return typed(site, person, "evidence", "attest", *about, fails=fails)


def test_an_attestation_that_lapses_after_clearing_keeps_the_packet_closed(site: Deployment) -> None:
    """Story 9: M06 turns seven days old (G11); no operator mends that, the security team does, and both are kept."""
    lapses = site.desk.now() + timedelta(seconds=12)
    rules = site.desk.policy()
    asked = [c for c in rules.channel["tiktok"].mitigations if rules.mitigation[c].checked_by != CheckedBy.SOFTWARE]
    site.attest("tiktok-ages", *(code for code in asked if code != "M06"))
    site.attest("tiktok-ages", "M06", at=shifted(site.desk, lapses - M06_LASTS - site.desk.now()))
    plan, delivery = handed_over(site, "tiktok-ages")
    until(lambda: site.desk.now() >= lapses, "the attestation is seven days old")
    told = typed(site, "operator-1", "handoff", "open", delivery, fails=3)
    assert clauses(told) == {"G11"}
    assert "M06" in told
    attest(site, "operator-1", "tiktok-ages", "M06", "41.2", fails=4)
    attest(site, "security-1", "tiktok-ages", "M06", "41.2")
    typed(site, "operator-1", "handoff", "open", delivery)
    denied(site, plan.incident, "hand_off.refused", "G11")
    assert len(site.entries("hand_off.opened", delivery=delivery)) == 1


def test_an_app_that_changed_after_clearing_keeps_the_packet_closed(site: Deployment) -> None:
    """Story 9: a newer attestation names another version of the app (M10), until its terms were read again."""
    plan, delivery = handed_over(site, "tiktok-terms")
    attest(site, "security-1", "tiktok-terms", "M08", "41.3")
    told = typed(site, "operator-1", "handoff", "open", delivery, fails=3)
    assert clauses(told) == {"G11"}
    assert "M10 the app is now version 41.3" in told
    attest(site, "security-1", "tiktok-terms", "M10", "41.3")
    typed(site, "operator-1", "handoff", "open", delivery)
    denied(site, plan.incident, "hand_off.refused", "G11")


def test_an_exercise_moved_to_a_live_account_is_refused(site: Deployment) -> None:
    """Story 7: every row says live, the incident's too; the signed plan does not, and no signature counts there."""
    plan = site.cleared("x-city")
    with attacker_on(site) as attacker, nothing_leaves(site):
        attacker.holds_back(plan)
        typed(site, "director-1", "release", plan.digest)
        for table, where in (
            (INCIDENTS, INCIDENTS.c.id == plan.incident),
            (PLANS, PLANS.c.digest == plan.digest),
            (DISPATCHES, DISPATCHES.c.plan == plan.digest),
            (STATEMENTS, STATEMENTS.c.subject == plan.digest),
            (DELIVERIES, DELIVERIES.c.plan == plan.digest),
        ):
            attacker.does(update(table).where(where).values(mode="live"))
        moved = {"account": "live-x", "destination": "live-x"}
        attacker.does(update(DELIVERIES).where(DELIVERIES.c.plan == plan.digest).values(**moved))
        attacker.lets_go(plan)
        with site.role("accounts", Mode.LIVE):
            assert {"G03", "G08", "G14"} <= refused(site, plan)


def test_a_signature_for_the_other_mode_is_not_taken(site: Deployment) -> None:
    """Story 7: the very bytes of an approval, signed in the live namespace, approve no exercise."""
    plan = site.submitted("x-city")
    file = site.folder.with_name(f"{plan.digest}.statement")
    key = site.folder / "keys" / "exercise" / "checker-1"
    typed(site, "checker-1", "clearance", "approve", plan.digest, "--to-sign", str(file), fails=4)
    words = [str(program("ssh-keygen")), "-Y", "sign", "-n", "dispatcher-live-v1", "-f", str(key), str(file)]
    subprocess.run(words, check=True, capture_output=True)
    halves = ("--payload", str(file), "--signature", f"{file}.sig")
    told = typed(site, "checker-1", "clearance", "approve", plan.digest, *halves, fails=2)
    assert "signed for 'dispatcher-live-v1', needed for 'dispatcher-exercise-v1'" in told
    assert site.entries("statement.approve", subject=plan.digest) == []

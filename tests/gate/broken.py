"""The table of broken facts: for each clause, what breaks it, the words it is told in, and who can mend it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from channels.contract import DeliveryKind
from dispatcher.domain.incident import Severity
from dispatcher.domain.message import TextKind
from dispatcher.domain.people import Role
from dispatcher.domain.statement import Mode, StatementKind
from dispatcher.gate.evidence import Then
from dispatcher.gate.stops import Stops, stops_from
from tests.builders import MITIGATIONS, READ_BACK_CODE, assessed, attested, draft, everything_signed, evidence_for
from tests.cast import DAY, HOUR, NOW, person, roster, signed
from tests.gate.support import (
    CLEARED,
    MICROSECOND,
    PLAN,
    SECOND,
    Broken,
    about,
    cleared,
    decided,
    halted,
    paid,
    planned,
    planned_without,
    revoked,
    unarmed,
    under,
    without,
)

BROKEN = {
    "policy unknown": Broken(
        "G01", "names a policy version that is not", "new plan", lambda: planned(policy="ab" * 32), "x"
    ),
    "other incident": Broken("G02", "belongs to incident inc-b", "plan for that", facts=(("incident", "inc-b"),)),
    "incident over": Broken(
        "G02", "the incident is stood_down", "activates", facts=(("incident_state", "stood_down"),)
    ),
    "incident closed": Broken(
        "G02",
        "the incident is closed",
        "activates",
        lambda: evidence_for(PLAN, everything_signed(PLAN, [DeliveryKind.CORRECT])),
        "x",
        TextKind.CORRECT,
        (("incident_state", "closed"),),
    ),
    "unreleased": Broken(
        "G03", "no signed release", "duty_director", lambda: evidence_for(PLAN, without(StatementKind.RELEASE))
    ),
    "released for another kind": Broken("G03", "covers correct", "duty_director", text=TextKind.CORRECT),
    "released by another role": Broken(
        "G03",
        "no signed release",
        "duty_director",
        lambda: cleared(
            about(StatementKind.RELEASE, "security-1", kinds=["publish"]), instead_of=StatementKind.RELEASE
        ),
    ),
    "revoked": Broken("G03", "revoked by security-1", "new plan", revoked, then=Then.CANCEL),
    "window not open": Broken(
        "G04", "opens at 12:00:00", "wait", lambda: planned(not_before=NOW + MICROSECOND), "x", then=Then.WAIT
    ),
    "window over": Broken(
        "G04",
        "ends at 2026-11-21 12:00:09",
        "new plan",
        lambda: planned(not_after=NOW + timedelta(seconds=9, microseconds=999_999)),
        "x",
        then=Then.EXPIRE,
    ),
    "message no longer valid": Broken(
        "G04", "window ends", "new plan", lambda: planned(valid_until=NOW + 4 * SECOND), "x", then=Then.EXPIRE
    ),
    "window too long": Broken(
        "G04", "longer than 360 minutes", "shorter window", lambda: planned("tiktok", not_before=NOW - 3 * HOUR)
    ),
    "way back over": Broken(
        "G04",
        "window ends",
        "new plan",
        lambda: evidence_for(
            (late := draft("x", valid_until=NOW - 72 * HOUR, armed_not_after=NOW + DAY).plan),
            everything_signed(late, [DeliveryKind.CORRECT]),
        ),
        "x",
        TextKind.CORRECT,
        then=Then.EXPIRE,
    ),
    "channel not used": Broken(
        "G05", "no signature opens tier T4", "two policy owners", lambda: planned("wechat"), "wechat"
    ),
    "channel not listed": Broken(
        "G05",
        "does not have channel webhook",
        "two policy owners",
        lambda: under(lambda version: version["channel"].pop("webhook")),
        "webhook",
    ),
    "placement not allowed": Broken(
        "G05",
        "does not allow organic placement on webhook",
        "two policy owners",
        lambda: under(lambda version: version["channel"]["webhook"].update(placements=["paid"])),
        "webhook",
    ),
    "purpose not listed": Broken(
        "G06", "purpose campaign is not listed", "two policy owners", lambda: planned(purpose="campaign"), "x"
    ),
    "purpose not for TikTok": Broken(
        "G06", "purpose public_safety", "two policy owners", lambda: planned("tiktok", purpose="public_safety")
    ),
    "incident kind not listed": Broken(
        "G06", "incident kind festival", "two policy owners", lambda: planned(incident_kind="festival"), "x"
    ),
    "account not listed": Broken(
        "G06",
        "account x-1 is not listed",
        "two policy owners",
        lambda: under(lambda version: version["channel"]["x"].update(accounts=["other"])),
        "x",
    ),
    "not severe enough": Broken(
        "G06", "severity S1 is below S2", "other channels", lambda: planned("tiktok", severity=Severity.S1)
    ),
    "account not in the plan": Broken(
        "G07", "does not have account hook-9 on webhook", "author", facts=(("account", "hook-9"),), channel="webhook"
    ),
    "bytes differ": Broken("G07", "not the one that was signed", "author", facts=(("rendering", "ab" * 32),)),
    "text of another kind": Broken(
        "G07",
        "the publish text is not",
        "author",
        facts=(("rendering", PLAN.destinations[0].renderings[TextKind.CORRECT]),),
        channel="x",
    ),
    "recipient not proved": Broken(
        "G07", "no such row", "author", channel="notify", facts=(("recipient_fault", "no such row"),)
    ),
    "not submitted": Broken(
        "G08", "no contributor signed", "author", lambda: evidence_for(PLAN, without(StatementKind.SUBMIT))
    ),
    "submitted by an outsider": Broken(
        "G08",
        "no contributor signed",
        "author",
        lambda: cleared(about(StatementKind.SUBMIT, "ops-1"), instead_of=StatementKind.SUBMIT),
    ),
    "rejected": Broken(
        "G08",
        "rejected by legal-1 (legal)",
        "author",
        lambda: cleared(about(StatementKind.REJECT, "legal-1", channels=["tiktok"])),
        then=Then.CANCEL,
    ),
    "rejected without saying where": Broken(
        "G08",
        "rejected by legal-1",
        "author",
        lambda: cleared(about(StatementKind.REJECT, "legal-1")),
        then=Then.CANCEL,
    ),
    "checker missing": Broken(
        "G08",
        "approval missing: checker",
        "checker",
        lambda: evidence_for(PLAN, without(StatementKind.APPROVE, Role.CHECKER)),
    ),
    "security missing": Broken(
        "G08",
        "approval missing: security",
        "security",
        lambda: evidence_for(PLAN, without(StatementKind.APPROVE, Role.SECURITY)),
    ),
    "approver contributed": Broken(
        "G08",
        "checker-1 does not count (edit in this plan)",
        "checker",
        lambda: planned(contributors={"author-1": ("author",), "checker-1": ("edit",)}),
        "x",
    ),
    "approved for another channel": Broken(
        "G08",
        "approval missing: duty_director",
        "duty_director",
        lambda: evidence_for(
            PLAN,
            [
                *without(StatementKind.APPROVE, Role.DUTY_DIRECTOR),
                about(StatementKind.APPROVE, "director-1", channels=["x"]),
            ],
        ),
    ),
    "approval lapsed": Broken(
        "G08",
        "approval missing: checker",
        "checker",
        lambda: evidence_for(
            PLAN,
            [
                *without(StatementKind.APPROVE, Role.CHECKER),
                about(StatementKind.APPROVE, "checker-1", expires=NOW, channels=list(PLAN.channels)),
            ],
        ),
    ),
    "flag not cleared": Broken("G08", "approval missing: legal", "legal", lambda: planned(flags=("arrest",)), "x"),
    "language not checked": Broken(
        "G08",
        "nobody has checked the language: cy",
        "language_checker",
        lambda: evidence_for(PLAN, without(StatementKind.APPROVE, Role.LANGUAGE_CHECKER)),
    ),
    "language checked by no native": Broken(
        "G08",
        "nobody has checked the language: cy",
        "language_checker",
        lambda: replace(CLEARED, roster=roster(checker_cy=replace(person("checker-cy"), languages=("fr",)))),
    ),
    "not assessed": Broken(
        "G09", "no assessment of x (organic)", "security", lambda: planned_without(StatementKind.ASSESS), "x"
    ),
    "assessed for paid only": Broken(
        "G09",
        "no assessment of x (organic)",
        "security",
        lambda: cleared(
            signed(StatementKind.ASSESS, "director-2", channel="x", placement="paid", outcome="permitted"),
            instead_of=StatementKind.ASSESS,
        ),
        "x",
    ),
    "assessment too old": Broken(
        "G09",
        "too old",
        "security",
        lambda: cleared(assessed("x", at=NOW - 180 * DAY), instead_of=StatementKind.ASSESS),
        "x",
    ),
    "assessed as refused since": Broken(
        "G09",
        "was assessed as refused",
        "two policy owners",
        lambda: cleared(assessed("x", "refused", at=NOW - DAY)),
        "x",
    ),
    "assessed by another role": Broken(
        "G09",
        "no assessment of x",
        "security",
        lambda: cleared(
            signed(StatementKind.ASSESS, "ops-1", channel="x", placement="organic", outcome="permitted"),
            instead_of=StatementKind.ASSESS,
        ),
        "x",
    ),
    "no exemption": Broken(
        "G10", "no exemption covers account tiktok-1", "security", lambda: planned_without(StatementKind.EXEMPT)
    ),
    "exemption for another account": Broken(
        "G10",
        "no exemption covers account tiktok-1",
        "security",
        lambda: cleared(
            signed(StatementKind.EXEMPT, "security-2", channel="tiktok", account="*"),
            instead_of=StatementKind.EXEMPT,
        ),
    ),
    "no attestation": Broken(
        "G11", "too long ago: M01 M02", "security", lambda: planned_without(StatementKind.ATTEST)
    ),
    "one mitigation not attested": Broken(
        "G11",
        "not attested, or too long ago: M13",
        "security",
        lambda: cleared(
            attested(*(code for code in MITIGATIONS if code != "M13")),
            instead_of=StatementKind.ATTEST,
        ),
    ),
    "attestations a day old": Broken(
        "G11",
        "not attested, or too long ago: M01 M08 M19",
        "security",
        lambda: cleared(attested(at=NOW - DAY), instead_of=StatementKind.ATTEST),
    ),
    "no decision": Broken("G12", "no minister's decision", "minister", lambda: planned_without(StatementKind.DECIDE)),
    "minister refused": Broken("G12", "the minister refused", "minister", lambda: decided(decision="refused")),
    "refused beside an agreement": Broken(
        "G12",
        "the minister refused",
        "minister",
        lambda: cleared(about(StatementKind.DECIDE, "minister-1", decision="refused", channels=["tiktok"])),
    ),
    "decision for another channel": Broken(
        "G12", "no minister's decision", "minister", lambda: decided(channels=["x"])
    ),
    "decision unconfirmed": Broken(
        "G12", "not confirmed within 24 hours", "minister", lambda: planned_without(StatementKind.CONFIRM)
    ),
    "decision confirmed with a wrong code": Broken(
        "G12",
        "not confirmed",
        "minister",
        lambda: cleared(
            about(StatementKind.CONFIRM, "private-1", at=NOW - DAY, code="0000"), instead_of=StatementKind.CONFIRM
        ),
    ),
    "decision confirmed too late": Broken(
        "G12",
        "not confirmed",
        "minister",
        lambda: cleared(
            about(StatementKind.CONFIRM, "private-1", at=NOW - HOUR, code=READ_BACK_CODE),
            instead_of=StatementKind.CONFIRM,
        ),
    ),
    "decision with an odd code": Broken(
        "G12", "not confirmed", "minister", lambda: decided(at=25 * HOUR, code_digest="ŵ")
    ),
    "decision recorded by a contributor": Broken(
        "G12",
        "private-1 recorded the decision and contributed",
        "minister",
        lambda: planned("tiktok", contributors={"author-1": ("author",), "private-1": ("edit",)}),
    ),
    "decision recorded by an approver": Broken(
        "G12",
        "private-1 recorded the decision and approved as checker",
        "minister",
        lambda: cleared(
            signed(StatementKind.APPROVE, "private-1", Role.CHECKER, subject=PLAN.digest, channels=["tiktok"]),
            roster=roster(private_1=person("private-1", Role.CHECKER)),
        ),
    ),
    "placement is paid": Broken("G13", "no spend is reserved", "organic placement only", paid, "webhook"),
    "money is asked for": Broken(
        "G13", "no spend is reserved", "organic placement only", lambda: planned(spend=({"pence": 1},)), "x"
    ),
    "sender of the other mode": Broken(
        "G14", "the plan is live, this sender is exercise", "author", lambda: replace(CLEARED, mode=Mode.EXERCISE)
    ),
    "plan of another deployment": Broken(
        "G14", "belongs to deployment example-city", "author", lambda: replace(CLEARED, deployment="other-city")
    ),
    "spent": Broken("G15", "already accepted", "two people", facts=(("spent_fault", "already accepted"),)),
    "halt of all": Broken("G16", "halted (all) by ops-1", "two others", lambda: halted("all"), then=Then.WAIT),
    "halt of the channel": Broken(
        "G16", "halted (channel tiktok)", "two others", lambda: halted("channel", "tiktok"), then=Then.WAIT
    ),
    "halt of the account": Broken(
        "G16", "halted (account x-1)", "two others", lambda: halted("account", "x-1"), "x", then=Then.WAIT
    ),
    "halt of the incident": Broken(
        "G16", "halted (incident", "two others", lambda: halted("incident", PLAN.incident), then=Then.WAIT
    ),
    "halt of everything": Broken(
        "G16", "halted (everything)", "two others", lambda: halted("everything"), then=Then.WAIT
    ),
    "halt that cannot be read": Broken(
        "G16", "halted (everything)", "two others", lambda: halted("chanel", "webhook"), then=Then.WAIT
    ),
    "a stop not at hand": Broken(
        "G16",
        "has not seen yet",
        "ops",
        lambda: replace(CLEARED, stops=stops_from([], status_at=NOW, listed=["ab" * 32])),
        "webhook",
        then=Then.WAIT,
    ),
    "no status": Broken(
        "G16", "no signed status", "ops", lambda: replace(CLEARED, stops=Stops()), then=Then.HOLD_STALE
    ),
    "status too old": Broken(
        "G16",
        "no signed status for 60 seconds",
        "ops",
        lambda: replace(CLEARED, stops=Stops(status_at=NOW - timedelta(seconds=60) - MICROSECOND)),
        then=Then.HOLD_STALE,
    ),
    "lint": Broken("G17", "too long; no link", "author", facts=(("problems", ("too long", "no link")),)),
    "flag that policy does not know": Broken(
        "G17", "who clears the flag gossip", "two policy owners", lambda: planned(flags=("gossip",)), "x"
    ),
    "no correction armed": Broken("G18", "no correction is armed for webhook-1", "message arm", unarmed, "webhook"),
    "correction not sendable": Broken(
        "G18", "armed correct: too long", "message arm", facts=(("armed_problems", ("armed correct: too long",)),)
    ),
}

"""The table of broken facts: for each clause, what breaks it, the words it is told in, and who can mend it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from channels.contract import DeliveryKind
from dispatcher.domain.incident import Severity
from dispatcher.domain.message import TextKind
from dispatcher.domain.statement import Mode, StatementKind
from dispatcher.gate.evidence import Then
from dispatcher.gate.stops import Stops, stops_from
from tests.builders import draft, everything_signed, evidence_for
from tests.cast import DAY, HOUR, NOW
from tests.gate.broken_approvals import APPROVALS
from tests.gate.broken_evidence import EVIDENCE
from tests.gate.broken_mitigations import UNMET
from tests.gate.support import (
    CLEARED,
    MICROSECOND,
    PLAN,
    SECOND,
    TIKTOK,
    Broken,
    about,
    cleared,
    halted,
    planned,
    revoked,
    unarmed,
    under,
    without,
)

RULES = {
    "policy unknown": Broken(
        "G01", "names a policy version that is not", "new plan", lambda: planned(policy="ab" * 32), "x"
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
    "released in a word, not a list": Broken(
        "G03",
        "no signed release",
        "duty_director",
        lambda: cleared(
            about(StatementKind.RELEASE, "director-1", kinds="publish"), instead_of=StatementKind.RELEASE
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
        "G04", "longer than 360 minutes", "shorter window", lambda: planned(*TIKTOK, not_before=NOW - 3 * HOUR)
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
        "G06", "purpose public_safety", "two policy owners", lambda: planned(*TIKTOK, purpose="public_safety")
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
        "G06", "severity S1 is below S2", "other channels", lambda: planned(*TIKTOK, severity=Severity.S1)
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
    "picture not at hand": Broken(
        "G07", "cannot be read", "ops", channel="x", facts=(("media_fault", "the picture cannot be read"),)
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
    "clock not to be gone by": Broken(
        "G04",
        "this host's clock was set by 9 s",
        "set this host's clock",
        facts=(("clock_fault", "this host's clock was set by 9 s"),),
        then=Then.WAIT,
    ),
    "renewed too often": Broken(
        "G04", "was renewed 4 times, policy allows 3", "not a renewal", lambda: planned(renewal=4), "x"
    ),
    "halt of the plan": Broken(
        "G16", "halted (plan", "two others", lambda: halted("plan", PLAN.digest), "x", then=Then.WAIT
    ),
    "resumed by a platform admin and one other": Broken(
        "G16", "halted (all)", "two others", lambda: halted("all", "", "ops-2", "director-1"), then=Then.WAIT
    ),
    "resumed by a reviewer and one other": Broken(
        "G16", "halted (all)", "two others", lambda: halted("all", "", "reviewer-1", "director-1"), then=Then.WAIT
    ),
    "resumed by whoever halted and one other": Broken(
        "G16",
        "halted (all) by security-1",
        "two others",
        lambda: halted("all", "", "security-1", "director-1", by="security-1"),
        then=Then.WAIT,
    ),
}

BROKEN = {**RULES, **EVIDENCE, **UNMET, **APPROVALS}

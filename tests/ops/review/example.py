"""One review made by hand: everything that a review can hold, so that a page of it can be looked at part by part."""

from __future__ import annotations

from dataclasses import replace

from channels.capabilities import MediaKind
from channels.contract import LanguageText, Medium, Part
from dispatcher.domain.incident import Incident, Item, Severity
from dispatcher.domain.lifecycle import IncidentState, SpendState
from dispatcher.domain.plan import Plan
from dispatcher.domain.statement import Mode, Statement, StatementKind
from dispatcher.service.ledger import LedgerLine
from dispatcher.service.reviewing.events import Reading, Timeline
from dispatcher.service.reviewing.judged import Denial, Judged, Mitigated, PolicyRead, Unmet
from dispatcher.service.reviewing.known import Known, Written
from dispatcher.service.reviewing.plans import Exact, PlanRead
from dispatcher.service.reviewing.review import Review
from dispatcher.service.reviewing.sent import Answers, FirstPublic, Trouble
from dispatcher.service.reviewing.signed import Decided, GlassBroken, HaltRead, Signature
from dispatcher.service.reviewing.timed import Latency, Spread, WentBack
from dispatcher.store.records import StoredPlan
from dispatcher.store.spends import StoredSpend
from tests.ops.review import sent
from tests.ops.review.sent import BEGAN, CHANNELS, MESSAGE, PLAN, WITHDRAW, at

DIGEST = "5eed" * 16
ENGLISH = "Severe gale tonight\n\nStay indoors from 6pm.\nCharge your telephone now."
WELSH = "Gwynt cryf heno\n\nArhoswch dan do o 6yh ymlaen: tŷ, dŵr, Ŵyr."


def signature(kind: StatementKind, person: str, role: str, seconds: float, **more: object) -> Signature:
    """One statement, which holds unless told otherwise."""
    said = Statement(
        kind, PLAN, "example-city", Mode.EXERCISE, person, role, 3, at(seconds), at(seconds + 900), "ab" * 16
    )
    whole = {"refused": None, "held": True, "reason": "", **more}
    return Signature(said, at(seconds), "SHA256:abc", **whole)  # type: ignore[arg-type]


def example() -> Review:
    """A gale that was warned of, with one of everything."""
    return Review(
        incident=Incident(
            "inc-7k2m",
            Mode.EXERCISE,
            "severe_weather",
            Severity.S3,
            "Severe gale tonight",
            IncidentState.STOOD_DOWN,
            BEGAN,
            "author-1",
        ),
        read_at=at(9_000),
        known=_known(),
        revisions=(
            Written(
                "msg-4d1c",
                1,
                DIGEST,
                at(160),
                "author-1",
                {
                    MESSAGE: (
                        LanguageText(
                            "en-GB", "Severe gale tonight", "Stay indoors from 6pm.", "Charge your telephone now."
                        ),
                    )
                },
                {"author-1": ("author",), "translator-1": ("translate",)},
            ),
        ),
        plans=(_plan(),),
        signatures=(
            signature(StatementKind.STAND_DOWN, "director-1", "duty_director", 8_400, reason="the wind has dropped"),
        ),
        standing=(signature(StatementKind.ASSESS, "director-1", "duty_director", -86_400),),
        policies=(PolicyRead("2026-10-01", DIGEST, at(-4_000_000), at(-4_100_000), "policy owners"),),
        clauses={
            "G08": "The right people signed this exact plan.",
            "G11": "Every mitigation that policy asks holds.",
        },
        denials=(
            Denial(
                "release.refused",
                "G08",
                PLAN,
                "x",
                None,
                "director-1",
                "no approval by security",
                "security",
                1,
                at(420),
                at(420),
            ),
            Denial(
                "gate.refused",
                "G16",
                PLAN,
                "notify",
                "sms-city",
                None,
                "halted by ops-1",
                "two others",
                12,
                at(905),
                at(931),
            ),
        ),
        tallies=sent.tallies(),
        answers=(
            Answers(PLAN, "x", "x-city", MESSAGE, "later", "rate_limited", "429: slow down", 3, at(901), at(903)),
            Answers(PLAN, "notify", "sms-city", MESSAGE, "accepted", "", "", 11_980, at(901), at(1_020)),
            Answers(PLAN, "notify", "sms-city", MESSAGE, None, "", "the connection ended", 8, at(910), at(915)),
        ),
        deliveries=sent.deliveries(),
        troubles=(
            Trouble(
                PLAN, "notify", "sms-city", MESSAGE, "held", "ambiguous", "waits for people: ambiguous", 8, "dlv-8"
            ),
        ),
        troubled=8,
        progress=sent.progress(),
        latency=tuple(
            Latency(
                channel,
                MESSAGE,
                Spread(4, 300 + 900 * n, 2_000, 9_000),
                Spread(4, 40, 90, 130),
                Spread(4, 210 * n, 800, 1_900),
            )
            for n, channel in enumerate(CHANNELS)
        ),
        first_public=tuple(
            FirstPublic(
                PLAN,
                channel,
                MESSAGE,
                at(901 + n),
                f"{channel}-city",
                f"https://{channel}.example/{n}",
                "visible since 18:15:04",
            )
            for n, channel in enumerate(CHANNELS[:4])
        ),
        ways_back=(
            WentBack(
                PLAN, WITHDRAW, at(5_400), "director-1", "the wind has dropped", 4, 4, 4, 1, 1, 640, 3_120, 4_498_000
            ),
        ),
        halts=(
            HaltRead(
                "a1",
                "channel",
                "notify",
                "ops-1",
                "ops",
                "numbers look wrong",
                at(904),
                ("director-1", "security-1"),
                at(935),
            ),
        ),
        paths=(sent.path(),),
        events=sent.events(),
        readings=(Reading("review.read", "reviewer-1", 2, at(8_000), at(9_000)),),
        timeline=Timeline(
            12_345,
            {"plan.submitted": 1, "statement.approve": 4, "delivery.moved": 12_340},
            (
                LedgerLine(
                    1,
                    at(0),
                    "incident.declared",
                    "inc-7k2m",
                    "desk",
                    1,
                    DIGEST,
                    {"actor": "author-1", "kind": "severe_weather"},
                ),
            ),
        ),
    )


def hostile(words: str) -> Review:
    """The same with other people's words wherever they can stand."""
    found = example()
    read = found.plans[0]
    carried = tuple(replace(exact, parts=(Part("ar", words),)) for exact in read.texts)
    return replace(
        found,
        incident=replace(found.incident, title=words),
        known=tuple(replace(one, facts={words: words}, item=None, person=words) for one in found.known),
        plans=(replace(read, texts=carried),),
        deliveries=tuple(
            replace(one, shown=words, account=words, sentence=words, url=words) for one in found.deliveries
        ),
        tallies=tuple(replace(tally, channel=words, account=words) for tally in found.tallies),
        events=tuple(replace(event, label=words, track=words) for event in found.events),
        halts=tuple(replace(halt, reason=words) for halt in found.halts),
    )


def untouched() -> Review:
    """An incident of which nothing is known but that it was declared."""
    empty = {name: () for name in Review.__slots__ if isinstance(getattr(example(), name), tuple)}
    return replace(example(), **empty, clauses={}, troubled=0, timeline=Timeline(0, {}, ()))  # type: ignore[arg-type]


def _known() -> tuple[Known, ...]:
    warned = Item("warning", "amber, Example Bay", "weather service", at(-1_200), "ab" * 32)
    seen = Item("hazards", "trees across the coast road", "police", at(-300))
    return (
        Known(at(0), at(0), "declared", "author-1", ("author",), "S2", {"area": ["Example Bay"]}),
        Known(at(60), at(-1_200), "evidence", "author-1", ("author",), None, {}, warned),
        Known(at(75), at(-300), "evidence", "author-1", ("author",), None, {}, seen),
        Known(
            at(300), at(300), "amended", "director-1", ("duty_director",), "S3", {"area": ["Example Bay", "Old Town"]}
        ),
    )


def _plan() -> PlanRead:
    people = (
        (StatementKind.SUBMIT, "author-1", "author", 240, ""),
        (StatementKind.APPROVE, "checker-1", "checker", 330, ""),
        (StatementKind.APPROVE, "welsh-checker-1", "language_checker", 360, ""),
        (StatementKind.APPROVE, "security-1", "security", 480, "devices were looked at today"),
        (StatementKind.APPROVE, "director-1", "duty_director", 840, ""),
        (StatementKind.RELEASE, "director-1", "duty_director", 900, ""),
    )
    signed = [signature(kind, person, role, when, reason=why) for kind, person, role, when, why in people]
    bad = signature(
        StatementKind.APPROVE,
        "author-2",
        "checker",
        350,
        refused="signed with a key that is not on the roster",
        held=False,
    )
    picture = Medium(
        f"sha256:{DIGEST}", MediaKind.PICTURE, "image/png", 9_000, 1200, 675, (Part("en-GB", "A map of the bay."),)
    )
    texts = [
        Exact(
            f"{channel}-{place}",
            channel,
            kind,
            DIGEST,
            (Part("en-GB", ENGLISH), Part("cy", WELSH)),
            (picture,) * (channel == "x"),
        )
        for channel in CHANNELS
        for place in ("city", "county")
        for kind in (MESSAGE, WITHDRAW)
    ]
    return PlanRead(
        digest=PLAN,
        state="settled_with_gaps",
        stored=StoredPlan(_signed_plan(), PLAN, "settled_with_gaps", "msg-4d1c"),
        clearances={**dict.fromkeys(CHANNELS, "used_up"), "tiktok": "refused"},
        signatures=(*signed, bad),
        judged=(
            Judged(
                at(420),
                "release",
                "director-1",
                "duty_director",
                ("2026-10-01",),
                (Unmet("x", "G08", "no approval by security", "security"),),
            ),
            Judged(at(900), "release", "director-1", "duty_director", ("2026-10-01",), ()),
        ),
        mitigations=(
            Mitigated(
                "tiktok",
                "tiktok-city",
                "M01",
                "people",
                "NCSC",
                None,
                "security-1",
                "security",
                at(-3_600),
                at(86_000),
                "ab" * 32,
            ),
            Mitigated(
                "tiktok", "tiktok-city", "M07", "software", "NCSC", "the app is too old", None, None, None, None, None
            ),
        ),
        decisions=(
            Decided(
                ("tiktok",), "agreed", at(500), "private-office-1", "private_office", at(560), "private-office-1"
            ),
        ),
        glass=GlassBroken(
            at(700),
            at(2_500),
            ("director-1", "security-1"),
            ("the checker cannot be reached",),
            ("x",),
            at(90_000),
            None,
            None,
            "",
        ),
        texts=tuple(texts),
        spends=(
            StoredSpend(
                PLAN,
                "search_paid",
                "inc-7k2m",
                Mode.EXERCISE,
                "case-1",
                2026,
                1_600_000,
                SpendState.COMMITTED,
                None,
                None,
                at(900),
            ),
        ),
        submitted_at=at(240),
        cleared_at=at(840),
        released_at=at(900),
        released_by="director-1",
        public_at=at(901),
        stopped_in_ms=None,
    )


def _signed_plan() -> Plan:
    return Plan(
        deployment="example-city",
        mode=Mode.EXERCISE,
        incident="inc-7k2m",
        incident_kind="severe_weather",
        severity=Severity.S3,
        purpose="exceptional_public_safety",
        revision=DIGEST,
        languages=("en-GB", "cy"),
        destinations=(),
        area=("Example Bay",),
        not_before=at(0),
        not_after=at(14_400),
        armed_not_after=at(86_400),
        valid_until=at(21_600),
        policy=DIGEST,
        contributors={"author-1": ("author",)},
        generation=1,
        nonce="ab" * 16,
    )

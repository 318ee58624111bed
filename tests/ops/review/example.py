"""One review made by hand: everything that a review can hold, so that a page of it can be looked at part by part."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from channels.capabilities import MediaKind
from channels.contract import LanguageText, Medium, Part
from dispatcher.domain.incident import Incident, Item, Severity
from dispatcher.domain.lifecycle import IncidentState, SpendState
from dispatcher.domain.message import TextKind
from dispatcher.domain.plan import Plan
from dispatcher.domain.statement import Mode, Statement, StatementKind
from dispatcher.service.ledger import LedgerLine
from dispatcher.service.reviewing.events import Event, Reading, Timeline
from dispatcher.service.reviewing.judged import Denial, Judged, Mitigated, PolicyRead, Unmet
from dispatcher.service.reviewing.known import Known, Written
from dispatcher.service.reviewing.minutes import MACHINE, Path, Span
from dispatcher.service.reviewing.plans import Exact, PlanRead
from dispatcher.service.reviewing.review import Review
from dispatcher.service.reviewing.sent import Answers, Delivered, FirstPublic, Tally, Trouble
from dispatcher.service.reviewing.signed import Decided, GlassBroken, HaltRead, Signature
from dispatcher.service.reviewing.timed import Curve, Latency, Progress, Spread, WentBack
from dispatcher.store.history import Tried
from dispatcher.store.records import StoredPlan
from dispatcher.store.spends import StoredSpend

BEGAN = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
PLAN, DIGEST = "c0ffee" * 10 + "beef", "5eed" * 16
ENGLISH = "Severe gale tonight\n\nStay indoors from 6pm.\nCharge your telephone now."
WELSH = "Gwynt cryf heno\n\nArhoswch dan do o 6yh ymlaen: tŷ, dŵr, Ŵyr."
CHANNELS = ("x", "bluesky", "mastodon", "facebook", "cap_feed", "notify")
MESSAGE, WITHDRAW = TextKind.PUBLISH, TextKind.WITHDRAW


def at(seconds: float) -> datetime:
    """So many seconds after the declaration."""
    return BEGAN + timedelta(seconds=seconds)


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
        tallies=_tallies(),
        answers=(
            Answers(PLAN, "x", "x-city", MESSAGE, "later", "rate_limited", "429: slow down", 3, at(901), at(903)),
            Answers(PLAN, "notify", "sms-city", MESSAGE, "accepted", "", "", 11_980, at(901), at(1_020)),
            Answers(PLAN, "notify", "sms-city", MESSAGE, None, "", "the connection ended", 8, at(910), at(915)),
        ),
        deliveries=_deliveries(),
        troubles=(
            Trouble(
                PLAN, "notify", "sms-city", MESSAGE, "held", "ambiguous", "waits for people: ambiguous", 8, "dlv-8"
            ),
        ),
        troubled=8,
        progress=_progress(),
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
        paths=(_path(),),
        events=_events(),
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
        StatementKind.APPROVE, "author-2", "checker", 350, refused="signed with a key that is not on the roster"
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


def _tallies() -> tuple[Tally, ...]:
    posts = [
        Tally(
            PLAN, channel, f"{channel}-city", kind, False, {"visible": 2}, 3, 1, at(900.2), at(901 + n), at(903 + n)
        )
        for n, channel in enumerate(CHANNELS[:5])
        for kind in (MESSAGE, WITHDRAW)
    ]
    numbers = {"accepted": 11_980, "held": 8, "rejected": 12}
    return (
        *posts,
        Tally(PLAN, "notify", "sms-city", MESSAGE, True, numbers, 12_110, 96, at(900.2), at(901), at(1_020)),
    )


def _deliveries() -> tuple[Delivered, ...]:
    late = Tried(1, at(900.2), at(900.9), "later", "rate_limited", "429: slow down", 429, None, 640)
    good = Tried(2, at(902.2), at(902.9), "accepted", "", "", 201, "1234", 410)
    link, seen, said = "https://{}.example/1", "visible since 18:15:04", "is there for the public to see"
    posts = [
        Delivered(
            f"dlv-{n}", PLAN, channel, f"{channel}-city", MESSAGE, "visible", "", "1234", link.format(channel),
            at(901 + n), seen, "visible", at(910), at(1_500), None, said, (late, good),
        )
        for n, channel in enumerate(CHANNELS[:4])
    ]  # fmt: skip
    said = "was accepted, and the public does not see it as approved"
    altered = {"state": "missing", "public": "altered since 18:15:10", "seen": "altered", "shown": "A gale, tonight?"}
    return (*posts[:-1], replace(posts[-1], sentence=said, **altered))  # type: ignore[arg-type]


def _progress() -> tuple[Progress, ...]:
    steps = range(1, 201)
    ends = tuple(at(900 + 0.6 * step) for step in steps)
    posts = (Curve(name, tuple(min(2, step // (n + 2)) for step in steps)) for n, name in enumerate(CHANNELS[:5]))
    numbers = Curve("notify", tuple(min(11_980, 60 * step) for step in steps))
    return (Progress(PLAN, MESSAGE, at(900), ends, (*posts, numbers)),)


def _path() -> Path:
    waits = (
        (0, 240, "author-1", "author", "the message"),
        (240, 330, "checker-1", "checker", "an approval"),
        (330, 360, "welsh-checker-1", "language_checker", "an approval"),
        (360, 480, "security-1", "security", "an approval"),
        (480, 840, "director-1", "duty_director", "an approval"),
        (840, 900, "director-1", "duty_director", "the release"),
        (900, 901, "", MACHINE, "sending"),
    )
    spans = tuple(Span(at(start), at(end), who, role, what) for start, end, who, role, what in waits)
    return Path("msg-4d1c", PLAN, at(0), at(240), at(840), at(900), at(901), spans)


def _events() -> tuple[Event, ...]:
    marks = (
        (0, "incident", "declared", "declared by author-1, S2"),
        (160, "message", "written", "msg-4d1c revision 1 by author-1"),
        (240, "message", "submitted", "plan c0ffeec0ffee submitted by author-1"),
        (300, "incident", "amended", "S3: Old Town as well"),
        (330, "signatures", "approve", "checker-1 (checker) approved"),
        (360, "signatures", "approve", "welsh-checker-1 (language checker) approved"),
        (420, "clearance", "refused", "release refused: G08"),
        (480, "signatures", "approve", "security-1 (security) approved"),
        (840, "signatures", "approve", "director-1 (duty director) approved"),
        (840, "clearance", "clear", "all channels clear"),
        (900, "signatures", "release", "director-1 released"),
        *((901 + n, "public", "public", f"first on {channel}") for n, channel in enumerate(CHANNELS)),
        (904, "stops", "halt", "channel notify halted by ops-1"),
        (935, "stops", "resumed", "resumed by director-1, security-1"),
        (5_400, "way_back", "withdraw", "withdrawal ordered by director-1"),
        (8_400, "incident", "stood_down", "stood down by director-1"),
    )
    return tuple(Event(at(seconds), track, kind, label) for seconds, track, kind, label in marks)

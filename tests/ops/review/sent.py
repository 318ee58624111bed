"""What was sent in the review made by hand, when, and on what way it came there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from dispatcher.domain.message import TextKind
from dispatcher.service.reviewing.events import Event
from dispatcher.service.reviewing.minutes import MACHINE, Path, Span
from dispatcher.service.reviewing.sent import Delivered, Tally
from dispatcher.service.reviewing.timed import Curve, Progress
from dispatcher.store.history import Tried

BEGAN = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
PLAN = "c0ffee" * 10 + "beef"
CHANNELS = ("x", "bluesky", "mastodon", "facebook", "cap_feed", "notify")
MESSAGE, WITHDRAW = TextKind.PUBLISH, TextKind.WITHDRAW


def at(seconds: float) -> datetime:
    """So many seconds after the declaration."""
    return BEGAN + timedelta(seconds=seconds)


def tallies() -> tuple[Tally, ...]:
    """Two posts on each of five channels, and a list of numbers of which some went wrong."""
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


def deliveries() -> tuple[Delivered, ...]:
    """Four posts, one of which was altered afterwards."""
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


def progress() -> tuple[Progress, ...]:
    """Posts first, and numbers evenly over two minutes."""
    steps = range(1, 201)
    ends = tuple(at(900 + 0.6 * step) for step in steps)
    posts = (Curve(name, tuple(min(2, step // (n + 2)) for step in steps)) for n, name in enumerate(CHANNELS[:5]))
    numbers = Curve("notify", tuple(min(11_980, 60 * step) for step in steps))
    return (Progress(PLAN, MESSAGE, at(900), ends, (*posts, numbers)),)


def path() -> Path:
    """Seven waits, most of them for one person."""
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


def events() -> tuple[Event, ...]:
    """A mark of every kind."""
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

"""One message with picture and video, in two languages, to every channel in one dispatch; and one command back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from channels import registry
from channels.contract import Account, LanguageText, Secret
from channels.notify.simulator import EMAIL_TEMPLATE_ID
from channels.simulator.journal import EffectKind
from dispatcher.domain.incident import Item, Severity
from dispatcher.domain.message import TextKind
from dispatcher.domain.plan import Placement
from dispatcher.sender_bootstrap import now
from dispatcher.service import (
    accounts,
    clearing,
    evidence,
    handing_off,
    incidents,
    messages,
    recipients,
    submitting,
    taking_back,
)
from dispatcher.service.areas import Where
from dispatcher.service.evidence import AssessmentOutcome, Decision
from dispatcher.service.media import Given
from dispatcher.service.recipient_file import EMAILS, NUMBERS
from dispatcher.service.reviewing.review import review
from dispatcher.service.submitting import Wish
from dispatcher.service.taking_back import TakenBack
from dispatcher.settings import ChannelFigures
from dispatcher.store import records
from tests.cast import RECORD
from tests.certificate import signing
from tests.channels.media.dirty import saved
from tests.channels.media.films import film
from tests.filmed import CAPTIONS, SHOWN
from tests.stage import MODE, Stage, far_sides, stage_at
from tests.workers.test_pictures import signed

pytestmark = pytest.mark.system

BOTH = ("en-GB", "cy-GB")
POSTING = ("x", "bluesky", "mastodon", "facebook", "instagram", "threads", "youtube", "webhook")
PICTURED = ("x", "bluesky", "mastodon", "facebook", "instagram", "threads")
LISTED: Mapping[str, Any] = {"notify": NUMBERS, "notify_email": EMAILS, "press_email": EMAILS}
BY_PEOPLE = ("manual", "tiktok")
IN_FOLDERS = ("cap_feed", "public_page")
EVERY = {*POSTING, *IN_FOLDERS, *LISTED, *BY_PEOPLE}
SIZE = 4
ROLES = ("relay", "accounts", "recipients", "tiktok", "tiktok-sender")
TIKTOK: Mapping[str, Any] = {"channel": "tiktok", "account": "tiktok-1"}
AUDIENCE = "people under 25, whom our other channels do not reach"
FIRST_S, ALL_S = 10.0, 60.0
"""Within so long of the order the first channel has taken it back, and every one that can (reference: reliability 7,
promise 25)."""


@dataclass
class City:
    """A deployment with an account on every channel, and what became of one plan there."""

    stage: Stage
    plan: str = ""
    ordered: TakenBack | None = None
    ordered_at: datetime | None = None
    published: dict[str, set[str]] = field(default_factory=dict)
    withdrawn: dict[str, set[str]] = field(default_factory=dict)

    def states(self, kind: str) -> dict[str, set[str]]:
        """The states that deliveries of a kind are in, by channel."""
        found: dict[str, set[str]] = {}
        for row in self.stage.rows(self.plan):
            if row.kind == kind:
                found.setdefault(row.channel, set()).add(row.state)
        return found

    def texts(self, channel: str) -> list[str]:
        """What a platform shows."""
        return [effect.text for effect in self.stage.far.journal.published(channel)]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The message was sent everywhere, posted by hand where people post, and withdrawn by one officer."""
    with far_sides() as far:
        made = City(stage_at(tmp_path_factory.mktemp("every"), far))
        _open_accounts(made.stage)
        made.plan = _cleared(made.stage)
        made.stage.work(lambda: _status(made.stage), roles=["relay"])  # nothing goes to TikTok without it
        made.stage.release(made.plan)
        made.stage.work(lambda: made.stage.ended(made.plan), roles=ROLES, timeout_s=60)
        made.published = made.states("publish")
        _post_by_hand(made)
        made.ordered_at = now()
        made.ordered = taking_back.take_back(
            made.stage.desk, made.plan, TextKind.WITHDRAW, made.stage.pen("director-1")
        )
        made.stage.work(lambda: made.stage.ended(made.plan), roles=ROLES, timeout_s=ALL_S + 10)
        made.withdrawn = made.states("withdraw")
        yield made
        made.stage.desk.store.close()


def _open_accounts(stage: Stage) -> None:
    mail = stage.far.address("press_email")
    figures = dict.fromkeys(EVERY, ChannelFigures(timeout_ms=3_000, lag_ms=100))
    stage.desk = replace(stage.desk, settings=replace(stage.desk.settings, simulator_smtp=mail, channels=figures))
    for name in (*POSTING, "notify", "press_email"):
        example = stage.far.provider(name).example(stage.far.address(name))
        assert example is not None
        _add(stage, name, example.handle, example.settings, example.credential)
        if name == "notify":
            settings = {**example.settings, "template_id": EMAIL_TEMPLATE_ID}
            _add(stage, "notify_email", example.handle, settings, example.credential)
    drill = signing("EXERCISE", begins=now() - timedelta(days=1))
    for name in IN_FOLDERS:
        folder = stage.folder / name
        folder.mkdir()
        _add(stage, name, name, {"folder": str(folder), "sender": "warnings@city.example"}, drill)
    _add(stage, "manual", "City on Nextdoor", {"characters": "2000"})
    _add(stage, "tiktok", "@city")
    accounts.register(stage.desk, "phone-1", "tiktok-1", "ops-1")
    security = stage.pen("security-1")
    evidence.exempt(stage.desk, security, MODE, **TIKTOK, need=AUDIENCE)
    evidence.attest(stage.desk, security, MODE, **TIKTOK, device="phone-1", app_version="41.2", evidence="0" * 64)
    for name, kind in LISTED.items():
        rows = [f"07700 90030{n}" if kind is NUMBERS else f"{name}-{n}@street.example" for n in range(SIZE)]
        path = stage.folder / f"{name}.csv"
        path.write_text("\n".join(["phone" if kind is NUMBERS else "email", *rows]))
        recipients.import_csv(stage.desk, name, path, MODE, "ops-1", kind=kind)


def _add(
    stage: Stage,
    channel: str,
    handle: str,
    settings: Mapping[str, str] | None = None,
    held: Mapping[str, Secret] | None = None,
) -> None:
    languages = ("en-GB",) if channel in LISTED or channel == "x" else BOTH
    made = Account(f"{channel}-1", channel, handle, languages, settings or {})
    accounts.add(stage.desk, made, MODE, held or {}, "ops-1")
    rule = stage.desk.policy().rule(channel)
    if rule is not None and rule.assessment_max_age is not None:
        permitted: dict[str, Any] = {"outcome": AssessmentOutcome.PERMITTED, "record": RECORD, "evidence": "0" * 64}
        director = stage.pen("director-1")
        evidence.assess(stage.desk, director, MODE, channel=channel, placement=Placement.ORGANIC, **permitted)


def _cleared(stage: Stage) -> str:
    desk, warning = stage.desk, Item("warning", "red", "national weather service", now())
    about: dict[str, Any] = {"kind": "severe_weather", "title": "Storm", "severity": Severity.S2}
    incident = incidents.declare(desk, **about, mode=MODE, person="author-1", evidence=(warning,)).id
    texts = (LanguageText("en-GB", "Storm", "Stay indoors."), LanguageText("cy-GB", "Storm", "Arhoswch dan do."))
    written = messages.Draft(texts, valid_until=now() + timedelta(hours=6), where=Where(("Example Bay",)))
    message = messages.draft(desk, incident, written, "author-1").message
    messages.arm(desk, message, {}, "author-1")
    messages.attach(desk, message, Given(saved("PNG"), dict.fromkeys(BOTH, "Map")), "author-1")
    shown = Given(film(), dict.fromkeys(BOTH, SHOWN), dict.fromkeys(BOTH, CAPTIONS))
    messages.attach(desk, message, shown, "author-1")
    lists = {f"{name}-1": (name,) for name in LISTED}
    wish = Wish(lists=lists, purpose="exceptional_public_safety", no_alternative=AUDIENCE)
    plan = submitting.submit(desk, message, wish, stage.pen("author-1")).stored.digest
    for person in ("checker-1", "welsh-checker-1", "security-1", "director-1"):
        clearing.approve(desk, plan, stage.pen(person))
    office = stage.pen("private-office-1")
    decided = evidence.decide(desk, plan, office, Decision.AGREED, ("tiktok",))
    assert decided.code is not None
    evidence.confirm(desk, plan, office, decided.code.reveal())
    return plan


def _status(stage: Stage) -> object:
    with stage.desk.store.read() as work:
        return records.status(work, str(MODE))


def _post_by_hand(city: City) -> None:
    (row,) = [row for row in city.stage.rows(city.plan) if row.channel == "manual"]
    link = registry.exercise_receipt("manual", row.id)
    handing_off.receipt(city.stage.desk, row.id, city.stage.pen("operator-1"), link)


def test_one_dispatch_reaches_every_channel(city: City) -> None:
    """A machine's are accepted; people's are handed over to them."""
    assert city.published == {name: {"handed_over" if name in BY_PEOPLE else "accepted"} for name in EVERY}


@pytest.mark.parametrize("channel", [name for name in POSTING if name != "x"])
def test_both_languages_are_shown(city: City, channel: str) -> None:
    """Each where an account has both."""
    (text, *_) = city.texts(channel)
    assert ("Stay indoors." in text, "Arhoswch dan do." in text) == (True, True)


@pytest.mark.parametrize("channel", PICTURED)
def test_the_picture_is_shown(city: City, channel: str) -> None:
    """Where a platform takes pictures."""
    (effect, *_) = city.stage.far.journal.published(channel)
    assert len(effect.media) == 1


def test_the_video_is_shown_where_no_picture_is_taken(city: City) -> None:
    """With captions in both languages among what was signed."""
    (effect,) = city.stage.far.journal.published("youtube")
    (medium,) = signed(city.stage, city.plan, "youtube").media
    assert effect.media == (medium.digest,)
    assert {caption.language for caption in medium.captions} == set(BOTH)


def test_one_command_takes_it_back_wherever_a_machine_can(city: City) -> None:
    """And hands it to people where people posted."""
    can = {*POSTING, *IN_FOLDERS}
    assert city.withdrawn == {**{name: {"accepted"} for name in can}, "manual": {"handed_over"}}


def test_the_first_and_the_last_are_back_in_time(city: City) -> None:
    """Seconds from the order, on the simulated platforms."""
    assert city.ordered_at is not None
    began = city.ordered_at
    gone = [effect for effect in city.stage.far.journal.effects if effect.kind is EffectKind.WITHDRAWN]
    took_s = sorted((effect.at - began).total_seconds() for effect in gone)
    assert took_s[0] < FIRST_S
    assert took_s[-1] < ALL_S


def test_a_task_opens_where_nobody_can_take_it_back(city: City) -> None:
    """One for each list: what was sent to people cannot be unsent."""
    assert city.ordered is not None
    assert {task.channel for task in city.ordered.tasks} == set(LISTED)


def test_the_review_shows_both(city: City) -> None:
    """The message and its withdrawal, of every channel."""
    incident = clearing.show(city.stage.desk, city.plan).stored.plan.incident
    told = review(city.stage.desk, incident, "reviewer-1")
    shown = {(counted.channel, str(counted.kind)) for counted in told.tallies}
    assert shown == {*((name, "publish") for name in EVERY), *((name, "withdraw") for name in city.withdrawn)}

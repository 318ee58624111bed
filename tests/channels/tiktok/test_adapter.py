"""The hand-off adapter: what it renders, what it refuses, and that it only hands over."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from channels.by_hand import HandedOver, HandOverError
from channels.capabilities import IdempotencyKind
from channels.contract import (
    Account,
    Channel,
    Content,
    DeliveryKind,
    Found,
    Job,
    LanguageText,
    Outcome,
    Part,
    RenderError,
    Secret,
    Seen,
    Verdict,
)
from channels.http import Http, HttpPolicy
from channels.tiktok.adapter import CAPTION_UNITS, Adapter
from channels.tiktok.codes import CODE_LIFE, device_secret
from channels.tiktok.handoff import exercise_link, format_time, packet_contents, task_reference
from dispatcher.domain import canonical
from tests.packets import open_packet

NOW = datetime(2026, 11, 21, 18, 5, tzinfo=UTC)
ACCOUNT = Account("tiktok-ukgov", "tiktok", "@ukgov", ("en", "cy"), {"device": "press-office-phone-1"})
CONTENT = Content(
    kind=DeliveryKind.PUBLISH,
    texts=(
        LanguageText("cy", "Rhybudd llifogydd", "Bydd dŵr dwfn heno.", "Ewch i fyny’r grisiau."),
        LanguageText("en", "Flood warning", "Deep water this evening.", "Go upstairs."),
    ),
    valid_until=NOW + timedelta(hours=6),
    sent_by="Example Office",
    exercise=False,
    link="https://www.gov.uk/check-flooding",
)
ORIGINAL = "https://www.tiktok.com/@ukgov/video/7300000000000000001"

DEVICE_SECRET = device_secret(random.Random(5).randbytes)


async def no_note(handle: str) -> None:
    """The hand-off has no platform handle to record."""
    raise AssertionError(f"noted {handle}")


def adapter(account: Account = ACCOUNT) -> Adapter:
    """An adapter whose client may reach no host at all."""
    return Adapter(account, {}, Http(HttpPolicy(hosts=frozenset())), lambda: NOW)


def job(kind: DeliveryKind = DeliveryKind.PUBLISH, original: str | None = None, attempt: int = 1) -> Job:
    """One delivery of the content to the account."""
    rendering = Adapter.render(replace(CONTENT, kind=kind), ACCOUNT)
    return Job("dlv-0001", attempt, rendering, NOW, timeout_s=10, original=original)


def act(kind: DeliveryKind, of: Job, account: Account = ACCOUNT) -> Outcome:
    """Call what the kind calls for."""
    made = adapter(account)
    call = {"publish": made.send, "correct": made.correct, "withdraw": made.withdraw}[kind]
    return asyncio.run(call(of, no_note))


def test_one_caption_carries_the_languages_in_the_accounts_order() -> None:
    """English first, as the account says, whatever the order of the message; the link once at the end."""
    assert Adapter.render(CONTENT, ACCOUNT).parts == (
        Part(
            "mul",
            "Flood warning\n\nDeep water this evening.\nGo upstairs.\n\n"
            "Rhybudd llifogydd\n\nBydd dŵr dwfn heno.\nEwch i fyny’r grisiau.\n\nhttps://www.gov.uk/check-flooding",
        ),
    )


def test_a_missing_language_cannot_be_rendered() -> None:
    """The error names the language."""
    with pytest.raises(RenderError, match="cy"):
        Adapter.render(replace(CONTENT, texts=CONTENT.texts[1:]), ACCOUNT)


def test_the_rendering_fixes_route_settings_and_disclosure() -> None:
    """What the operators must set is part of what is signed."""
    assert Adapter.render(CONTENT, ACCOUNT).options == {
        "route": "hand_off",
        "settings": {"comments": "off", "duet": "off", "stitch": "off"},
        "disclosure": "Content disclosure: off. Official public message of Example Office, not an advertisement.",
        "valid_until": "2026-11-22T00:05:00.000000Z",
        "exercise": False,
        "languages": ["en", "cy"],
    }


def test_the_rendering_can_be_signed() -> None:
    """Its document has canonical bytes."""
    document = Adapter.render(CONTENT, ACCOUNT).document()
    assert canonical.decode(canonical.encode(document)) == document


def test_an_exercise_begins_with_its_mark() -> None:
    """The word stands in the caption itself, above everything."""
    assert Adapter.render(replace(CONTENT, exercise=True), ACCOUNT).parts[0].text.startswith("EXERCISE")


@pytest.mark.parametrize(("extra", "faults"), [(0, 0), (1, 1)])
def test_the_limit_is_counted_in_utf_16_units(extra: int, faults: int) -> None:
    """Emoji beyond the basic plane cost two; 2,200 units fit and 2,201 do not."""
    caption = "🌊" * (CAPTION_UNITS // 2) + "a" * extra
    rendering = replace(Adapter.render(CONTENT, ACCOUNT), parts=(Part("mul", caption),))
    assert len(Adapter.problems(rendering)) == faults


def test_a_caption_that_is_too_long_says_by_how_much() -> None:
    """Nothing is cut; the author learns what to shorten."""
    long = replace(CONTENT, texts=(CONTENT.texts[0], replace(CONTENT.texts[1], body="a" * CAPTION_UNITS)))
    with pytest.raises(RenderError, match=r"TikTok takes 2200: shorten it by \d+"):
        Adapter.render(long, ACCOUNT)


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("Stay in\u202edoors", "U+202E"),
        ("See http://www.gov.uk", "not https"),
        ("See https://www.gov.uk/a?x=1&utm_source=tt", "tracks its readers by utm_source"),
        ("See https://www.gov.uk/?TTCLID=", "tracks its readers by TTCLID"),
        (" ", "there is no text"),
        ("EXERCISE EXERCISE EXERCISE\n\nFlood", "an exercise, and nothing else"),
    ],
)
def test_a_caption_that_tiktok_or_policy_would_refuse_is_named(caption: str, words: str) -> None:
    """One fault each, in words that say what to mend."""
    rendering = replace(Adapter.render(CONTENT, ACCOUNT), parts=(Part("mul", caption),))
    (fault,) = Adapter.problems(rendering)
    assert words in fault


def test_comments_switched_on_are_a_problem() -> None:
    """The settings are not the author's to choose."""
    rendering = Adapter.render(CONTENT, ACCOUNT)
    opened = replace(rendering, options={**rendering.options, "settings": {"comments": "on"}})
    assert len(Adapter.problems(opened)) == 1


def test_two_captions_are_a_problem() -> None:
    """One post, one caption."""
    rendering = Adapter.render(CONTENT, ACCOUNT)
    assert len(Adapter.problems(replace(rendering, parts=rendering.parts * 2))) == 1


def test_sending_hands_over_to_two_operators_on_the_device() -> None:
    """The outcome names the task and the device."""
    outcome = act(DeliveryKind.PUBLISH, job())
    assert outcome == Outcome(
        Verdict.HANDED_OVER,
        reason="waiting for two operators to open the hand-off on press-office-phone-1",
        reference=task_reference("dlv-0001"),
    )


def test_every_attempt_hands_over_the_same_task() -> None:
    """The reference is a function of the delivery."""
    assert act(DeliveryKind.PUBLISH, job(attempt=3)).reference == act(DeliveryKind.PUBLISH, job()).reference


def test_two_deliveries_are_two_tasks() -> None:
    """Another delivery has another reference."""
    assert task_reference("dlv-0001") != task_reference("dlv-0002")


@pytest.mark.parametrize("kind", [DeliveryKind.CORRECT, DeliveryKind.WITHDRAW])
def test_corrections_and_withdrawals_hand_over_too(kind: DeliveryKind) -> None:
    """Both end with the earlier post deleted by people."""
    outcome = act(kind, job(kind, ORIGINAL))
    assert outcome.verdict is Verdict.HANDED_OVER
    assert "delete the earlier post" in outcome.reason


@pytest.mark.parametrize("kind", [DeliveryKind.CORRECT, DeliveryKind.WITHDRAW])
def test_mending_an_unnamed_post_is_rejected(kind: DeliveryKind) -> None:
    """Without the earlier post's link people could not find it."""
    assert act(kind, job(kind)).verdict is Verdict.REJECTED


def test_without_a_device_nothing_is_handed_over() -> None:
    """It waits, and the reason says how to register one."""
    outcome = act(DeliveryKind.PUBLISH, job(), replace(ACCOUNT, settings={}))
    assert (outcome.verdict, outcome.code) == (Verdict.DEFERRED, "no_device")
    assert "dispatcher device register" in outcome.reason


@pytest.mark.parametrize(("settings", "ok"), [({"device": "press-office-phone-1"}, True), ({}, False)])
def test_the_probe_asks_for_a_registered_device(settings: dict[str, str], ok: bool) -> None:
    """No network is needed to know."""
    assert asyncio.run(adapter(replace(ACCOUNT, settings=settings)).probe()).ok is ok


def test_looking_up_and_reading_back_do_not_pretend_to_know() -> None:
    """Only people can tell, and the capabilities say so."""
    made: Channel = adapter()
    assert asyncio.run(made.find(job())).found is Found.UNKNOWN
    assert asyncio.run(made.read_back(job(), "H-7K3QM-2F9XD")).seen is Seen.UNKNOWN
    assert made.capabilities.idempotency.kind is IdempotencyKind.NONE
    assert made.capabilities.by_hand


def test_the_packet_shows_the_rendered_caption_and_its_validity() -> None:
    """What was signed is what the operators see."""
    contents = packet_contents(job(), ACCOUNT, NOW + timedelta(hours=2))
    assert contents["captions"] == job().rendering.document()["parts"]
    assert contents["valid_until"] == format_time(CONTENT.valid_until)
    assert contents["reference"] == act(DeliveryKind.PUBLISH, job()).reference


def test_a_withdrawals_packet_has_no_caption_but_the_post_to_delete() -> None:
    """There is nothing to post."""
    contents = packet_contents(job(DeliveryKind.WITHDRAW, ORIGINAL), ACCOUNT, NOW + timedelta(hours=2))
    assert (contents["captions"], contents["original"]) == ([], ORIGINAL)


def test_a_corrections_packet_ends_with_deleting_the_earlier_post() -> None:
    """A new post first, then the old one goes."""
    steps = packet_contents(job(DeliveryKind.CORRECT, ORIGINAL), ACCOUNT, NOW + timedelta(hours=2))["steps"]
    assert "paste it" in steps[2]
    assert "delete it" in steps[-2]


def test_an_exercises_packet_tells_people_to_post_nothing() -> None:
    """The steps never lead to TikTok, and the link to report cannot exist."""
    rendering = Adapter.render(replace(CONTENT, exercise=True), ACCOUNT)
    contents = packet_contents(replace(job(), rendering=rendering), ACCOUNT, NOW + timedelta(hours=2))
    assert contents["steps"][0] == "Do not open TikTok and post nothing: this is an exercise."
    assert exercise_link(task_reference("dlv-0001")) in contents["report"]


def test_a_rendering_that_does_not_say_its_mode_makes_no_packet() -> None:
    """Neither live nor exercise is assumed."""
    bare = replace(job().rendering, options={"disclosure": "x", "valid_until": "2026-11-22T00:05:00.000000Z"})
    with pytest.raises(HandOverError, match="exercise"):
        packet_contents(replace(job(), rendering=bare), ACCOUNT, NOW + timedelta(hours=2))


def issued(credential: dict[str, Secret], of: Job | None = None, life: timedelta = CODE_LIFE) -> tuple[str, bytes]:
    """Issue the packet of a job to the phone of the press office."""
    made = Adapter(ACCOUNT, credential, Http(HttpPolicy(hosts=frozenset())), lambda: NOW)
    return made.issue(
        of or job(),
        device="press-office-phone-1",
        issued_at=NOW,
        expires_at=NOW + life,
        not_after=NOW + timedelta(hours=2),
        random_bytes=random.Random(7).randbytes,
    )


def test_an_issued_packet_opens_with_its_code_and_the_devices_secret() -> None:
    """What is inside is the task of the job, for the account."""
    code, packet = issued({"device:press-office-phone-1": DEVICE_SECRET})
    assert open_packet(packet, DEVICE_SECRET, code) == packet_contents(job(), ACCOUNT, NOW + timedelta(hours=2))


def test_no_packet_is_issued_to_a_device_without_a_secret() -> None:
    """The error names the device and the command that registers it."""
    with pytest.raises(HandOverError, match=r"press-office-phone-1 is not registered.*device register"):
        issued({"device:another": DEVICE_SECRET})


@pytest.mark.parametrize(
    ("credential", "of", "life", "said"),
    [
        (DEVICE_SECRET, job(), timedelta(minutes=11), "ten minutes at most"),
        (DEVICE_SECRET, job(DeliveryKind.WITHDRAW), CODE_LIFE, "must name the post it mends"),
        (Secret("not a device secret"), job(), CODE_LIFE, "characters are needed"),
    ],
)
def test_what_cannot_be_sealed_is_said(credential: Secret, of: Job, life: timedelta, said: str) -> None:
    """Too long a life, a task without its post and a damaged secret are one kind of error."""
    with pytest.raises(HandOverError, match=said):
        issued({"device:press-office-phone-1": credential}, of, life)


def test_the_adapter_is_one_that_people_finish() -> None:
    """It has all that the sender and the registry ask of such a channel."""
    assert isinstance(adapter(), HandedOver)

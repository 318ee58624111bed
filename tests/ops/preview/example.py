"""A message on every channel, with a picture and a video, as people preview it; nothing of it is stored but media.

What stands in it is hard to show: Welsh, an emoji of several code points, markup, a script that runs the other way, a
link, and in a second message a character that turns the text around.
"""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

from PIL import Image

from channels import registry
from channels.capabilities import MediaKind
from channels.contract import Account, LanguageText, Medium, Purchase, RenderError
from dispatcher.domain.incident import Incident, Severity
from dispatcher.domain.lifecycle import IncidentState
from dispatcher.domain.message import Revision, TextKind
from dispatcher.domain.statement import Mode
from dispatcher.sending.media import MediaFolder
from dispatcher.service import media
from dispatcher.service.previewing import Card, Sheet, card
from dispatcher.wording import remarks
from tests.builders import HOUR, INCIDENT, NOW, revision
from tests.channels.insertion_order.ordering import SETTINGS as ORDERED
from tests.channels.media.films import film

TEMPLATE = "26785a09-ab16-4eb0-8407-a37497a57506"
TAGS = ("en-GB", "cy")
LINK = "https://www.city.example/storm/what-to-do-tonight"
ENGLISH = LanguageText("en-GB", "Storm tonight", "Stay in & away from Llŷn 👨‍👩‍👧‍👦 from 6pm.", "Ring 101, not 999.")
WELSH = LanguageText("cy", "Storm heno", "Arhoswch dan do o 6yh, Ŵyr. ابق في المنزل", "Ffoniwch 101.")
MARKUP = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\"> \u202eturned"
SETTINGS = {
    "youtube": {"channel_id": "UC0000000000000000000000"},
    "press_email": {"from": "press@city.example"},
    "cap_feed": {"folder": "feed", "sender": "warnings@city.example"},
    "notify": {"template_id": TEMPLATE},
    "notify_email": {"template_id": TEMPLATE},
    "threads": {"media_base_url": "https://media.city.example"},
    "instagram": {"media_base_url": "https://media.city.example"},
    "manual": {"characters": "900"},
    "social_paid": {**ORDERED, "platforms": "Facebook"},
    "tiktok_paid": {**ORDERED, "platforms": "TikTok"},
}
FILMED = ("youtube",)
OURS = [entry.name for entry in registry.TABLE if entry.load]
KINDS = (TextKind.PUBLISH, TextKind.CORRECT)
"""One way back stands for all: a page of every channel is long."""

PURCHASE = Purchase("storms", 100_000_00, "ref-1", NOW, NOW + 6 * HOUR, "00" * 16)


def account(channel: str, number: int = 1, languages: tuple[str, ...] = TAGS) -> Account:
    """An account of ours."""
    return Account(f"{channel}-{number}", channel, f"@city{number}", languages, SETTINGS.get(channel, {}))


def stored(folder: MediaFolder, mode: Mode) -> dict[MediaKind, Medium]:
    """A picture and a video in the folder."""
    out = BytesIO()
    Image.linear_gradient("L").resize((800, 500)).save(out, "PNG")
    alt = {"en-GB": "Map of the coast", "cy": "Map o'r arfordir"}
    captions = dict.fromkeys(TAGS, b"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nStay in\n")
    given = (media.Given(out.getvalue(), alt), media.Given(film(), alt, captions))
    return {made.kind: made for made in (media.stored(folder, one, TAGS, mode) for one in given)}


def sheet(
    folder: MediaFolder,
    accounts: tuple[Account, ...] = (),
    *,
    mode: Mode = Mode.EXERCISE,
    kinds: tuple[TextKind, ...] = KINDS,
    **said: str,
) -> Sheet:
    """The message on these accounts, or one on every channel; ``said`` replaces parts of the English text."""
    texts = {**revision().texts, TextKind.PUBLISH: (replace(ENGLISH, **said), WELSH)}
    made = revision(
        texts=texts,
        link=LINK,
        cap={
            "category": "Met",
            "event": "Storm",
            "urgency": "Immediate",
            "severity": "Severe",
            "certainty": "Likely",
        },
    )
    attached = stored(folder, mode)
    cards = [
        _card(folder, made, one, kind, attached, mode) for kind in kinds for one in accounts or map(account, OURS)
    ]
    incident = Incident(INCIDENT, mode, "severe_weather", Severity.S3, "Storm", IncidentState.ACTIVE, NOW, "author-1")
    return Sheet(incident, made, None, "draft", tuple(cards), remarks(made, exercise=mode is Mode.EXERCISE))


def _card(
    folder: MediaFolder,
    made: Revision,
    one: Account,
    kind: TextKind,
    attached: dict[MediaKind, Medium],
    mode: Mode,
) -> Card:
    content = replace(made.content(kind, exercise=mode is Mode.EXERCISE), purchase=PURCHASE)
    adapter = registry.adapter_of(one)
    if kind is TextKind.PUBLISH:
        wanted = attached[MediaKind.VIDEO if one.channel in FILMED else MediaKind.PICTURE]
        content = replace(content, media=media.fitted(folder, (wanted,), adapter.capabilities.media))
    try:
        return card(one, kind, adapter.render(content, one), "00" * 32, (), 0)
    except RenderError as error:
        return card(one, kind, error.rendering, None, (str(error),), 0)

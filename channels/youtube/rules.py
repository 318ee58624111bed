"""What a video on YouTube is called and said to be, and what an account must say (reference: platforms 5)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from channels.capabilities import Unit
from channels.contract import Account, Content, Json, Rendering
from channels.text import EXERCISE_LINE, check_text, length, texts_for
from channels.text.email import EXERCISE_SUBJECT

TITLE_CHARACTERS = 100
DESCRIPTION_BYTES = 5_000
LOCKED = "YouTube keeps the uploads of an API project private until it has passed YouTube's audit"

_BRACKETS = re.compile("[<>]")
_CHANNEL_ID = re.compile(r"UC[A-Za-z0-9_-]{1,30}", re.ASCII)


def settings(account: Account) -> Mapping[str, str]:
    """The account's settings with what is usual. Raises ValueError where one is missing or unsound."""
    found = {"channel_id": "", "audited": "no", "notify": "no", **account.settings}
    if not _CHANNEL_ID.fullmatch(found["channel_id"]):
        raise ValueError(f"account {account.id}: say --set channel_id=UC…, the id of the channel")
    for name in ("audited", "notify"):
        if found[name] not in {"yes", "no"}:
            raise ValueError(f"account {account.id}: the setting {name} must be yes or no")
    return found


def options(content: Content, account: Account) -> dict[str, Json]:
    """What a video is called and said to be. Raises RenderError for a missing language, ValueError for a setting."""
    headlines = [" ".join(text.headline.split()) for text in texts_for(content, account)]
    title = " / ".join(dict.fromkeys(headline for headline in headlines if headline))
    return {
        "title": unicodedata.normalize("NFC", f"{EXERCISE_SUBJECT}{title}" if content.exercise and title else title),
        "languages": list[Json](account.languages),
        "privacy": "public",
        "made_for_kids": False,
        "notify_subscribers": settings(account)["notify"] == "yes",
    }


def problems(rendering: Rendering) -> list[str]:
    """What YouTube would refuse in title, description and options; and no or half a mark of an exercise."""
    title, text = rendering.options.get("title"), rendering.parts[0].text
    if not isinstance(title, str) or not title.strip():
        return ["the video has no title: write a headline"]
    faults = [f"title: {fault}" for fault in check_text(title)]
    if (size := len(title)) > TITLE_CHARACTERS:
        faults.append(f"the title has {size} of at most {TITLE_CHARACTERS} characters; shorten the headlines")
    if (size := length(text, Unit.BYTES)) > DESCRIPTION_BYTES:
        over = size - DESCRIPTION_BYTES
        faults.append(f"the description has {size} of at most {DESCRIPTION_BYTES} bytes; shorten it by {over}")
    if _BRACKETS.search(title + text):
        faults.append("YouTube takes no < and no >: say it in words")
    if "\n" in title or title.startswith(EXERCISE_SUBJECT) is not text.startswith(EXERCISE_LINE):
        faults.append(f"the title must be one line, and of an exercise begin with {EXERCISE_SUBJECT.strip()}")
    return faults + _option_faults(rendering.options)


def channel_faults(mine: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Why a video put on the login's channel would not be seen where it should."""
    if not mine["id"]:
        return ["the login's Google account has no YouTube channel"]
    faults = []
    if mine["id"] != wanted["channel_id"]:
        faults.append(f"the login belongs to channel {mine['id']}, the settings say {wanted['channel_id']}; mend one")
    if mine["privacy"] != "public":
        faults.append(f"the channel itself is {mine['privacy'] or 'not said to be public'}: make it public")
    if wanted["audited"] != "yes":
        faults.append(f"{LOCKED}; once it has, say --set audited=yes")
    return faults


def _option_faults(given: Mapping[str, Json]) -> list[str]:
    languages = given.get("languages")
    sound = isinstance(languages, list) and bool(languages) and all(isinstance(tag, str) for tag in languages)
    says = (given.get("privacy"), given.get("made_for_kids"), type(given.get("notify_subscribers")))
    if not sound or says != ("public", False, bool):
        return ["the options must say languages, public, not made for kids, and who is notified: render it again"]
    return []

"""An insertion order, or its stop order, as data and as the text that people sign and the agency reads.

Rules
  1. A rendering's options are the order; its one part is the same in words. The text is a function of the data, and a
     rendering whose text says anything else is refused.
  2. The number is a function of the account and of the plan's nonce, so that the order and its stop order, which are
     signed together, bear the same one, whatever became of the order's delivery.
  3. Amounts are whole pence, all fees in; times are UTC; an order has one cap and one end. No open and no daily
     budget: a day may reach 125 % of its figure (reference: platforms 2.4).
  4. There is no changed order. A correction, a withdrawal and an all-clear stop it; what is bought instead is a plan
     and an order of its own.
  5. TikTok is bought through ``tiktok_paid``, which policy has a tier of its own for; WeChat and Telegram not at all
     (reference: policy 6.3, 6.9, story 11).
"""

from __future__ import annotations

import hashlib
import unicodedata
from base64 import b32encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from channels.contract import PURCHASE, Account, Content, DeliveryKind, Json, Part, Purchase, Rendering
from channels.text import EXERCISE_LINE, check_text, link_problems, mailbox_fault, one_post, texts_for

SCHEMA = "insertion-order/v1"
TIKTOK = "tiktok_paid"
ORDER_BYTES = 6_000
"""Of UTF-8, ours: as text, JSON and PDF in one e-mail it is within the 64 KiB that every mail server has to take
(RFC 5321, 4.5.3.1.7)."""

_ELSEWHERE = ("tiktok", "douyin", "wechat", "weixin", "telegram")
_ADDRESSES = {"from": "from", "agency_address": "agency", "kill_contact": "kill_contact"}
_RULE = "-" * 20
_UNSOUND = "the order is not as it was rendered: render it again"


def terms(account: Account) -> dict[str, Json]:
    """What an account's settings say in every order of it."""
    settings, tiktok = account.settings, account.channel == TIKTOK
    named = settings.get("platforms", "TikTok" if tiktok else "").split(",")
    words = ("from", "kill_contact", "kill_phone", "inclusion_list", "audience")
    return {
        "agency": account.handle,
        "agency_address": settings.get("agency", ""),
        "platforms": list[Json](filter(None, map(str.strip, named))),
        **{word: settings.get(word, "") for word in words},
    }


def term_faults(channel: str, said: Mapping[str, Any]) -> list[str]:
    """What is wrong with the terms of an account, by its setting."""
    unsound = [setting for key, setting in _ADDRESSES.items() if mailbox_fault(str(said[key]))]
    faults = [f"the setting {setting} must be an e-mail address" for setting in unsound]
    if not said["inclusion_list"]:
        faults.append("the setting inclusion_list must name the list of placements that the agency keeps to")
    return faults + _platform_faults(channel, [str(one) for one in said["platforms"]])


def order(content: Content, account: Account) -> Rendering:
    """The order for a message, or the stop order for what takes it back.

    Raises RenderError where the message lacks a language of the account.
    """
    texts = [one_post(content, replace(account, languages=(t.language,))) for t in texts_for(content, account)]
    bought = content.purchase
    options: dict[str, Json] = {
        "schema": SCHEMA,
        "does": str(content.kind),
        "number": _number(account.id, bought.nonce) if bought else None,
        PURCHASE: _purchase(bought) if bought else None,
        "currency": "GBP",
        "fees": "included",
        "buyer": unicodedata.normalize("NFC", content.sent_by),
        **terms(account),
        "area": list[Json](content.area),
        "polygons": list[Json](content.polygons),
        "circles": list[Json](content.circles),
        "languages": list[Json](account.languages),
        "texts": [{"language": t.language, "text": t.text, "sha256": _sha256(t.text)} for t in texts],
        "exercise": content.exercise,
    }
    part = Part("mul", in_words(options))
    return Rendering(account.channel, account.id, content.kind, (part,), options)


def faults(rendering: Rendering) -> list[str]:
    """Why a rendering is no sound order; whether what it buys is what the plan says is for the sender to compare."""
    try:
        sound = _is_sound(rendering)
        return _faults(rendering) if sound else [_UNSOUND]
    except (KeyError, TypeError, ValueError, AttributeError):
        return [_UNSOUND]


def in_words(said: Mapping[str, Any]) -> str:
    """An order as people read it. Raises KeyError, TypeError or ValueError for what is none."""
    buys = said["does"] == DeliveryKind.PUBLISH
    head = "INSERTION ORDER" if buys else "STOP ORDER"
    blocks = [EXERCISE_LINE] if said["exercise"] else []
    blocks += [f"{head} {said['number'] or '(numbered when its plan is submitted)'}"]
    blocks += ["\n".join(_terms_in_words(said, buys=buys))]
    blocks += ["\n".join(f"{n}. {step}" for n, step in enumerate(_steps(said, buys=buys), 1))]
    blocks += [_TEXTS if buys else _TOLD[DeliveryKind(said["does"])]]
    for text in said["texts"]:
        above = f"{_RULE}\n{text['language']}, SHA-256 {text['sha256']}\n{_RULE}"
        blocks += [f"{above}\n{text['text']}"]
    return "\n\n".join([*blocks, _RULE])


def pounds(pence: int) -> str:
    """An amount as people read it."""
    return f"£{pence // 100:,}.{pence % 100:02}"


_TEXTS = "What to place, word for word; each text's SHA-256 is of its UTF-8:"
_TOLD = {
    DeliveryKind.CORRECT: "Why: the message was corrected, or is over. What the public is told, not to be placed:",
    DeliveryKind.WITHDRAW: "Why: the message was withdrawn. What the public is told, not to be placed:",
}


def _terms_in_words(said: Mapping[str, Any], *, buys: bool) -> Iterator[str]:
    phone = f", {said['kill_phone']}" if said["kill_phone"] else ""
    yield f"Buyer: {said['buyer']}, {said['from']}"
    yield f"Agency: {said['agency']}, {said['agency_address']}"
    yield f"Kill contact: {said['kill_contact']}{phone}"
    yield f"Platforms: {', '.join(said['platforms'])}"
    if not buys:
        return
    where = [", ".join(said["area"]), *(f"polygon {p}" for p in said["polygons"])]
    yield f"Area: {'; '.join(filter(None, [*where, *(f'circle {c}' for c in said['circles'])]))}"
    yield f"Audience: {said['audience'] or 'everybody there'}"
    yield f"Languages: {', '.join(said['languages'])}"
    yield f"Inclusion list: {said['inclusion_list']}"
    yield from _purchase_in_words(said)


def _purchase_in_words(said: Mapping[str, Any]) -> Iterator[str]:
    bought = said[PURCHASE]
    if bought is None:
        yield "Cost and dates: as the plan will say"
        return
    yield f"Flight: from {_moment(bought['starts'])}, until {_moment(bought['ends'])}; nothing runs from then on"
    yield f"Cap: {pounds(bought['pence'])} ({bought['pence']} pence, {said['currency']}); VAT and all fees included"
    yield f"Pre-agreed case: {bought['case']}; central approval: {bought['approval'] or 'none needed'}"


def _steps(said: Mapping[str, Any], *, buys: bool) -> Sequence[str]:
    """What the agency does (reference: platforms 2.3, 2.4, 2.7, 2.8)."""
    if said["exercise"]:
        return (
            "Buy, book, pause and change nothing: this is an exercise.",
            f"Confirm to {said['from']} that you have read it, with the order's number.",
        )
    if not buys:
        return (
            "Pause everything of this order on every platform now. A pause needs nobody's leave.",
            f"Confirm to {said['from']} when it is paused, and again, with what was spent, when spending stopped.",
            "Run nothing changed under this number. A corrected message is an order of its own.",
        )
    return (
        "Place these texts on these platforms, within the inclusion list. Change, cut and add nothing.",
        "Buy with one total budget within the cap and with the end above, never an open or a daily budget.",
        "Set everything up switched off, compare budget, dates, area and texts with this order, switch it on last.",
        "Comments off, and no trackers of the buyer's.",
        f"Confirm to {said['from']} with a reference of yours: what is booked, and what a platform refused or holds.",
        "A stop order is carried out at once. A change comes as a stop order and a new order, in no other way.",
    )


def _is_sound(rendering: Rendering) -> bool:
    said: Mapping[str, Any] = rendering.options
    bought = said[PURCHASE]
    numbered = said["number"] == (_number(rendering.account, bought["nonce"]) if bought else None)
    counted = bought is None or (type(bought["pence"]) is int and bought["pence"] > 0)
    hashed = all(text["sha256"] == _sha256(text["text"]) for text in said["texts"])
    languages = said["languages"] == [text["language"] for text in said["texts"]]
    fixed = (said["schema"], said["does"], said["currency"], said["fees"], type(said["exercise"])) == (
        *(SCHEMA, str(rendering.kind), "GBP", "included"),
        bool,
    )
    in_text = rendering.parts == (Part("mul", in_words(said)),)
    return all((numbered, counted, hashed, languages, fixed, in_text))


def _faults(rendering: Rendering) -> list[str]:
    said: Mapping[str, Any] = rendering.options
    found = term_faults(rendering.channel, said)
    found += [f"{leaf!r} holds a line break" for leaf in _leaves({**said, "texts": []}) if "\n" in leaf]
    if not (said["area"] or said["polygons"] or said["circles"] or said["audience"]):
        found.append("the order says nowhere whom it is for: give the message an area, or the account an audience")
    if not said["buyer"].strip():
        found.append("there is no name that the order is from: set sent_by in deployment.toml")
    for text in said["texts"]:
        if text["text"].startswith(EXERCISE_LINE) is not said["exercise"]:
            found.append(f"an exercise, and nothing else, begins with {EXERCISE_LINE}")
    words = rendering.parts[0].text
    if (size := len(words.encode())) > ORDER_BYTES:
        found.append(f"the order has {size} bytes, {ORDER_BYTES} fit: shorten the message by {size - ORDER_BYTES}")
    return found + check_text(words) + link_problems(words)


def _platform_faults(channel: str, platforms: Sequence[str]) -> list[str]:
    if channel == TIKTOK:
        return [] if platforms == ["TikTok"] else ["an order through tiktok_paid is for TikTok and nothing else"]
    barred = [one for one in platforms if any(name in _folded(one) for name in _ELSEWHERE)]
    lacking = [] if platforms else ["the setting platforms must say where the agency may place it"]
    return lacking + [f"{one} is not bought through {channel}: policy has a rule of its own for it" for one in barred]


def _leaves(value: Json) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _leaves(item)
        case dict():
            for item in value.values():
                yield from _leaves(item)


def _purchase(bought: Purchase) -> dict[str, Json]:
    """As plans write it, so that a sender can compare the two."""
    return {
        "case": bought.case,
        "pence": bought.pence,
        "approval": bought.approval,
        "starts": _written(bought.starts),
        "ends": _written(bought.ends),
        "nonce": bought.nonce,
    }


def _number(account: str, nonce: str) -> str:
    spelled = b32encode(hashlib.sha256(f"{SCHEMA}\0{account}\0{nonce}".encode()).digest()).decode()
    return f"IO-{spelled[:5]}-{spelled[5:10]}"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _moment(written: str) -> str:
    return f"{written[:10]} {written[11:19]} UTC"

"""Drafting: what the public will read, its armed texts, and how each account will carry it.

An edit is a new revision: a plan of the message that waits for signatures is returned, whatever was signed about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from itertools import pairwise
from typing import Any

from channels import registry
from channels.capabilities import MediaLimit
from channels.contract import Account, Content, LanguageText, Medium, Purchase, RenderError, Rendering
from dispatcher.domain import canonical
from dispatcher.domain.canonical import parse_time
from dispatcher.domain.errors import Invalid, Unavailable
from dispatcher.domain.incident import Incident
from dispatcher.domain.message import ARMED, Revision, TextKind
from dispatcher.domain.statement import Mode
from dispatcher.sending.prepared import RENDERING_SCHEMA, lint
from dispatcher.service import areas, media, templates
from dispatcher.service.areas import NOWHERE, Where
from dispatcher.service.desk import Desk
from dispatcher.store import records
from dispatcher.store.database import Work

Fitted = Callable[[tuple[Medium, ...], tuple[MediaLimit, ...]], tuple[Medium, ...]]
"""Media as a channel with these limits takes them."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What an officer writes. Left-out parts come from the incident."""

    texts: tuple[LanguageText, ...] = ()
    valid_until: datetime | None = None
    link: str | None = None
    where: Where = NOWHERE


@dataclass(frozen=True, slots=True)
class Preview:
    """One account's rendering of one kind of text, or why there is none, with what lint says.

    ``left_out``: how many pictures and videos stay behind because the account takes none. ``unfit`` is what would
    have come of it where the channel refuses it: to be looked at, never signed.
    """

    account: Account
    kind: TextKind
    rendering: Rendering | None
    digest: str | None
    problems: tuple[str, ...]
    left_out: int = 0
    unfit: Rendering | None = None


def draft(desk: Desk, incident_name: str, written: Draft, person: str) -> Revision:
    """Write the first revision of a message; texts, area and expiry default to the alert's. Raises Invalid."""
    with desk.store.write() as work:
        return add(work, first(desk, records.incident(work, incident_name), written, person), person)


def set_texts(
    desk: Desk, message: str, kind: TextKind, texts: Sequence[LanguageText], person: str, did: str
) -> Revision:
    """Write the next revision, with one kind of text replaced. Any plan made before no longer matches."""
    with desk.store.write() as work:
        before = records.newest_revision(work, message)
        return add(work, before.with_texts(kind, tuple(texts), person, did), person)


def move(desk: Desk, message: str, where: Where, person: str) -> Revision:
    """Write the next revision, about another place. Raises Invalid where that would lose a shape."""
    with desk.store.write() as work:
        before = records.newest_revision(work, message)
        areas.keep_shape(bool(before.polygons or before.circles), where)
        moved = before.with_area(where.names, where.polygons, where.circles, where.population, person)
        return add(work, moved, person)


def arm(desk: Desk, message: str, texts: Mapping[TextKind, Sequence[LanguageText]], person: str) -> Revision:
    """Arm correction, withdrawal and all-clear: those given, else those of the templates."""
    with desk.store.write() as work:
        before = revision = records.newest_revision(work, message)
        for kind in ARMED:
            revision = revision.with_texts(
                kind, tuple(texts.get(kind) or templates.ready(desk, kind, before)), person, "author"
            )
        return add(work, replace(revision, number=before.number + 1), person)


def is_armed_earlier(desk: Desk, message: str) -> bool:
    """Whether a message's text was changed after its way back was armed, which stays as it was.

    What is armed is approved with the message, word for word; a ready text says nothing that such a change makes
    wrong, but one that a person wrote may.
    """
    with desk.store.read() as work:
        incident = records.newest_revision(work, message).incident
        known = [one for one in records.revisions_of(work, incident) if one.message == message]
    changed = armed = 0
    for at, (before, after) in enumerate(pairwise(known), 1):
        if before.texts[TextKind.PUBLISH] != after.texts[TextKind.PUBLISH]:
            changed = at
        elif all(getattr(before, name) == getattr(after, name) for name in ("area", "polygons", "circles", "media")):
            armed = at
    return changed > armed


def attach(desk: Desk, message: str, given: media.Given, person: str) -> Revision:
    """Write the next revision, with one more picture or video; the same file again takes these texts instead.

    Raises Invalid for a file that cannot be taken, and for what is missing in a language of the message.
    """
    with desk.store.read() as work:
        revision = records.newest_revision(work, message)
        mode = records.incident(work, revision.incident).mode
    made = media.stored(desk.settings.media_folder, given, revision.languages, mode)
    with desk.store.write() as work:
        before = records.newest_revision(work, message)
        others = tuple(medium for medium in before.media if medium.digest != made.digest)
        return add(work, before.with_media((*others, made), person), person)


def detach(desk: Desk, message: str, person: str) -> Revision:
    """Write the next revision, without pictures and videos."""
    with desk.store.write() as work:
        return add(work, records.newest_revision(work, message).with_media((), person), person)


def previews(
    desk: Desk,
    revision: Revision,
    accounts: Iterable[Account],
    mode: Mode,
    purchases: Mapping[str, Purchase] = {},
) -> list[Preview]:
    """How each account will carry each text of a revision; ``purchases``: what is bought, by channel.

    Pictures are made to fit each channel, and stored; videos go as they are.
    """
    fitted = cache(partial(media.fitted, desk.settings.media_folder))  # many accounts are of one channel
    kinds = [kind for kind in TextKind if kind in revision.texts]
    contents = {kind: revision.content(kind, exercise=mode is Mode.EXERCISE) for kind in kinds}
    return [
        _preview(replace(contents[kind], purchase=purchases.get(account.channel)), account, kind, fitted)
        for account in accounts
        for kind in kinds
    ]


def encode(rendering: Rendering) -> tuple[str, bytes]:
    """A rendering's digest and canonical bytes."""
    body = canonical.encode(rendering.document())
    return canonical.digest(RENDERING_SCHEMA, body), body


def _preview(content: Content, account: Account, kind: TextKind, fitted: Fitted) -> Preview:
    try:
        adapter = registry.adapter_of(account)
        taken = fitted(content.media, adapter.capabilities.media)
        rendering = adapter.render(replace(content, media=taken), account)
        digest, _ = encode(rendering)
    except RenderError as error:
        return Preview(account, kind, None, None, (str(error),), unfit=error.rendering)
    except (canonical.CanonicalError, Invalid, Unavailable) as error:
        return Preview(account, kind, None, None, (str(error),))
    left_out = len(content.media) - len(rendering.media)
    return Preview(account, kind, rendering, digest, tuple(lint(rendering, adapter)), left_out)


def first(desk: Desk, incident: Incident, written: Draft, person: str) -> Revision:
    """The first revision of a new message, not written down yet. Raises Invalid for one without an end."""
    facts: Mapping[str, Any] = incident.facts
    known = areas.place_of(facts)
    areas.keep_shape(known.has_shape, written.where)
    where = written.where if written.where.names else known
    until = written.valid_until or _expires(facts)
    if until <= desk.now():
        raise Invalid(
            f"the message would already have ended ({until:%Y-%m-%d %H:%M} UTC)", "give a later --valid-until"
        )
    return Revision(
        message=desk.new_id("msg"),
        number=1,
        incident=incident.id,
        sent_by=desk.settings.sent_by,
        valid_until=until,
        texts={TextKind.PUBLISH: written.texts or tuple(LanguageText(**text) for text in listed(facts, "texts"))},
        contributors={person: ("author",)},
        link=written.link,
        area=where.names,
        polygons=where.polygons,
        circles=where.circles,
        population=where.population,
        cap=facts["cap"] if isinstance(facts.get("cap"), dict) else _cap(incident),
    )


def add(work: Work, revision: Revision, person: str) -> Revision:
    """Write a revision down; plans of the message that wait for signatures are returned. Raises Invalid."""
    _check(revision)
    records.add_revision(work, revision, person)
    for digest in records.submitted_plans(work, revision.message):
        records.move_plan(work, digest, revision.incident, "submitted", "returned")
    about = {"incident": revision.incident, "actor": person, "message": revision.message}
    work.record("message.revised", **about, number=revision.number, revision=revision.digest)
    return revision


def _check(revision: Revision) -> None:
    if not revision.languages:
        raise Invalid("the message has no text", "give one per language: --text en-GB=FILE")
    for kind, versions in revision.texts.items():
        tags = [text.language for text in versions]
        if len(set(tags)) != len(tags):
            raise Invalid(f"two {kind} texts in one language", "give each language once")
        empty = [text.language for text in versions if not text.body.strip()]
        if empty:
            raise Invalid(f"the {kind} text in {empty[0]} is empty", "write it")
    try:
        revision.encoded()
    except canonical.CanonicalError as error:
        raise Invalid(f"the text cannot be signed: {error}", "save it as UTF-8 in composed form (NFC)") from error


def listed(facts: Mapping[str, Any], name: str) -> list[Any]:
    """What an alert or ``--area`` said of an incident; a fact of that name given by hand is a word, not a list."""
    value = facts.get(name)
    return value if isinstance(value, list) else []


def _expires(facts: Mapping[str, Any]) -> datetime:
    try:
        return parse_time(facts["expires"])
    except (KeyError, ValueError) as error:
        raise Invalid("the message has no end", "say until when it holds: --valid-until TIME") from error


def _cap(incident: Incident) -> dict[str, str]:
    """CAP codes for an incident declared by hand: nothing is claimed that nobody said."""
    category = {"severe_weather": "Met", "terror": "Security", "disorder": "Safety"}.get(incident.kind, "Other")
    unknown = {"urgency": "Unknown", "severity": "Unknown", "certainty": "Unknown"}
    return {"category": category, "event": incident.title, **unknown}

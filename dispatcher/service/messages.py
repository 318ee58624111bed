"""Drafting: what the public will read, its armed texts, and how each account will carry it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from channels import registry
from channels.contract import Account, Content, Json, LanguageText, RenderError, Rendering
from dispatcher.domain import canonical
from dispatcher.domain.canonical import parse_time
from dispatcher.domain.errors import Forbidden, Invalid
from dispatcher.domain.incident import Incident
from dispatcher.domain.message import ARMED, Revision, TextKind
from dispatcher.domain.statement import Mode
from dispatcher.sending.prepared import RENDERING_SCHEMA
from dispatcher.service.desk import Desk
from dispatcher.store import records
from dispatcher.store.database import Work


@dataclass(frozen=True, slots=True)
class Draft:
    """What an officer writes. Left-out parts come from the incident."""

    texts: tuple[LanguageText, ...] = ()
    valid_until: datetime | None = None
    link: str | None = None
    area: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """One account's rendering of one kind of text, or why there is none, with what lint says."""

    account: Account
    kind: TextKind
    rendering: Rendering | None
    digest: str | None
    problems: tuple[str, ...]


def draft(desk: Desk, incident_name: str, written: Draft, person: str) -> Revision:
    """Write the first revision of a message; texts, area and expiry default to the alert's. Raises Invalid."""
    with desk.store.write() as work:
        incident = records.incident(work, incident_name)
        revision = _first(desk, incident, written, person)
        records.add_revision(work, revision, person)
        _record(work, revision, person)
    return revision


def set_texts(
    desk: Desk, message: str, kind: TextKind, texts: Sequence[LanguageText], person: str, did: str
) -> Revision:
    """Write the next revision, with one kind of text replaced. Any plan made before no longer matches."""
    with desk.store.write() as work:
        revision = _checked(records.newest_revision(work, message).with_texts(kind, tuple(texts), person, did))
        records.add_revision(work, revision, person)
        _record(work, revision, person)
    return revision


def arm(desk: Desk, message: str, texts: Mapping[TextKind, Sequence[LanguageText]], person: str) -> Revision:
    """Arm correction, withdrawal and all-clear: those given, else generic ones in the message's languages."""
    with desk.store.write() as work:
        revision = records.newest_revision(work, message)
        wanted = {kind: tuple(texts.get(kind) or generic(kind, revision)) for kind in ARMED}
        for kind, armed in wanted.items():
            revision = replace(revision.with_texts(kind, armed, person, "author"), number=revision.number)
        revision = _checked(replace(revision, number=revision.number + 1))
        records.add_revision(work, revision, person)
        _record(work, revision, person)
    return revision


def generic(kind: TextKind, revision: Revision) -> tuple[LanguageText, ...]:
    """The project's own armed texts. Raises Invalid for a language it has none in: a person must write that one."""
    lacking = [tag for tag in revision.languages if _primary(tag) not in GENERIC[kind]]
    if lacking:
        raise Invalid(f"there is no ready {kind} text in {lacking[0]}", f"write one: --text {lacking[0]}=FILE")
    return tuple(LanguageText(tag, *GENERIC[kind][_primary(tag)]) for tag in revision.languages)


def previews(revision: Revision, accounts: Iterable[Account], mode: Mode) -> list[Preview]:
    """How each account will carry each text of a revision."""
    kinds = [kind for kind in TextKind if kind in revision.texts]
    contents = {kind: revision.content(kind, exercise=mode is Mode.EXERCISE) for kind in kinds}
    return [_preview(contents[kind], account, kind) for account in accounts for kind in kinds]


def encode(rendering: Rendering) -> tuple[str, bytes]:
    """A rendering's digest and canonical bytes."""
    body = canonical.encode(rendering.document())
    return canonical.digest(RENDERING_SCHEMA, body), body


def _preview(content: Content, account: Account, kind: TextKind) -> Preview:
    try:
        adapter = registry.adapter(account.channel)
        rendering = adapter.render(content, account)
        digest, _ = encode(rendering)
    except registry.UnknownChannelError as error:
        raise Forbidden(str(error), "use another channel") from error
    except (RenderError, canonical.CanonicalError) as error:
        return Preview(account, kind, None, None, (str(error),))
    return Preview(account, kind, rendering, digest, tuple(adapter.problems(rendering)))


def _first(desk: Desk, incident: Incident, written: Draft, person: str) -> Revision:
    facts = incident.facts
    texts = written.texts or tuple(_text(item) for item in _list(facts, "texts"))
    until = written.valid_until or _expires(facts)
    if until is None:
        raise Invalid("the message has no end", "say until when it holds: --valid-until TIME")
    if until <= desk.now():
        raise Invalid(
            f"the message would already have ended ({until:%Y-%m-%d %H:%M} UTC)", "give a later --valid-until"
        )
    cap = facts.get("cap")
    return _checked(
        Revision(
            message=desk.new_id("msg"),
            number=1,
            incident=incident.id,
            sent_by=desk.settings.sent_by,
            valid_until=until,
            texts={TextKind.PUBLISH: texts},
            contributors={person: ("author",)},
            link=written.link,
            area=written.area or tuple(str(item) for item in _list(facts, "area")),
            polygons=tuple(str(item) for item in _list(facts, "polygons")),
            circles=tuple(str(item) for item in _list(facts, "circles")),
            cap={str(k): str(v) for k, v in cap.items()} if isinstance(cap, dict) else _cap(incident),
        )
    )


def _checked(revision: Revision) -> Revision:
    texts = revision.texts[TextKind.PUBLISH]
    if not texts:
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
    return revision


def _record(work: Work, revision: Revision, person: str) -> None:
    work.record(
        "message.revised",
        incident=revision.incident,
        actor=person,
        message=revision.message,
        number=revision.number,
        revision=revision.digest,
    )


def _text(item: Json) -> LanguageText:
    if not isinstance(item, dict):
        raise Invalid("the incident's texts are damaged", "give the texts by hand: --text en-GB=FILE")
    return LanguageText(str(item["language"]), str(item["headline"]), str(item["body"]), str(item["instruction"]))


def _list(facts: Mapping[str, Json], key: str) -> list[Json]:
    value = facts.get(key)
    return value if isinstance(value, list) else []


def _expires(facts: Mapping[str, Json]) -> datetime | None:
    value = facts.get("expires")
    return parse_time(value) if isinstance(value, str) else None


def _cap(incident: Incident) -> dict[str, str]:
    """CAP codes for an incident declared by hand: nothing is claimed that nobody said."""
    category = {"severe_weather": "Met", "terror": "Security", "disorder": "Safety"}.get(incident.kind, "Other")
    unknown = {"urgency": "Unknown", "severity": "Unknown", "certainty": "Unknown"}
    return {"category": category, "event": incident.title, **unknown}


def _primary(tag: str) -> str:
    return tag.split("-", maxsplit=1)[0].lower()


GENERIC: dict[TextKind, dict[str, tuple[str, str, str]]] = {
    TextKind.CORRECT: {
        "en": (
            "Correction",
            "Our earlier message contained a mistake. Please disregard it.",
            "Follow our newest message.",
        ),
        "cy": (
            "Cywiriad",
            "Roedd camgymeriad yn ein neges gynharach. Anwybyddwch hi.",
            "Dilynwch ein neges ddiweddaraf.",
        ),
    },
    TextKind.WITHDRAW: {
        "en": ("Message withdrawn", "We have withdrawn our earlier message.", "Do not act on it."),
        "cy": ("Neges wedi'i thynnu'n ôl", "Rydym wedi tynnu ein neges gynharach yn ôl.", "Peidiwch â'i dilyn."),
    },
    TextKind.ALL_CLEAR: {
        "en": ("All clear", "The danger we warned you of has passed.", "No further action is needed."),
        "cy": (
            "Perygl wedi mynd heibio",
            "Mae'r perygl y rhybuddiwyd amdano wedi mynd heibio.",
            "Nid oes angen gweithredu.",
        ),
    },
}
"""Headline, body and instruction of the ready armed texts, by language. The Welsh is checked at approval like any
other text: a native reader signs for it or writes better."""

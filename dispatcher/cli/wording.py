"""What the commands about messages and plans share about wording: templates, their slots, and remarks."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import click

from dispatcher.cli.output import plain, say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import Invalid
from dispatcher.domain.message import Revision
from dispatcher.service import drafting, linting, messages, templates
from dispatcher.service.drafting import Wanted
from dispatcher.store import records
from dispatcher.wording import Remark
from dispatcher.wording.filling import Template
from dispatcher.wording.slots import Slot

COLUMNS = "weight text language problem words flag"


def asked(session: Session, incident: str, wanted: Wanted) -> Wanted:
    """With what was missing, asked slot by slot where there is a terminal; elsewhere the service names the flags."""
    if not is_terminal():
        return wanted
    given, slots = dict(wanted.slots), templates.template(session.desk, wanted.template).slots
    for lacking in drafting.missing(session.desk, incident, wanted):
        fits = partial(_fitting, slots[lacking.flag.partition(".")[0]], session.desk.now())
        given[lacking.flag] = click.prompt(plain(f"--slot {lacking.sentence()}"), err=True, value_proc=fits)
    return replace(wanted, slots=given)


def is_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def show_templates(session: Session) -> None:
    """Every template, with what is wrong with those that are no use."""
    listed = [_summary(session, name) for name in templates.names(session.desk)]
    session.show("templates", {"templates": listed}, templates="name kinds summary own")


def tell_armed_earlier(session: Session, message: str) -> None:
    """Say that the way back is older than the text, which nobody may have looked at since."""
    if messages.is_armed_earlier(session.desk, message):
        say(f"Warning: the way back is older than the text. Arm it anew: dispatcher message arm {message}")


def show_template(session: Session, name: str) -> None:
    """One template: what it asks for, what it knows itself, and its texts with every sentence's element."""
    made = templates.template(session.desk, name)
    slots = [_slot(name, made) for name in made.slots]
    texts = [
        {"language": tag, "part": part, "element": element, "words": words}
        for tag, wording in made.texts.items()
        for part in ("headline", "body", "instruction")
        for sentence in getattr(wording, part)
        for element, words in sentence.items()
    ]
    about = {"template": made.name, "summary": made.summary, "kinds": made.kinds, "fits": made.fits, "id": made.id}
    own = {"own": templates.is_own(session.desk, name)}
    columns = {"slots": "slot type says default options", "texts": "language part element words"}
    session.show("template", {**about, **own, "slots": slots, "texts": texts}, **columns)


def rows(found: Iterable[Remark]) -> list[dict[str, Any]]:
    """Remarks as a document has them."""
    names = ("code", "weight", "language", "words", "flag")
    return [
        {name: str(getattr(one, name)) for name in names} | {"text": str(one.kind), "problem": one.message}
        for one in found
    ]


def lines(found: Iterable[Remark]) -> list[str]:
    """Remarks under a text that a person reads."""
    return [f"REMARK ({one.weight}) {one.kind} {one.sentence()}" for one in found]


def tell_drafted(session: Session, revision: Revision) -> None:
    """Under what was drafted from a template: languages it leaves out, and how much there is to say about it."""
    held = templates.template(session.desk, revision.template.partition(" ")[0]).texts
    spoken = {tag.partition("-")[0] for tag in revision.languages}
    if left := [tag for tag in held if tag.partition("-")[0] not in spoken]:
        say(f"Left out: {', '.join(left)}, which no account here speaks; ask for it with --language")
    with session.desk.store.read() as work:
        mode = records.incident(work, revision.incident).mode
    if found := linting.remarks_on(session.desk, revision, mode):
        count = "1 remark" if len(found) == 1 else f"{len(found)} remarks"
        say(f"{count} on the wording: dispatcher message lint {revision.message}")
    say(f"Read it as it will be sent: dispatcher message preview {revision.message}")


def _fitting(slot: Slot, now: datetime, typed: str) -> str:
    """What was typed, if it can stand in the slot; else it is asked again."""
    if fault := slot.fault(typed, now):
        raise click.BadParameter(plain(f"{fault}; such as {slot.such_as}"))
    return typed


def _summary(session: Session, name: str) -> dict[str, Any]:
    own = templates.is_own(session.desk, name)
    try:
        made = templates.template(session.desk, name)
    except Invalid as error:
        return {"name": name, "summary": f"NO USE: {error.message}", "kinds": [], "own": own}
    return {"name": name, "summary": made.summary, "kinds": list(made.kinds), "own": own}


def _slot(name: str, made: Template) -> dict[str, Any]:
    slot = made.slots[name]
    taken = f"the incident's {slot.origin}" if slot.origin else slot.default
    default = taken or ("left out" if slot.optional else "must be given")
    about = {"slot": name, "type": str(slot.type), "says": slot.says, "example": slot.such_as}
    return {**about, "default": default, "options": list(slot.words)}

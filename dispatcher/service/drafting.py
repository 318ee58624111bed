"""Drafting from a template: the message and its way back in one step, with what the incident already says.

Rules
  1. What is typed comes first, then what is known of the incident, then the template's own default.
  2. The languages are those that some account of the mode speaks and the template has; all of the template's where
     there is no account yet.
  3. The texts are the template's, byte for byte in NFC, with the slots' values in their places; the revision says
     which template it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dispatcher.domain.canonical import format_time
from dispatcher.domain.incident import Incident
from dispatcher.domain.message import ARMED, Revision
from dispatcher.service import areas, messages, templates
from dispatcher.service.desk import Desk
from dispatcher.service.messages import Draft
from dispatcher.store import records
from dispatcher.wording import filling
from dispatcher.wording.filling import Filled, Missing, Template
from dispatcher.wording.slots import Origin


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an officer asks of a template: its slots, ``NAME`` or ``NAME.LANGUAGE``, and what any draft may say."""

    template: str
    slots: Mapping[str, str] = field(default_factory=dict)
    written: Draft = field(default_factory=Draft)
    languages: Sequence[str] = ()


def missing(desk: Desk, incident_name: str, wanted: Wanted) -> tuple[Missing, ...]:
    """The slots without a value. Raises NotFound, and Invalid for a value of a slot that there is not."""
    made, incident, tags = _look(desk, incident_name, wanted)
    return filling.missing(made, wanted.slots, _known(desk, incident, wanted.written), tags)


def draft(desk: Desk, incident_name: str, wanted: Wanted, person: str) -> Revision:
    """Write the first revision of a message from a template, its way back armed. Raises Invalid, NotFound.

    Everything that is missing is named together.
    """
    made, incident, tags = _look(desk, incident_name, wanted)
    known = _known(desk, incident, wanted.written)
    filled = filling.fill(made, wanted.slots, known, tags, desk.now())
    first = replace(messages.first(desk, incident, _written(desk, wanted.written, filled), person), template=made.id)
    armed = {kind: templates.ready(desk, kind, first) for kind in ARMED}
    with desk.store.write() as work:
        return messages.add(work, replace(first, texts={**first.texts, **armed}), person)


def _look(desk: Desk, incident_name: str, wanted: Wanted) -> tuple[Template, Incident, tuple[str, ...]]:
    made = templates.template(desk, wanted.template)
    with desk.store.read() as work:
        incident = records.incident(work, incident_name)
        accounts = records.accounts(work, incident.mode)
    spoken = wanted.languages or tuple(dict.fromkeys(tag for account in accounts for tag in account.languages))
    return made, incident, filling.languages_of(made, spoken) or tuple(wanted.languages) or tuple(made.texts)


def _known(desk: Desk, incident: Incident, written: Draft) -> Mapping[Origin, str]:
    facts: Mapping[str, Any] = incident.facts
    area = (written.where if written.where.names else areas.place_of(facts)).names
    until = format_time(written.valid_until) if written.valid_until else str(facts.get("expires", ""))
    link = written.link or (str(facts["link"]) if "link" in facts else None)
    return templates.said(area, desk.settings.sent_by, link, until, incident.title)


def _written(desk: Desk, given: Draft, filled: Filled) -> Draft:
    """What the message says beside its texts: what was given, else what the slots came to."""
    until = given.valid_until or filled.valid_until
    where = given.where if given.where.names else areas.where(desk, filled.area)
    return Draft(filled.texts, until, given.link or filled.link, where)

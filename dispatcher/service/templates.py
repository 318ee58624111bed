"""The templates of a deployment: the project's own, and those in its folder ``templates``, which come first.

A file that cannot be read spoils no other: it is refused when it is asked for, and the list says what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from channels.contract import LanguageText
from dispatcher.domain.canonical import format_time
from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.message import Revision, TextKind
from dispatcher.service.desk import Desk
from dispatcher.wording.filling import ARMED_BY, Template, fill, languages_of, read, shipped
from dispatcher.wording.slots import Origin

REFERENCE_SIGNS = 4
"""How much of a message's id names it in public: with the minute, no two of one night have the same."""

MAX_BYTES = 64 * 1024
"""More is no template."""


def names(desk: Desk) -> tuple[str, ...]:
    """Every template there is."""
    return tuple(sorted({*shipped(), *_own(desk)}))


def template(desk: Desk, name: str) -> Template:
    """One template; the deployment's own before the project's. Raises NotFound, Invalid for one that is no use."""
    own = _own(desk).get(name)
    if own is not None:
        return read(name, _text(own))
    if name not in shipped():
        raise NotFound(f"there is no template {name}", "dispatcher message templates")
    return shipped()[name]


def is_own(desk: Desk, name: str) -> bool:
    """Whether a template is the deployment's own."""
    return name in _own(desk)


def ready(desk: Desk, kind: TextKind, revision: Revision) -> tuple[LanguageText, ...]:
    """An armed text in the message's languages, from its template. Raises Invalid where a person must write one."""
    made = template(desk, ARMED_BY[kind])
    lacking = [tag for tag in revision.languages if tag not in languages_of(made, revision.languages)]
    if lacking:
        raise Invalid(f"there is no ready {kind} text in {lacking[0]}", f"write one: --text {lacking[0]}=FILE")
    return fill(made, {}, known(revision), revision.languages, desk.now()).texts


def known(revision: Revision) -> Mapping[Origin, str]:
    """What a message knows that a slot may take."""
    known = said(revision.area, revision.sent_by, revision.link, format_time(revision.valid_until))
    return {**known, Origin.REFERENCE: revision.message[-REFERENCE_SIGNS:]}


def said(area: Sequence[str], sent_by: str, link: str | None, until: str, title: str = "") -> Mapping[Origin, str]:
    """What slots may take, by where they take it from; what is empty is not known."""
    found = {Origin.AREA: ", ".join(area), Origin.SENT_BY: sent_by, Origin.LINK: link or "", Origin.TITLE: title}
    return {origin: value for origin, value in {**found, Origin.VALID_UNTIL: until}.items() if value}


def _own(desk: Desk) -> dict[str, Path]:
    return {file.stem: file for file in sorted(desk.settings.path("templates").glob("*.toml"))}


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()
        if len(data) > MAX_BYTES:
            raise Invalid(f"{file}: larger than {MAX_BYTES} bytes", "name the file that was meant")
        return data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file}: cannot be read ({error})", "mend the file, or take it away") from error

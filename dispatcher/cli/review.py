"""``dispatcher review`` and ``dispatcher report``: an incident's record, as a document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import fill
from typing import Any

import click

from dispatcher.cli.commands import Verb, write
from dispatcher.cli.output import facts, next_step, plain
from dispatcher.cli.session import Session
from dispatcher.service.heads import head_seen
from dispatcher.service.reviewing import review as reviewing
from dispatcher.service.reviewing.review import Review
from ops.review.document import Document
from ops.review.drafts import ministers, operational
from ops.review.html import html
from ops.review.markdown import markdown
from ops.review.pdf import pdf
from ops.review.story import story
from ops.review.summary import attention, marks, summary

DRAFTS: Mapping[str, Callable[[Review], Document]] = {"operational": operational, "ministers": ministers}
_FILE = click.Path(dir_okay=False, path_type=Path)
_FORMS = (
    click.option("--html", type=_FILE, help="Write it as one page that needs nothing else: no script, no network."),
    click.option("--pdf", type=_FILE, help="Write it as that page prints, through an installed Chromium."),
    click.option("--markdown", is_flag=True, help="Print it as Markdown, wherever it goes."),
)


def _in_forms(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_FORMS):
        command = option(command)
    return command


@click.command(cls=Verb)
@click.argument("incident")
@_in_forms
def review(session: Session, incident: str, **form: Any) -> None:
    """The whole trail of INCIDENT: what was known, decided, said, sent and seen, and when. Your reading is recorded.

    A terminal gets its summary; anything else gets all of it as JSON.
    """
    found = reviewing.review(session.desk, incident, session.person)
    if any(form.values()):
        head = head_seen(session.desk.trust, session.desk.store, found.read_at)
        _give(session, story(found, head), **form)
    else:
        session.read_out("review", facts(found), "\n".join(_brief(found)))
    next_step(f"dispatcher review {found.incident.id} --html review.html")


@click.command(cls=Verb)
@click.argument("incident")
@click.option("--for", "whom", type=click.Choice(list(DRAFTS)), required=True, help="Whom it is for.")
@_in_forms
def report(session: Session, incident: str, whom: str, **form: Any) -> None:
    """Draft a report about INCIDENT from the record, for operations or, on one page, for ministers.

    Facts of the record and nothing else; whoever sends it on reads it first. Your reading is recorded.
    """
    found = reviewing.review(session.desk, incident, session.person)
    draft = DRAFTS[whom](found)
    if any(form.values()):
        _give(session, draft, **form)
    else:
        session.read_out("report", facts(draft), markdown(draft))
    next_step(f"dispatcher review {found.incident.id}")


def _give(session: Session, document: Document, **form: Any) -> None:
    """Print a document as Markdown, or write it to the files that were named."""
    if form["markdown"]:
        click.echo(plain(markdown(document)), nl=False)
    if not (form["html"] or form["pdf"]):
        return
    page = html(document)
    if form["html"]:
        write(form["html"], page.encode())
    if form["pdf"]:
        write(form["pdf"], pdf(page))
    if not form["markdown"]:
        session.show("document", {"title": document.title, "html": form["html"], "pdf": form["pdf"]})


def _brief(found: Review) -> Iterator[str]:
    """What a terminal has room for."""
    yield from (f"{found.incident.id}: {found.incident.title}", *marks(found), "", fill(summary(found), 100))
    yield from ("", "What to look at:") if attention(found) else ("", "Nothing stands out.")
    yield from (fill(sentence, 100, initial_indent="- ", subsequent_indent="  ") for sentence in attention(found))

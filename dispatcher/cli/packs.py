"""``dispatcher evidence export|redact``: evidence packs, for whoever must not have to trust us."""

from __future__ import annotations

from pathlib import Path

import click

from dispatcher.cli.commands import Verb, read_text
from dispatcher.cli.output import next_step, say
from dispatcher.cli.session import Session
from dispatcher.domain.errors import NotFound, SignatureNeeded
from dispatcher.service import packing, redacting
from dispatcher.service.heads import head_seen
from dispatcher.service.reviewing import review as reviewing
from ops import evidence as verifiers

TO = click.option("--to", "target", required=True, metavar="FILE", type=Path, help="A new file; nothing is replaced.")


@click.command(cls=Verb)
@click.argument("incident")
@TO
@click.option("--without-media", is_flag=True, help="Leave pictures and videos out; the manifest names them.")
def export(session: Session, incident: str, target: Path, without_media: bool) -> None:
    """Write all evidence of INCIDENT into one zip that verifies itself offline. The export is recorded.

    It holds the incident's part of the ledger with proofs, statements with signatures and keys, plans, texts and
    media, read-backs, deliveries and attempts as CSV, and verifiers: verify.py, and verify.html for a browser.
    """
    from ops.review.html import html
    from ops.review.story import story

    desk = session.desk
    read = reviewing.review(desk, incident, session.person)
    page = html(story(read, head_seen(desk.trust, desk.store, read.read_at)))
    pages = {**verifiers.files(), "review.html": page.encode()}
    made = packing.export(desk, incident, target, pages, session.person, media=not without_media)
    session.show("evidence-pack", made, left_out="what grounds reason")
    if made.unproved:
        say(f"{made.unproved} entries have no proof yet: no checkpoint had taken them in")
    next_step(
        f"python verify.py {target}, with the verify.py inside it, and a checkpoint from elsewhere: --checkpoint"
    )


@click.command(cls=Verb)
@click.argument("pack", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@TO
@click.option("--rules", required=True, metavar="FILE", help="TOML: what to hold back, under which exemption.")
def redact(session: Session, pack: Path, target: Path, rules: str) -> None:
    """Write a pack derived from PACK that holds back what the rules say, and still verifies. Needs no deployment.

    \b
    The rules, each with a class and a reason:
      [[redact]]
      class = "s40"
      reason = "junior staff"
      person = "author-1"     or kind, pattern, position: entries and statements; or file: files by name

    Where a deployment and a key are at hand, the redaction is recorded there.
    """
    person = _person(session)
    made = redacting.redact(pack, target, redacting.read_rules(read_text(rules), rules))
    if person:
        redacting.record(session.desk, made, person)
    else:
        say("Nobody is on record as having made it: there is no deployment here, or no key")
    session.show("redacted-pack", made, left_out="what grounds reason")
    if made.still_named:
        say(f"Warning: what the rules name is still in {', '.join(made.still_named)}: mend it with file rules")
    next_step(f"read {target} before it leaves the house, and keep {pack}")


def _person(session: Session) -> str | None:
    """Who redacts, where a deployment and a key say so. One that was asked for by name must be there."""
    try:
        return session.person
    except NotFound:
        if session.deployment:
            raise
    except SignatureNeeded:
        if session.key:
            raise
    return None

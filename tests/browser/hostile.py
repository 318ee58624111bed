"""Text that does harm on a page that takes it for markup, in every place that holds somebody else's text.

It is written into the tables themselves: what stands between people and the database may let through tomorrow what
it refuses today, and nothing refuses a platform's answer. What is signed goes through the service.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, update

from channels.contract import LanguageText
from dispatcher.domain.statement import Mode
from dispatcher.gate.stops import HaltScope
from dispatcher.sender_bootstrap import now
from dispatcher.service import incidents, messages, stopping, submitting
from dispatcher.service.areas import Where
from dispatcher.service.submitting import Wish
from dispatcher.store.foreign import FOREIGN_POSTS
from dispatcher.store.sightings import SIGHTINGS
from dispatcher.store.tables import (
    ACCOUNTS,
    ATTEMPTS,
    DELIVERIES,
    HOLDS,
    INCIDENTS,
    PROBES,
    SESSIONS,
    WORKERS,
)
from tests.browser.scene import Scene

MARKUP = (
    "<script>alert('hostile')</script><b data-hostile>bold</b>",
    "\"'><img src=x onerror=alert(1) data-hostile><a data-hostile='",
    "x onmouseover=alert(1) data-hostile autofocus onfocus=alert(1)",
    "--></title></textarea></select></style></script><svg onload=alert(1) data-hostile>",
    "&lt;b data-hostile&gt;&#60;i data-hostile&#62;",
    "{{7*7}}${7*7}{% include 'base.html' %}#{7*7}<%= 7*7 %>",
    'data: {"fragments": {"marks": "<b data-hostile>"}}\n\nevent: signed-out\ndata: {}\n\n',
)
UNSEEN = (
    "pay \u202etfeihc eht\u202c now\u2066\u2069",
    "ex\u200ber\u200dcise\ufeff \u2060over",
    "\x1b[31mred\x1b[0m\x1b]8;;https://evil.example\x07here\x1b]8;;\x07",
    "null\0byte",
)
HOSTILE = {
    "markup": " ".join(MARKUP),
    "unseen": " ".join(UNSEEN),
    "script address": "javascript:alert(document.domain)",
    "data address": "data:text/html,<script data-hostile>alert(1)</script>",
    "odd address": 'https://evil.example/"><b data-hostile>',
    "long": "<b data-hostile>" + "x" * 10_000,
}


def paint(scene: Scene, text: str) -> None:
    """Put a text into every place. Earlier ones are painted over, but in what was signed."""
    accepted, doubted = scene.names["mastodon-1"], scene.names["x-1"]
    answer = {"code": text, "reason": text, "reference": text}
    with scene.stage.desk.store.write() as work:
        work.execute(update(INCIDENTS).values(title=text))
        work.execute(update(ACCOUNTS).values(handle=text, languages=text))
        work.execute(update(PROBES).values(ok=False, detail=text, quota=text, probed_at=now()))
        work.execute(update(ATTEMPTS).where(ATTEMPTS.c.delivery.in_([accepted, doubted])).values(**answer))
        work.execute(update(DELIVERIES).where(DELIVERIES.c.id == accepted).values(url=text, reference=text))
        for row, values in _rows(accepted, text).items():
            work.execute(delete(row))
            work.execute(insert(row), [values])
    _signed(scene, text)


def _rows(accepted: str, text: str) -> dict[Any, dict[str, Any]]:
    """One row of each table: an altered post, a hold, a post that is not ours, a process."""
    seen = {"seen": "altered", "since": now(), "seen_at": now(), "looked_at": now(), "shown": text, "doubt": text}
    process = {"role": "accounts", "mode": "exercise", "pid": 1, "started_at": now(), "seen_at": now()}
    said = {"host": text, "version": text, "doing": text, "doing_since": now()}
    return {
        SIGHTINGS: {"delivery": accepted, "told": "altered", **seen},
        HOLDS: {"account": "webhook-1", "person": text, "reason": text, "placed_at": now()},
        FOREIGN_POSTS: {"account": "bluesky-1", "reference": text, "url": text, "at": now(), "found_at": now()},
        WORKERS: {"owner": text, **process, **said},
    }


def _signed(scene: Scene, text: str) -> None:
    """What people say in their own names: a halt's reason, and facts of an incident, which go into the ledger."""
    stage = scene.stage
    halt = stopping.halt(stage.desk, HaltScope.CHANNEL, "mastodon", stage.pen("ops-1"), Mode.EXERCISE, text)
    scene.names["halt"] = halt.statement
    incidents.amend(stage.desk, scene.names["live"], "author-1", {"place": text, text: "there"})


def written(scene: Scene, text: str) -> str:
    """Submit a message whose words are this text, about the exercise; returns the incident's id. Raises Invalid."""
    stage, incident = scene.stage, scene.stage.declared()
    words = LanguageText("en-GB", text, text)
    draft = messages.Draft((words,), valid_until=now() + timedelta(hours=6), where=Where(("Old Town",)))
    message = messages.draft(stage.desk, incident, draft, "author-1").message
    messages.arm(stage.desk, message, {}, "author-1")
    submitting.submit(stage.desk, message, Wish(), stage.pen("author-1"))
    return incident


def named(scene: Scene, text: str) -> None:
    """Whoever is signed in is called so."""
    with scene.stage.desk.store.write() as work:
        work.execute(update(SESSIONS).values(name=text))

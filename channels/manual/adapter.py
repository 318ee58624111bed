"""The manual channel: it renders what a person will post, and hands the task to people.

Rules
  1. Nothing here talks to anybody. ``send``, ``correct`` and ``withdraw`` answer ``handed_over``; what became of it
     is in a signed receipt, which says who posted it and the link, and nowhere else.
  2. A correction or a withdrawal names the link of the post that it mends, which is what its receipt gave.
  3. One post carries every language of the account, in the account's order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from channels.capabilities import Capabilities, Idempotency, IdempotencyKind
from channels.contract import (
    Account,
    Clock,
    Content,
    Finding,
    Found,
    Job,
    Json,
    Note,
    Outcome,
    Probe,
    ReadBack,
    RenderError,
    Rendering,
    Secret,
    Seen,
    Verdict,
)
from channels.http import Http
from channels.text import EXERCISE_LINE, check_text, link_problems, one_post

_ONLY_PEOPLE_KNOW = "handed to people: only the signed receipt says what became of it"


class Adapter:
    """One place that people post to; see :class:`channels.contract.Channel`."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        idempotency=Idempotency(IdempotencyKind.NONE),
        can_correct=True,
        can_withdraw=True,
        can_read_back=False,
        by_hand=True,
        timeout_s=1.0,  # nothing is waited for
        source="what each platform takes is the account's setting",
    )

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        """Raises ValueError for a setting ``characters`` that is no number."""
        del credential, http, clock
        if not re.fullmatch(r"[1-9][0-9]{0,5}", account.settings.get("characters", "1"), re.ASCII):
            raise ValueError(f"account {account.id}: the setting characters must be a whole number, 999999 at most")
        self._handle = account.handle

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """One text with all languages of the account. Raises RenderError where it cannot be posted as written."""
        options: dict[str, Json] = {"exercise": content.exercise, "languages": list[Json](account.languages)}
        if "characters" in account.settings:
            options["characters"] = int(account.settings["characters"])
        rendering = Rendering(account.channel, account.id, content.kind, (one_post(content, account),), options)
        if problems := cls.problems(rendering):
            raise RenderError(f"{account.handle}: {'; '.join(problems)}", rendering)
        return rendering

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """More or less than one text, no mark of an exercise, too long, hidden characters, unsound links."""
        if len(rendering.parts) != 1 or not rendering.parts[0].text.strip():
            return ["a post is one text; this rendering has none or several"]
        text, most, faults = rendering.parts[0].text, rendering.options.get("characters"), []
        if isinstance(most, int) and len(text) > most:
            faults.append(f"the post has {len(text)} of at most {most} characters; shorten it by {len(text) - most}")
        if text.startswith(EXERCISE_LINE) is not (rendering.options.get("exercise") is True):
            faults.append(f"an exercise, and nothing else, begins with {EXERCISE_LINE}")
        return faults + check_text(text) + link_problems(text)

    async def send(self, job: Job, note: Note) -> Outcome:
        """Hand the post over to a person."""
        del job, note
        return Outcome(Verdict.HANDED_OVER, reason=f"waiting for a person to post it on {self._handle}")

    async def correct(self, job: Job, note: Note) -> Outcome:
        """Hand the correction over: in the post's place or beside it, as the platform lets people do."""
        del note
        return self._mend(job, "to correct")

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        """Hand the deletion over."""
        del note
        return self._mend(job, "to take down")

    @staticmethod
    def exercise_receipt(delivery: str) -> str:
        """The link that stands in for a post in an exercise: an address that cannot exist (RFC 2606)."""
        return f"https://exercise.invalid/{delivery}"

    async def find(self, job: Job) -> Finding:
        """Unknown, always: what people did is known to people."""
        del job
        return Finding(Found.UNKNOWN, reason=_ONLY_PEOPLE_KNOW)

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """Unknown, always: there is no API to ask."""
        del job, reference
        return ReadBack(Seen.UNKNOWN, reason=_ONLY_PEOPLE_KNOW)

    async def probe(self) -> Probe:
        """Nothing to ask: people post here."""
        return Probe(ok=True, detail=f"people post on {self._handle}")

    def _mend(self, job: Job, what: str) -> Outcome:
        if not job.original:
            reason = f"a {job.rendering.kind} must name the post that it mends: give the link from its receipt"
            return Outcome(Verdict.REJECTED, reason=reason, code="original")
        return Outcome(Verdict.HANDED_OVER, reason=f"waiting for a person {what} the post on {self._handle}")

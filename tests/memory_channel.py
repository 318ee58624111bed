"""A channel whose platform is a dictionary: honest, scripted, and it writes down what it was asked to do."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import ClassVar

from channels.capabilities import Capabilities, Idempotency, IdempotencyKind, MediaKind, MediaLimit
from channels.contract import (
    Account,
    Content,
    DeliveryKind,
    Finding,
    Found,
    Job,
    LanguageText,
    Note,
    Outcome,
    Part,
    Probe,
    ReadBack,
    Rendering,
    Seen,
    Verdict,
)
from channels.media.carried import carried


@dataclass(frozen=True)
class Made:
    """One thing an adapter was asked to do."""

    did: DeliveryKind
    job: Job


class MemoryChannel:
    """An honest adapter whose platform is a dictionary.

    ``script`` says what comes next: an Outcome is the answer, an exception is raised, None never answers; when it is
    used up, everything is accepted. What was accepted, or is named in ``acted``, stands in the public record, which
    :meth:`find` and :meth:`read_back` read.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(
        Idempotency(IdempotencyKind.QUERY, lag_s=5.0),
        can_correct=True,
        can_withdraw=True,
        can_read_back=True,
        media=(
            MediaLimit(MediaKind.PICTURE, ("image/png",), 100_000, 1_000, 1_000, 2, 100),
            MediaLimit(MediaKind.VIDEO, ("video/mp4",), 100_000, 1_000, 1_000, 1, 100),
        ),
        timeout_s=2.0,
        source="tests",
    )

    def __init__(self, *script: Outcome | Exception | None) -> None:
        self.script = deque(script)
        self.made: list[Made] = []
        self.public: dict[str, Rendering] = {}
        self.unreadable = False

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """One part per language of the account."""
        mark = "EXERCISE " if content.exercise else ""
        texts = {text.language: text for text in content.texts}
        parts = tuple(Part(language, f"{mark}{_whole(texts[language])}") for language in account.languages)
        options, media = {"exercise": content.exercise}, carried(content, account)
        return Rendering(account.channel, account.id, content.kind, parts, options, media)

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """Empty texts, and texts over 500 characters."""
        faults = [f"{part.language}: the text is empty" for part in rendering.parts if not part.text.strip()]
        return faults + [f"{p.language}: the text is too long" for p in rendering.parts if len(p.text) > 500]

    async def send(self, job: Job, note: Note) -> Outcome:
        """Publish once."""
        return await self._act(DeliveryKind.PUBLISH, job)

    async def correct(self, job: Job, note: Note) -> Outcome:
        """Publish a correction."""
        return await self._act(DeliveryKind.CORRECT, job)

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        """Take a post back."""
        return await self._act(DeliveryKind.WITHDRAW, job)

    async def find(self, job: Job) -> Finding:
        """Look in the public record."""
        if self.unreadable:
            return Finding(Found.UNKNOWN, reason="the record cannot be read")
        return Finding(Found.FOUND if job.delivery in self.public else Found.ABSENT)

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """Whether the post is in the public record."""
        return ReadBack(Seen.VISIBLE if job.delivery in self.public else Seen.MISSING)

    async def probe(self) -> Probe:
        """Always there."""
        return Probe(ok=True, detail="in memory")

    async def _act(self, did: DeliveryKind, job: Job) -> Outcome:
        self.made.append(Made(did, job))
        answer = self.script.popleft() if self.script else Outcome(Verdict.ACCEPTED, reference=f"ref-{job.delivery}")
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None
        if answer.verdict is Verdict.ACCEPTED:
            self.public[job.delivery] = job.rendering
        return answer


def _whole(text: LanguageText) -> str:
    return ". ".join(filter(None, (text.headline, text.body, text.instruction)))

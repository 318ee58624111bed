"""The TikTok channel by hand-off: it renders what people will post, and hands the task to them.

Rules
  1. Nothing here talks to TikTok: an in-house upload tool is against its developer rules, and a client without an
     audit cannot post in public (reference: policy 0.3, platforms 1.11). ``direct.py`` does, where policy opens it.
  2. ``send``, ``correct`` and ``withdraw`` answer ``handed_over`` with the task's reference, which is a function of
     the delivery. What became of it is in the operators' signed receipt and nowhere else: ``find`` and
     ``read_back`` do not know.
  3. One post carries every language of the account, in the account's order.
  4. A packet is sealed to a device that the credential holds the secret of, under ``device:<id>``. That the gate
     says yes, and that a code is issued once, is for the sender to see to.
  5. Comments, duet and stitch are off, and no link reports back on its readers (reference: policy 1.4, M20, M21).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

from channels.by_hand import HandOverError
from channels.capabilities import Capabilities, Idempotency, IdempotencyKind, TextLimit, Unit
from channels.contract import (
    Account,
    Clock,
    Content,
    DeliveryKind,
    Finding,
    Found,
    Job,
    Json,
    Note,
    Outcome,
    Probe,
    RandomBytes,
    ReadBack,
    RenderError,
    Rendering,
    Secret,
    Seen,
    Verdict,
)
from channels.http import Http
from channels.text import EXERCISE_LINE, check_text, length, link_problems, links, one_post
from channels.tiktok import codes
from channels.tiktok.handoff import SETTINGS, exercise_link, format_time, packet_contents, task_reference
from channels.tiktok.packet import seal

CAPTION_UNITS = 2200
"""The longest caption, in UTF-16 code units (reference: platforms 1.6)."""

DEVICE = "device"
"""The account setting that holds the id of the registered device; ``device register`` writes it."""

_ROUTE = "hand_off"
_TRACKERS = ("utm_", "gclid", "fbclid", "ttclid", "mc_eid")
_ONLY_PEOPLE_KNOW = "handed to people: only the operators' signed receipt says what became of it"


class Adapter:
    """One TikTok account with its registered device; see :class:`channels.contract.Channel`."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        idempotency=Idempotency(IdempotencyKind.NONE),
        can_correct=True,
        can_withdraw=True,
        can_read_back=False,
        text=TextLimit(CAPTION_UNITS, Unit.UTF16),
        by_hand=True,
        max_in_flight=1,
        source="reference: policy 0.3; platforms 1.9, 1.11",
    )

    def __init__(self, account: Account, credential: Mapping[str, Secret], http: Http, clock: Clock) -> None:
        """Keeps the account and its devices' secrets; there is no network to use."""
        del http, clock
        self._account = account
        self._secrets = credential

    @classmethod
    def render(cls, content: Content, account: Account) -> Rendering:
        """One caption with all languages of the account. Raises RenderError naming all that TikTok would refuse."""
        rendering = Rendering(
            channel=account.channel,
            account=account.id,
            kind=content.kind,
            parts=(one_post(content, account),),
            options={
                "route": _ROUTE,
                "settings": dict(SETTINGS),
                "disclosure": f"Content disclosure: off. Official public message of {content.sent_by}, "
                "not an advertisement.",
                "valid_until": format_time(content.valid_until),
                "exercise": content.exercise,
                "languages": list[Json](account.languages),
            },
        )
        faults = cls.problems(rendering)
        if faults:
            raise RenderError("; ".join(faults), rendering)
        return rendering

    @classmethod
    def problems(cls, rendering: Rendering) -> list[str]:
        """Other settings than ours, no or more than one caption, too long, hidden characters, unsound links."""
        options = rendering.options
        faults = []
        if options.get("route") != _ROUTE or options.get("settings") != SETTINGS:
            faults.append("the route must be hand_off, with comments, duet and stitch off: render it again")
        if len(rendering.parts) != 1:
            return [*faults, f"one caption is needed, with all languages; there are {len(rendering.parts)}"]
        caption = rendering.parts[0].text
        if not caption.strip():
            faults.append("there is no text")
        if caption.startswith(EXERCISE_LINE) is not (options.get("exercise") is True):
            faults.append(f"an exercise, and nothing else, begins with {EXERCISE_LINE}")
        return faults + _length_problems(caption) + check_text(caption) + link_problems(caption) + _trackers(caption)

    async def send(self, job: Job, note: Note) -> Outcome:
        """Hand the post over to two operators."""
        del note
        return self._hand_over(job, "to open the hand-off")

    async def correct(self, job: Job, note: Note) -> Outcome:
        """Hand the correction over: a new post, then the old one is deleted."""
        del note
        return self._hand_over(job, "to post the correction and delete the earlier post")

    async def withdraw(self, job: Job, note: Note) -> Outcome:
        """Hand the deletion over: TikTok offers it in the app only."""
        del note
        return self._hand_over(job, "to delete the earlier post in the app")

    def issue(
        self,
        job: Job,
        *,
        device: str,
        issued_at: datetime,
        expires_at: datetime,
        not_after: datetime,
        random_bytes: RandomBytes,
    ) -> tuple[str, bytes]:
        """Seal the task to a device; see :class:`channels.contract.Sealed`. Raises HandOverError."""
        secret = self._secrets.get(f"device:{device}")
        if secret is None:
            raise HandOverError(
                f"device {device} is not registered for {self._account.handle}: register it with "
                "`dispatcher device register`"
            )
        code = codes.release_code(random_bytes)
        packet = seal(
            packet_contents(job, self._account, not_after),
            device=device,
            device_secret=secret,
            code=code,
            random_bytes=random_bytes,
            issued_at=issued_at,
            expires_at=expires_at,
            not_after=not_after,
        )
        return code, packet

    @staticmethod
    def new_device_secret(random_bytes: RandomBytes) -> Secret:
        """A new 256-bit secret for a device."""
        return codes.device_secret(random_bytes)

    @staticmethod
    def exercise_receipt(delivery: str) -> str:
        """The link that stands in for a post in an exercise."""
        return exercise_link(task_reference(delivery))

    @staticmethod
    def receipt_is_late(issued_at: datetime, receipt_at: datetime) -> bool:
        """Whether the receipt came more than ten minutes after the code was issued."""
        return codes.receipt_is_late(issued_at, receipt_at)

    async def find(self, job: Job) -> Finding:
        """Unknown, always: what people did is known to people."""
        del job
        return Finding(Found.UNKNOWN, reason=_ONLY_PEOPLE_KNOW)

    async def read_back(self, job: Job, reference: str) -> ReadBack:
        """Unknown, always: no official system may look at TikTok."""
        del job, reference
        return ReadBack(Seen.UNKNOWN, reason=_ONLY_PEOPLE_KNOW)

    async def probe(self) -> Probe:
        """Whether a device is registered for this account."""
        device = self._account.settings.get(DEVICE)
        return Probe(True, f"hand-off to {device}") if device else Probe(False, self._no_device())

    def _hand_over(self, job: Job, what: str) -> Outcome:
        device = self._account.settings.get(DEVICE)
        if not device:
            return Outcome(Verdict.DEFERRED, reason=self._no_device(), code="no_device", account_wide=True)
        if job.rendering.kind is not DeliveryKind.PUBLISH and not job.original:
            reason = f"a {job.rendering.kind} must name the post that it mends: give the link from its receipt"
            return Outcome(Verdict.REJECTED, reason=reason, code="original")
        reason = f"waiting for two operators {what} on {device}"
        return Outcome(Verdict.HANDED_OVER, reason=reason, reference=task_reference(job.delivery))

    def _no_device(self) -> str:
        return f"no device is registered for {self._account.handle}: register one with `dispatcher device register`"


def _length_problems(caption: str) -> list[str]:
    units = length(caption, Unit.UTF16)
    over = units - CAPTION_UNITS
    return [f"the caption has {units} UTF-16 units and TikTok takes {CAPTION_UNITS}: shorten it by {over}"] * (
        over > 0
    )


def _trackers(caption: str) -> list[str]:
    return [
        f"the link {link} tracks its readers by {name}: delete that parameter"
        for link in links(caption)
        for name, _ in parse_qsl(urlsplit(link).query, keep_blank_values=True)
        if name.lower().startswith(_TRACKERS)
    ]

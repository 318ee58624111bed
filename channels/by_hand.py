"""What the adapter of a channel that people finish has besides :class:`channels.contract.Channel`.

A text is shown to one person, who posts it and signs the receipt; or, where it is sealed, a packet is opened once on
a registered device, and two people sign.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, runtime_checkable

from channels.contract import Job, RandomBytes, Secret


class HandOverError(ValueError):
    """The packet cannot be sealed. The message says what is missing and what to do, and holds no secret."""


@runtime_checkable
class HandedOver(Protocol):
    """What the adapter of a channel that people finish (``by_hand``) has besides :class:`Channel`.

    The text is shown to one person, who posts it and signs the receipt.
    """

    @staticmethod
    def exercise_receipt(delivery: str) -> str:
        """What a receipt gives as the post's link in an exercise, where nothing is posted."""


@runtime_checkable
class Sealed(HandedOver, Protocol):
    """One that shows nothing here: its packet is opened on a device, once, and two people sign the receipt."""

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
        """Seal what people have to do on ``device``; returns the one-time code and the packet that it opens.

        The packet opens within ``[issued_at, expires_at)``; nothing may be published at or after ``not_after``.
        Takes half a second of processor time. Raises HandOverError.
        """

    @staticmethod
    def new_device_secret(random_bytes: RandomBytes) -> Secret:
        """The secret that a device is registered with, as it is shown once; the credential keeps it."""

    @staticmethod
    def receipt_is_late(issued_at: datetime, receipt_at: datetime) -> bool:
        """Whether a receipt came so long after its code was issued that it raises an alarm."""

"""What a sender keeps on its own disk: trust files, spent file, stops, decisions, media."""

from __future__ import annotations

from dataclasses import dataclass

from channels.contract import Secret
from dispatcher.gate.policy import Policies
from dispatcher.sending.decisions import Decisions
from dispatcher.sending.media import MediaFolder
from dispatcher.sending.spent import SpentFile
from dispatcher.sending.stopbook import StopBook
from dispatcher.statements.trust import Trust


@dataclass(frozen=True, slots=True)
class Keeping:
    """What a sender keeps. ``reaches``: hosts that it can reach, though policy says it must not."""

    trust: Trust[Policies]
    spent: SpentFile
    stops: StopBook
    decisions: Decisions
    media: MediaFolder
    list_identity: Secret | None = None
    reaches: tuple[str, ...] = ()

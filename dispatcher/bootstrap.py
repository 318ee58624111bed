"""Where everything is put together: settings in, working parts out.

``open_desk`` is for people's commands; ``dispatcher.sender_bootstrap`` makes the sender, ``dispatcher.opening``
the clock and the trust.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from channels.contract import Account
from dispatcher.domain.ids import new_id
from dispatcher.domain.statement import Mode
from dispatcher.opening import now, open_trust
from dispatcher.service.desk import Desk
from dispatcher.service.notices import through_apprise
from dispatcher.settings import Settings, load_settings
from dispatcher.store.database import Store, open_engine

if TYPE_CHECKING:  # aiohttp is loaded by whoever sends
    from channels.http import Http


def open_store(settings: Settings, writer: str) -> Store:
    """The database, with a ledger chain of this process's own."""
    return Store(open_engine(settings.database), now, new_id(writer, secrets.token_bytes))


def open_desk(folder: Path, writer: str = "cli") -> Desk:
    """A person's access to a deployment."""
    settings = load_settings(folder)
    trust = open_trust(settings, settings.path("data", "floor.json"))
    return Desk(settings, trust, open_store(settings, writer), now, secrets.token_bytes, through_apprise)


def open_client(settings: Settings, account: Account, mode: Mode) -> Http:
    """The way out to an account's platform, as its sender has it. Raises Forbidden, Invalid."""
    from channels.http import Http
    from dispatcher.sender_bootstrap import way_out
    from dispatcher.sending.credentials import Credential
    from dispatcher.service.accounts import SENT_BY, lane_of

    return Http(way_out(settings, Credential(account, mode, {}), SENT_BY[lane_of(account.channel)]))

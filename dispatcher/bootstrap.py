"""Where everything is put together: settings in, working parts out.

``open_desk`` is for people's commands; ``dispatcher.sender_bootstrap`` makes the sender, the clock and the trust.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from dispatcher.domain.ids import new_id
from dispatcher.sender_bootstrap import now, open_trust
from dispatcher.service.desk import Desk
from dispatcher.service.notices import through_apprise
from dispatcher.settings import Settings, load_settings
from dispatcher.store.database import Store, open_engine


def open_store(settings: Settings, writer: str) -> Store:
    """The database, with a ledger chain of this process's own."""
    return Store(open_engine(settings.database), now, f"{writer}:{new_id('w', secrets.token_bytes)}")


def open_desk(folder: Path, writer: str = "cli") -> Desk:
    """A person's access to a deployment."""
    settings = load_settings(folder)
    trust = open_trust(settings, settings.path("data", "floor.json"))
    return Desk(settings, trust, open_store(settings, writer), now, secrets.token_bytes, through_apprise)

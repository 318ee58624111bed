"""Accounts and devices. Nothing secret is written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, insert, select, update

from channels.contract import Account
from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.statement import Mode
from dispatcher.store import probes
from dispatcher.store.database import Work
from dispatcher.store.tables import ACCOUNTS, DEVICES


def add_account(
    work: Work,
    account: Account,
    lane: str,
    mode: Mode,
    expires_at: datetime | None = None,
    groups: Sequence[str] = (),
) -> None:
    """Write a new account, whose credential ends at ``expires_at``. Raises Invalid when the name is taken."""
    values = {name: getattr(account, name) for name in ("id", "channel", "handle")}
    more = {"lane": lane, "languages": " ".join(account.languages), "settings": dict(account.settings)}
    more["in_groups"] = " ".join(groups)
    _add(work, ACCOUNTS, "account", {**values, **more, "mode": str(mode), "created_at": work.now})
    probes.add(work, account.id, mode, expires_at)


def rows(work: Work, mode: Mode | None = None) -> list[Any]:
    """The accounts of one mode, or of both, by name."""
    query = select(ACCOUNTS).order_by(ACCOUNTS.c.mode, ACCOUNTS.c.id)
    return list(work.execute(query if mode is None else query.where(ACCOUNTS.c.mode == str(mode))).all())


def row(work: Work, name: str) -> Any:
    """One account by its whole name. Raises NotFound."""
    found = work.execute(select(ACCOUNTS).where(ACCOUNTS.c.id == name)).first()
    if found is None:
        raise NotFound(f"there is no account {name}", "dispatcher account list")
    return found


def account_of(row: Any) -> Account:
    """An account's row as adapters know it."""
    return Account(row.id, row.channel, row.handle, tuple(row.languages.split()), row.settings)


def groups_of(row: Any) -> tuple[str, ...]:
    """The groups that an account's row is in."""
    return tuple(row.in_groups.split())


def set_groups(work: Work, account: str, groups: Sequence[str]) -> None:
    """Write the groups that an account is in, all of them."""
    work.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account).values(in_groups=" ".join(groups)))


def members(work: Work, mode: Mode, groups: Sequence[str]) -> list[str]:
    """The accounts of a mode that are in any of these groups, by name. Raises NotFound for one that has none."""
    grouped = {row.id: groups_of(row) for row in rows(work, mode)}
    there = sorted({group for own in grouped.values() for group in own})
    for group in groups:
        if group not in there:
            instead = (
                f"name one of these: {', '.join(there)}" if there else "dispatcher account group NAME --add GROUP"
            )
            raise NotFound(f"no {mode} account is in a group {group}", instead)
    return [account for account, own in grouped.items() if not set(groups).isdisjoint(own)]


def add_device(work: Work, account: Any, device: str, person: str) -> None:
    """Write a device and make it the one of an account's row. Raises Invalid when the device's name is taken."""
    by = {"registered_at": work.now, "registered_by": person}
    _add(work, DEVICES, "device", {"id": device, "mode": account.mode, "account": account.id, **by})


def device_of(work: Work, account: str) -> str | None:
    """The device registered last for an account."""
    query = select(DEVICES.c.id).where(DEVICES.c.account == account).order_by(DEVICES.c.registered_at.desc())
    found: str | None = work.execute(query.limit(1)).scalar()
    return found


def _add(work: Work, table: Table, what: str, values: Mapping[str, Any]) -> None:
    key = table.c.id
    if work.execute(select(key).where(key == values["id"])).first():
        raise Invalid(f"{what} {values['id']} exists already", "choose another name")
    work.execute(insert(table).values(**values))

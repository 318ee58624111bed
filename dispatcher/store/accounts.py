"""Accounts, devices and recipient lists. Nothing secret is written here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import insert, select

from channels.contract import Account
from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.plan import SignedList
from dispatcher.domain.statement import Mode
from dispatcher.store.database import Work
from dispatcher.store.tables import AccountRow, Base, DeviceRow, RecipientListRow, RecipientRow

BATCH = 1_000


def add_account(work: Work, account: Account, lane: str, mode: Mode) -> None:
    """Write a new account. Raises Invalid when the name is taken."""
    values = {name: getattr(account, name) for name in ("id", "channel", "handle")}
    more = {"lane": lane, "languages": " ".join(account.languages), "settings": dict(account.settings)}
    _add(work, AccountRow, "account", {**values, **more, "mode": str(mode), "created_at": work.now})


def rows(work: Work, mode: Mode | None = None) -> list[Any]:
    """The accounts of one mode, or of both, by name."""
    return _of_mode(work, AccountRow, mode)


def row(work: Work, name: str) -> Any:
    """One account by its whole name. Raises NotFound."""
    found = work.execute(select(AccountRow.__table__).where(AccountRow.id == name)).first()
    if found is None:
        raise NotFound(f"there is no account {name}", "list them: dispatcher account list")
    return found


def account_of(row: Any) -> Account:
    """An account's row as adapters know it."""
    return Account(row.id, row.channel, row.handle, tuple(row.languages.split()), row.settings)


def add_device(work: Work, account: Any, device: str, person: str) -> None:
    """Write a device and make it the one of an account's row. Raises Invalid when the device's name is taken."""
    by = {"registered_at": work.now, "registered_by": person}
    _add(work, DeviceRow, "device", {"id": device, "mode": account.mode, "account": account.id, **by})


def device_of(work: Work, account: str) -> str | None:
    """The device registered last for an account."""
    query = select(DeviceRow.id).where(DeviceRow.account == account).order_by(DeviceRow.registered_at.desc())
    found: str | None = work.execute(query.limit(1)).scalar()
    return found


def add_list(work: Work, header: Mapping[str, Any], recipients: Iterable[Mapping[str, Any]]) -> None:
    """Write a recipient list with its rows, in batches. Raises Invalid when the name is taken."""
    _add(work, RecipientListRow, "recipient list", {**header, "created_at": work.now})
    source = iter(recipients)
    while batch := list(islice(source, BATCH)):
        work.execute(insert(RecipientRow), batch)


def lists(work: Work, mode: Mode | None = None) -> list[Any]:
    """The recipient lists of one mode, or of both, by name."""
    return _of_mode(work, RecipientListRow, mode)


def signed_list(work: Work, mode: Mode, name: str) -> SignedList:
    """A recipient list as it goes into a plan. Raises NotFound."""
    query = select(RecipientListRow.__table__).where(RecipientListRow.id == name, RecipientListRow.mode == str(mode))
    found = work.execute(query).first()
    if found is None:
        raise NotFound(f"there is no {mode} recipient list {name}", "import one: dispatcher recipients import")
    return SignedList(found.id, found.root, found.count)


def _add(work: Work, table: type[Base], what: str, values: Mapping[str, Any]) -> None:
    key = table.__table__.c.id
    if work.execute(select(key).where(key == values["id"])).first():
        raise Invalid(f"{what} {values['id']} exists already", "choose another name")
    work.execute(insert(table).values(**values))


def _of_mode(work: Work, table: type[AccountRow | RecipientListRow], mode: Mode | None) -> list[Any]:
    query = select(table.__table__).order_by(table.mode, table.id)
    return list(work.execute(query if mode is None else query.where(table.mode == str(mode))).all())

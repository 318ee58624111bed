"""Accounts, devices and recipient lists as they are added. Nothing secret is written here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import insert, select, update

from channels.contract import Account
from dispatcher.domain.errors import Invalid, NotFound
from dispatcher.domain.statement import Mode
from dispatcher.store.database import Work
from dispatcher.store.tables import AccountRow, DeviceRow, RecipientListRow, RecipientRow

BATCH = 1_000


def add_account(work: Work, account: Account, lane: str, mode: Mode) -> None:
    """Write a new account. Raises Invalid when the name is taken."""
    if work.execute(select(AccountRow.id).where(AccountRow.id == account.id)).first():
        raise Invalid(f"account {account.id} exists already", "choose another name")
    work.execute(
        insert(AccountRow).values(
            id=account.id,
            mode=str(mode),
            channel=account.channel,
            lane=lane,
            handle=account.handle,
            languages=" ".join(account.languages),
            settings=dict(account.settings),
            created_at=work.now,
        )
    )


def rows(work: Work, mode: Mode | None = None) -> list[Any]:
    """The accounts of one mode, or of both, by name."""
    query = select(AccountRow.__table__).order_by(AccountRow.mode, AccountRow.id)
    chosen = query if mode is None else query.where(AccountRow.mode == str(mode))
    return list(work.execute(chosen).all())


def row(work: Work, name: str) -> Any:
    """One account by its whole name. Raises NotFound."""
    found = work.execute(select(AccountRow.__table__).where(AccountRow.id == name)).first()
    if found is None:
        raise NotFound(f"there is no account {name}", "list them: dispatcher account list")
    return found


def set_device(work: Work, account: str, device: str, person: str) -> None:
    """Write a device and make it the account's. Raises Invalid when the device's name is taken."""
    if work.execute(select(DeviceRow.id).where(DeviceRow.id == device)).first():
        raise Invalid(f"device {device} is registered already", "give this device another name")
    owner = row(work, account)
    work.execute(
        insert(DeviceRow).values(
            id=device, mode=owner.mode, account=account, registered_at=work.now, registered_by=person
        )
    )
    settings = {**owner.settings, "device": device}
    work.execute(update(AccountRow).where(AccountRow.id == account).values(settings=settings))


def device_of(work: Work, account: str) -> str | None:
    """The device registered last for an account."""
    query = select(DeviceRow.id).where(DeviceRow.account == account).order_by(DeviceRow.registered_at.desc())
    found: str | None = work.execute(query.limit(1)).scalar()
    return found


def add_list(work: Work, header: Mapping[str, Any], recipients: Iterable[Mapping[str, Any]]) -> None:
    """Write a recipient list with its rows, in batches. Raises Invalid when the name is taken."""
    if work.execute(select(RecipientListRow.id).where(RecipientListRow.id == header["id"])).first():
        raise Invalid(f"recipient list {header['id']} exists already", "choose another name")
    work.execute(insert(RecipientListRow).values(created_at=work.now, **header))
    source = iter(recipients)
    while batch := list(islice(source, BATCH)):
        work.execute(insert(RecipientRow), batch)


def lists(work: Work, mode: Mode | None = None) -> list[Any]:
    """The recipient lists of one mode, or of both, by name."""
    query = select(RecipientListRow.__table__).order_by(RecipientListRow.mode, RecipientListRow.id)
    chosen = query if mode is None else query.where(RecipientListRow.mode == str(mode))
    return list(work.execute(chosen).all())

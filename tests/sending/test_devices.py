"""The device of a hand-off account: a file of its own, put together with the account by the sender alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from channels.contract import Account, Secret
from dispatcher.domain.errors import Forbidden, Invalid
from dispatcher.domain.statement import Mode
from dispatcher.sending.credentials import Credential, Vault


def vault(folder: Path, mode: Mode = Mode.EXERCISE) -> Vault:
    """A vault with one account."""
    made = Vault(folder / str(mode), folder / "role", folder / "role.pub", mode, "tiktok-sender")
    made.create()
    made.folder.mkdir(exist_ok=True)
    made.put(Credential(Account("a-1", "tiktok", "@city", ("en",)), mode, {}))
    return made


def test_a_device_needs_the_public_key_only(tmp_path: Path) -> None:
    """Whoever registers it can read neither it nor the account again."""
    made = vault(tmp_path)
    identity = (tmp_path / "role").read_bytes()
    (tmp_path / "role").unlink()
    file = made.put_device("a-1", "phone-1", Secret("planted"))
    assert (b"planted" in file.read_bytes(), file.stat().st_mode & 0o777) == (False, 0o600)
    (tmp_path / "role").write_bytes(identity)
    (opened,) = made.open_all()
    assert (opened.account.settings, opened.secrets) == ({"device": "phone-1"}, {"device:phone-1": Secret("planted")})


def test_an_account_without_a_device_opens_as_it_is(tmp_path: Path) -> None:
    """It has no such setting."""
    (opened,) = vault(tmp_path).open_all()
    assert (dict(opened.account.settings), dict(opened.secrets)) == ({}, {})


def test_a_damaged_device_file_is_said(tmp_path: Path) -> None:
    """With what to do about it."""
    made = vault(tmp_path)
    made.put_device("a-1", "phone-1", Secret("planted")).write_bytes(b"damaged")
    with pytest.raises(Invalid) as damaged:
        list(made.open_all())
    assert damaged.value.next_step == "register the device again"


def test_another_accounts_device_is_refused(tmp_path: Path) -> None:
    """A file that was moved under this account's name does not lend it its device."""
    made = vault(tmp_path)
    other = made.put_device("a-2", "phone-2", Secret("planted"))
    shutil.copy(other, other.with_name("a-1.age"))
    with pytest.raises(Forbidden, match="a-2"):
        list(made.open_all())


def test_the_other_modes_device_is_refused(tmp_path: Path) -> None:
    """An exercise's phone opens nothing live."""
    exercise, live = vault(tmp_path), vault(tmp_path, Mode.LIVE)
    file = exercise.put_device("a-1", "phone-1", Secret("planted"))
    (live.folder / "devices").mkdir()
    shutil.copy(file, live.folder / "devices" / file.name)
    with pytest.raises(Forbidden, match="exercise"):
        list(live.open_all())

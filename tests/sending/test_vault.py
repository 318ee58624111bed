"""A role's folder of credentials: whose it is, what it says it holds, and how its files are replaced."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from channels.contract import Account, Secret
from dispatcher.domain.errors import Forbidden, Unavailable
from dispatcher.domain.statement import Mode
from dispatcher.sending.credentials import Credential, Vault, write_private

X = Account("x-1", "x", "@city", ("en-GB", "cy"))


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """A role's vault with one account."""
    keys = tmp_path / "deployment" / "keys"
    made = Vault(tmp_path / "deployment" / "accounts", keys / "role.key", keys / "role.pub", Mode.LIVE, "accounts")
    made.create()
    made.put(Credential(X, Mode.LIVE, {"token": Secret("t")}))
    return made


def test_it_says_which_accounts_it_holds(vault: Vault) -> None:
    """By their files, without opening any."""
    vault.identity_file.unlink()
    assert (vault.holds("x-1"), vault.holds("x-2")) == (True, False)


def test_what_is_no_name_of_an_account_is_not_held(vault: Vault) -> None:
    """Nobody finds out by it what lies elsewhere on the disk."""
    (vault.folder.parent / "x-3.age").touch()
    assert not vault.holds("../x-3")


def test_a_folder_is_no_credential(vault: Vault) -> None:
    """Only a file is."""
    (vault.folder / "x-4.age").mkdir()
    assert not vault.holds("x-4")


def test_its_folders_are_their_owners_alone(vault: Vault) -> None:
    """Keys, credentials and devices lie in folders that nobody else can look into."""
    device = vault.put_device("x-1", "device-1", Secret("s"))
    folders = (vault.folder, vault.identity_file.parent, device.parent)
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o700] * 3


def test_a_device_of_the_other_mode_is_refused_with_what_to_do(vault: Vault) -> None:
    """An exercise's device does not open a live packet."""
    other = Vault(vault.folder, vault.identity_file, vault.recipient_file, Mode.EXERCISE, vault.role)
    other.put_device("x-1", "device-1", Secret("s"))
    with pytest.raises(Forbidden, match="is for exercise account x-1") as refused:
        list(vault.open_all())
    assert refused.value.next_step == "register the device again"


def test_a_role_without_keys_is_told_to_make_them(tmp_path: Path) -> None:
    """The message names the file, the next step the command."""
    bare = Vault(tmp_path, tmp_path / "role.key", tmp_path / "role.pub", Mode.LIVE, "accounts")
    with pytest.raises(Unavailable, match=r"role\.pub cannot be read: No such file") as unavailable:
        bare.recipient()
    assert unavailable.value.next_step == "dispatcher init"


def test_a_file_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All its bytes are on the disk under another name, its owner's alone, before it takes the old one's place."""
    path, flush, seen = tmp_path / "x-1.age", os.fsync, []
    path.write_bytes(b"old")

    def noted(descriptor: int) -> None:
        found = os.fstat(descriptor)
        seen.append((found.st_size, stat.S_IMODE(found.st_mode), path.read_bytes()))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    write_private(path, b"newer")
    assert (seen, path.read_bytes(), list(tmp_path.iterdir())) == ([(5, 0o600, b"old")], b"newer", [path])


def test_a_roles_keys_may_lie_anywhere(tmp_path: Path) -> None:
    """Folders on the way to them are made; one that is there already is used."""
    for keys in (tmp_path / "secrets" / "roles" / "keys", tmp_path):
        made = Vault(tmp_path / "accounts", keys / "role.key", keys / "role.pub", Mode.LIVE, "accounts")
        made.create()
        assert made.recipient().startswith("age1")


def test_a_device_is_registered_though_the_role_has_no_folder_yet(vault: Vault, tmp_path: Path) -> None:
    """The folder of accounts and that of devices are made with it."""
    elsewhere = replace(vault, folder=tmp_path / "other" / "accounts")
    assert elsewhere.put_device("x-1", "device-1", Secret("s")).is_file()


def test_it_names_its_accounts_by_their_files(vault: Vault) -> None:
    """Files of devices and of other kinds are none."""
    vault.put_device("x-1", "device-1", Secret("s"))
    (vault.folder / "notes.txt").touch()
    assert vault.accounts == {"x-1"}

"""Secrets that replace an account's: a file of their own, and a sender that goes by it without a new start."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from channels.contract import Account, Secret
from dispatcher.domain.errors import Forbidden, Invalid
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Mode
from dispatcher.sender_bootstrap import VaultOutlets
from dispatcher.sending.credentials import Credential, Vault
from dispatcher.settings import Settings

FAR = "http://127.0.0.1:9"


def credential(name: str, token: str = "old") -> Credential:
    """An account on X."""
    settings = {"base_url": f"{FAR}/x", "user_id": "1"}
    account = Account(name, "x", "@city", ("en-GB",), settings)
    return Credential(account, Mode.EXERCISE, {"token": Secret(token), "spare": Secret("s")})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A deployment that is nothing but folders."""
    return Settings(tmp_path, "example", DeploymentKind.TEST, "", simulator=FAR)


@pytest.fixture
def vault(settings: Settings) -> Vault:
    """A vault with two accounts."""
    made = settings.vault(Mode.EXERCISE, "accounts")
    made.create()
    for name in ("x-1", "x-2"):
        made.put(credential(name))
    return made


def token(outlets: VaultOutlets, name: str) -> str:
    """The token that an account's adapter would send with."""
    outlet = outlets.get(name)
    assert outlet is not None
    return str(outlet.adapter._login.credential["token"].reveal())  # type: ignore[attr-defined]


def test_new_secrets_replace_all_of_the_old(vault: Vault) -> None:
    """One that is not given again is gone; the account stays what it is."""
    vault.put_secrets("x-1", {"token": Secret("new")})
    opened = vault.open("x-1")
    assert (opened.account, opened.secrets) == (credential("x-1").account, {"token": Secret("new")})


def test_they_need_the_public_key_only_and_do_not_show(vault: Vault) -> None:
    """Whoever rotates can read neither the old secrets nor the new ones again."""
    vault.identity_file.unlink()
    file = vault.put_secrets("x-1", {"token": Secret("planted")})
    assert (b"planted" in file.read_bytes(), file.stat().st_mode & 0o777) == (False, 0o600)


def test_another_accounts_secrets_are_refused(vault: Vault) -> None:
    """A file that was moved under this account's name does not lend it its token."""
    other = vault.put_secrets("x-2", {"token": Secret("new")})
    shutil.copy(other, other.with_name("x-1.age"))
    with pytest.raises(Forbidden, match=r"secrets file x-1\.age is for exercise account x-2"):
        vault.open("x-1")


def test_secrets_that_do_not_open_are_said(vault: Vault) -> None:
    """With what to do about it."""
    vault.put_secrets("x-1", {"token": Secret("new")}).write_bytes(b"damaged")
    with pytest.raises(Invalid) as damaged:
        vault.open("x-1")
    assert damaged.value.next_step == "rotate the account again"


def test_a_running_sender_goes_by_the_new_secrets(settings: Settings, vault: Vault) -> None:
    """From when it lists its accounts next, as it does with every lease."""
    outlets = VaultOutlets(settings, vault)
    vault.put_secrets("x-1", {"token": Secret("new")})
    assert set(outlets) == {"x-1", "x-2"}
    assert (token(outlets, "x-1"), token(outlets, "x-2")) == ("new", "old")


def test_they_are_replaced_again(settings: Settings, vault: Vault) -> None:
    """The second time too, while it runs."""
    outlets = VaultOutlets(settings, vault)
    for given in ("new", "newer"):
        vault.put_secrets("x-1", {"token": Secret(given)})
        list(outlets)
        assert token(outlets, "x-1") == given


def test_an_adapter_whose_credential_stands_is_kept(settings: Settings, vault: Vault) -> None:
    """With its session; another account's rotation ends none."""
    outlets = VaultOutlets(settings, vault)
    kept, replaced = outlets.get("x-2"), outlets.get("x-1")
    vault.put_secrets("x-1", {"token": Secret("new")})
    list(outlets)
    assert (outlets.get("x-2") is kept, outlets.get("x-1") is replaced) == (True, False)


@pytest.mark.parametrize("damage", ["damaged", "incomplete"])
def test_new_secrets_that_are_of_no_use_leave_the_old(settings: Settings, vault: Vault, damage: str) -> None:
    """Damaged on the disk, or without what the adapter needs: the log says why, and no other account suffers."""
    outlets = VaultOutlets(settings, vault)
    file = vault.put_secrets("x-1", {"other": Secret("planted")})
    if damage == "damaged":
        file.write_bytes(b"damaged")
    vault.put_secrets("x-2", {"token": Secret("new")})
    with capture_logs() as logs:
        list(outlets)
    assert (token(outlets, "x-1"), token(outlets, "x-2")) == ("old", "new")
    assert [(entry["event"], entry["account"]) for entry in logs] == [("credential_refused", "x-1")]
    assert "planted" not in str(logs)


def test_an_account_that_is_added_later_is_found(settings: Settings, vault: Vault) -> None:
    """When it is asked for, listed or not."""
    outlets = VaultOutlets(settings, vault)
    vault.put(credential("x-3"))
    assert token(outlets, "x-3") == "old"
    assert "x-3" in set(outlets)

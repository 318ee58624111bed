"""Credentials: one file per account, sealed to a role, of one mode."""

from __future__ import annotations

import json
from pathlib import Path

import pyrage
import pytest

from channels.contract import Account, Secret
from dispatcher.domain.errors import Forbidden, Invalid, Unavailable
from dispatcher.domain.statement import Mode
from dispatcher.sending.credentials import Credential, Vault

X = Account("x-1", "x", "@city", ("en-GB", "cy"), {"base_url": "https://x.example"})
CREDENTIAL = Credential(X, Mode.EXERCISE, {"token": Secret("tops3cret"), "refresh": Secret("")})


def vault(folder: Path, role: str = "accounts", mode: Mode = Mode.EXERCISE) -> Vault:
    """A role's vault with its key pair."""
    keys = folder / "keys"
    made = Vault(folder / str(mode) / role, keys / f"{role}.key", keys / f"{role}.pub", mode, role)
    made.create()
    return made


def test_a_credential_opens_to_what_was_put(tmp_path: Path) -> None:
    """Account, mode, settings and secrets come back."""
    made = vault(tmp_path)
    made.put(CREDENTIAL)
    assert list(made.open_all()) == [CREDENTIAL]


def test_a_newer_credential_replaces_the_older(tmp_path: Path) -> None:
    """One file per account."""
    made = vault(tmp_path)
    for token in ("old", "new"):
        made.put(Credential(X, Mode.EXERCISE, {"token": Secret(token)}))
    assert [opened.secrets["token"].reveal() for opened in made.open_all()] == ["new"]


def test_a_file_shows_no_secret(tmp_path: Path) -> None:
    """Neither the value nor its name stands in it."""
    data = vault(tmp_path).put(CREDENTIAL).read_bytes()
    assert (b"tops3cret" in data, b"token" in data) == (False, False)


@pytest.mark.parametrize("what", ["credential", "identity"])
def test_files_are_their_owners_alone(tmp_path: Path, what: str) -> None:
    """Mode 0600, from the first moment on."""
    made = vault(tmp_path)
    path = made.put(CREDENTIAL) if what == "credential" else made.identity_file
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_leads_no_writer_out_of_the_folder(tmp_path: Path) -> None:
    """A confined sender writes into the folder of renewed secrets; who rotates from outside follows nothing there."""
    made, kept = vault(tmp_path), tmp_path / "kept"
    kept.write_text("ledger")
    (made.renewed_folder / ".x-1.age.new").symlink_to(kept)
    made.put_secrets("x-1", {"token": Secret("new")})
    assert kept.read_text() == "ledger"
    (made.renewed_folder / ".x-1.lock").symlink_to(tmp_path / "made")
    with pytest.raises(OSError, match="symbolic"), made.locked("x-1"):
        pass
    assert not (tmp_path / "made").exists()


def test_making_the_keys_again_keeps_them(tmp_path: Path) -> None:
    """A second init does not lock anybody out."""
    made = vault(tmp_path)
    made.put(CREDENTIAL)
    made.create()
    assert len(list(made.open_all())) == 1


def test_adding_an_account_needs_only_the_public_key(tmp_path: Path) -> None:
    """Whoever adds accounts cannot read them."""
    made = vault(tmp_path)
    made.identity_file.unlink()
    made.put(CREDENTIAL)
    with pytest.raises(Unavailable, match="cannot be read"):
        list(made.open_all())


def test_an_empty_folder_needs_no_key(tmp_path: Path) -> None:
    """A role without accounts starts."""
    made = vault(tmp_path)
    made.identity_file.unlink()
    assert list(made.open_all()) == []


def test_a_credential_of_the_other_mode_refuses_the_start(tmp_path: Path) -> None:
    """A live file in an exercise folder is not skipped, it is an alarm."""
    made = vault(tmp_path)
    made.put(Credential(X, Mode.LIVE, {}))
    with pytest.raises(Forbidden, match="is for live, this process serves exercise"):
        list(made.open_all())


def test_another_roles_file_does_not_open(tmp_path: Path) -> None:
    """One process of a role holds only that role's accounts."""
    mine, theirs = vault(tmp_path), vault(tmp_path, "tiktok")
    file = theirs.put(CREDENTIAL)
    (mine.folder / "x-1.age").write_bytes(file.read_bytes())
    with pytest.raises(Invalid, match=r"x-1\.age does not open"):
        list(mine.open_all())


WHOLE = {"id": "x-1", "channel": "x", "handle": "@c", "languages": [], "settings": {}, "mode": "exercise"}
ODD = {
    "not JSON": b"\xff",
    "a list": b"[]",
    "without secrets": json.dumps(WHOLE).encode(),
    "secrets that are a list": json.dumps({**WHOLE, "secrets": ["a"]}).encode(),
    "settings that are a number": json.dumps({**WHOLE, "secrets": {}, "settings": 1}).encode(),
    "of an unknown mode": json.dumps({**WHOLE, "secrets": {}, "mode": "rehearsal"}).encode(),
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD.keys())
def test_a_sealed_file_of_odd_shape_is_refused(tmp_path: Path, body: bytes) -> None:
    """Anybody can seal to the public key; what does not fit is told with the file's name."""
    made = vault(tmp_path)
    recipient = pyrage.x25519.Recipient.from_str(made.recipient())
    (made.folder / "x-1.age").write_bytes(pyrage.encrypt(body, [recipient]))
    with pytest.raises(Invalid, match=r"x-1\.age does not open"):
        list(made.open_all())


@pytest.mark.parametrize("keep", [0, 10, 100])
def test_a_damaged_file_is_refused(tmp_path: Path, keep: int) -> None:
    """A file cut short says so, with what to do."""
    made = vault(tmp_path)
    file = made.put(CREDENTIAL)
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(Invalid) as refused:
        list(made.open_all())
    assert refused.value.next_step == "add the account again"


def test_the_identity_comes_from_the_service_manager_where_it_gives_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Systemd's credentials directory goes before the deployment's folder."""
    made = vault(tmp_path)
    made.put(CREDENTIAL)
    given = tmp_path / "given"
    given.mkdir()
    made.identity_file.rename(given / made.identity_file.name)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    assert list(made.open_all()) == [CREDENTIAL]


def test_the_device_is_put_together_with_its_account(tmp_path: Path) -> None:
    """Its secret and id stand beside the account's own when the account is opened."""
    made = vault(tmp_path, "tiktok")
    made.put(CREDENTIAL)
    made.put_device("x-1", "device-7", Secret("device secret"))
    (opened,) = made.open_all()
    found = opened.account.settings["device"], opened.secrets["device:device-7"].reveal()
    assert found == ("device-7", "device secret")


def test_a_device_file_of_another_account_is_refused(tmp_path: Path) -> None:
    """Moved to another account's name, it opens nothing."""
    made = vault(tmp_path, "tiktok")
    made.put(CREDENTIAL)
    made.put_device("x-2", "device-7", Secret("s")).rename(made.folder / "devices" / "x-1.age")
    with pytest.raises(Forbidden, match="is for exercise account x-2"):
        list(made.open_all())

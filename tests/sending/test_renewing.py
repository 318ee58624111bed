"""Renewing a credential: one at a time, kept before it is used, carried to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from channels.contract import Account, Secret
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Mode
from dispatcher.sender_bootstrap import VaultOutlets
from dispatcher.sending.credentials import Credential, Vault
from dispatcher.sending.renewing import VaultRenewal
from dispatcher.settings import Settings
from tests.sending.socketed import eventually

OLD = {"token": Secret("old"), "refresh_token": Secret("r-0"), "client_id": Secret("c")}


class Platform:
    """Gives a new pair for each refresh token, once; ``go`` lets it answer."""

    def __init__(self) -> None:
        self.spent: list[str] = []
        self.go = asyncio.Event()
        self.go.set()

    async def renew(self, held: Mapping[str, Secret]) -> Mapping[str, Secret]:
        """Spend the refresh token."""
        token = held["refresh_token"].reveal()
        assert token not in self.spent, "it was spent before"
        self.spent.append(token)
        await self.go.wait()
        return {**held, "token": Secret(f"new-{len(self.spent)}"), "refresh_token": Secret(f"r-{len(self.spent)}")}


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """A vault with an account on X."""
    made = Settings(tmp_path, "example", DeploymentKind.TEST, "").vault(Mode.EXERCISE, "accounts")
    made.create()
    settings = {"base_url": "http://127.0.0.1:9/x"}
    made.put(Credential(Account("x-1", "x", "@city", ("en-GB",), settings), Mode.EXERCISE, OLD))
    return made


def test_two_processes_renew_once(vault: Vault) -> None:
    """All who ask for the same get what the first brought."""

    async def main() -> tuple[list[str], int]:
        platform, processes = Platform(), [VaultRenewal(vault, "x-1") for _ in range(2)]
        asked = [renewal(OLD, platform.renew) for renewal in processes * 3]
        return [found["token"].reveal() for found in await asyncio.gather(*asked)], len(platform.spent)

    assert asyncio.run(main()) == (["new-1"] * 6, 1)


def test_what_is_renewed_is_on_the_disk_sealed(vault: Vault) -> None:
    """Before it is returned."""

    async def main() -> Mapping[str, Secret]:
        return await VaultRenewal(vault, "x-1")(OLD, Platform().renew)

    renewed = asyncio.run(main())
    assert vault.open("x-1").secrets == renewed
    assert b"new-1" not in (vault.folder / "secrets" / "x-1.age").read_bytes()


def test_a_renewal_outlives_who_asked_for_it(vault: Vault) -> None:
    """A send whose time is over loses no login."""

    async def main() -> None:
        platform, renewal = Platform(), VaultRenewal(vault, "x-1")
        platform.go.clear()
        asking = asyncio.create_task(renewal(OLD, platform.renew))
        await eventually(lambda: platform.spent)
        asking.cancel()
        await asyncio.wait([asking])
        platform.go.set()
        await renewal.finish()

    asyncio.run(main())
    assert vault.open("x-1").secrets["token"] == Secret("new-1")


def test_where_nothing_is_renewed_nobody_waits(vault: Vault) -> None:
    """A role that ends has nothing to finish."""
    asyncio.run(VaultRenewal(vault, "x-1").finish())
    assert vault.open("x-1").secrets == OLD


def test_a_renewal_that_fails_changes_nothing(vault: Vault) -> None:
    """And the next may try."""

    async def fail(_held: Mapping[str, Secret]) -> Mapping[str, Secret]:
        raise OSError("no answer")

    async def main() -> Mapping[str, Secret]:
        renewal = VaultRenewal(vault, "x-1")
        with pytest.raises(OSError, match="no answer"):
            await renewal(OLD, fail)
        return await renewal(OLD, Platform().renew)

    assert asyncio.run(main())["token"] == Secret("new-1")


def test_a_credential_that_does_not_open_spends_nothing(vault: Vault) -> None:
    """What waited is tried again: an adapter knows the error of a disk, and none of a vault's."""
    (vault.folder / "x-1.age").write_bytes(b"torn")
    platform = Platform()
    with pytest.raises(OSError, match="x-1"):
        asyncio.run(VaultRenewal(vault, "x-1")(OLD, platform.renew))
    assert platform.spent == []


def test_what_a_person_rotated_meanwhile_is_used(vault: Vault) -> None:
    """Nothing of the credential before is spent."""
    vault.put_secrets("x-1", {**OLD, "token": Secret("rotated")})

    async def main() -> tuple[str, list[str]]:
        platform = Platform()
        return (await VaultRenewal(vault, "x-1")(OLD, platform.renew))["token"].reveal(), platform.spent

    assert asyncio.run(main()) == ("rotated", [])


def test_an_adapter_that_can_renew_is_given_the_way(vault: Vault, tmp_path: Path) -> None:
    """By whoever opens its credential."""
    settings = Settings(tmp_path, "example", DeploymentKind.TEST, "", simulator="http://127.0.0.1:9")
    outlet = VaultOutlets(settings, vault).get("x-1")
    assert outlet is not None
    assert isinstance(outlet.adapter._login.renewal, VaultRenewal)  # type: ignore[attr-defined]


def test_who_renews_needs_no_more_than_its_identity_and_one_folder(vault: Vault) -> None:
    """A confined sender has neither the public key's file nor leave to write beside it."""
    vault.recipient_file.unlink()
    vault.folder.chmod(0o500)

    async def main() -> Mapping[str, Secret]:
        return await VaultRenewal(vault, "x-1")(OLD, Platform().renew)

    try:
        renewed = asyncio.run(main())
    finally:
        vault.folder.chmod(0o700)
    assert vault.open("x-1").secrets == renewed
    assert {file.name for file in vault.folder.iterdir()} == {"x-1.age", "secrets"}

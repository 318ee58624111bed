"""Credentials: one age file per account, in a folder per mode and role, opened with the role's own identity.

Rules (design: architecture, decided 7; ADR 0004)
  1. Whoever adds an account needs only the role's public key; whoever sends needs its identity. The identity comes
     from systemd's credentials directory, else from the deployment's ``keys`` folder.
  2. A file says which account, channel, mode and settings its secrets are for; the sender believes this file, not
     SQL. One process of a role holds only that role's accounts.
  3. A file of the other mode is a reason not to start.
  4. The device that opens an account's hand-off packets has a file of its own, because whoever registers it cannot
     read the account's: opening the account puts the two together, as the secret ``device:ID`` and the setting
     ``device``.
  5. So do secrets that replace an account's: what they are for stays what the account's own file says, and SQL has no
     say in where a new token goes. Their folder is all that a confined sender may write here: it renews, and no more.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pyrage

from channels.contract import Account, Secret
from dispatcher.domain.errors import Forbidden, Invalid, Unavailable
from dispatcher.domain.ids import is_name
from dispatcher.domain.statement import Mode

T = TypeVar("T")
BESIDE = {"device": "devices", "secrets": "secrets"}
"""Folders of files that add to an account's own, by what is in them."""


@dataclass(frozen=True, slots=True)
class Credential:
    """One account with what opens it."""

    account: Account
    mode: Mode
    secrets: Mapping[str, Secret]


@dataclass(frozen=True, slots=True)
class Vault:
    """The credential files of one role in one mode."""

    folder: Path
    identity_file: Path
    recipient_file: Path
    mode: Mode
    role: str

    def create(self) -> None:
        """Make the role's folders and key pair, if they are not there yet."""
        self._make_folders()
        if self.identity_file.exists():
            return
        identity = pyrage.x25519.Identity.generate()
        self.identity_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(self.identity_file, str(identity).encode())
        self.recipient_file.write_text(str(identity.to_public()))

    @property
    def renewed_folder(self) -> Path:
        """Where secrets that replace an account's are: whoever renews writes here."""
        return self.folder / BESIDE["secrets"]

    def recipient(self) -> str:
        """The role's public key; a confined sender has it by its identity alone. Raises Unavailable."""
        if self.recipient_file.exists() or not self._identity_source.exists():
            return _read(self.recipient_file).decode().strip()
        return str(pyrage.x25519.Identity.from_str(self.identity().reveal()).to_public())

    def identity(self) -> Secret:
        """The role's identity. Raises Unavailable."""
        return Secret(_read(self._identity_source).decode().strip())

    @property
    def _identity_source(self) -> Path:
        provided = os.environ.get("CREDENTIALS_DIRECTORY")
        return Path(provided) / self.identity_file.name if provided else self.identity_file

    def put(self, credential: Credential) -> Path:
        """Seal one account's credential into its file, replacing an older one."""
        account = credential.account
        document: dict[str, Any] = {
            "id": account.id,
            "channel": account.channel,
            "handle": account.handle,
            "languages": list(account.languages),
            "settings": dict(account.settings),
            "mode": str(credential.mode),
            "secrets": {name: secret.reveal() for name, secret in credential.secrets.items()},
        }
        return self._seal(self.folder / f"{account.id}.age", document)

    def put_device(self, account: str, device: str, secret: Secret) -> Path:
        """Seal the secret of an account's device, replacing that of the device before."""
        document = {"account": account, "device": device, "mode": str(self.mode), "secret": secret.reveal()}
        return self._seal(self._file_beside("device", account), document)

    def put_secrets(self, account: str, secrets: Mapping[str, Secret]) -> Path:
        """Seal secrets that replace all of an account's; those before hold until the new are whole on the disk."""
        held = {name: secret.reveal() for name, secret in secrets.items()}
        document = {"account": account, "mode": str(self.mode), "secrets": held}
        return self._seal(self._file_beside("secrets", account), document)

    @contextmanager
    def locked(self, account: str) -> Iterator[None]:
        """Be the one on this host who replaces an account's secrets; waits for another who does."""
        self._make_folders()
        lock = self.renewed_folder / f".{account}.lock"
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def holds(self, account: str) -> bool:
        """Whether there is a credential file for an account of this name."""
        return is_name(account) and (self.folder / f"{account}.age").is_file()

    @property
    def accounts(self) -> frozenset[str]:
        """The accounts that there are credential files for."""
        return frozenset(file.stem for file in self.folder.glob("*.age"))

    @property
    def stamp(self) -> tuple[int, ...]:
        """Another one as soon as a file was added, replaced or taken away."""
        folders = (self.folder, *(self.folder / name for name in BESIDE.values()))
        return tuple(folder.stat().st_mtime_ns if folder.exists() else 0 for folder in folders)

    def open_all(self) -> Iterator[Credential]:
        """Open every file of this role. Raises Invalid for a damaged one, Forbidden for one of the other mode."""
        return map(self.open, sorted(self.accounts))

    def open(self, account: str) -> Credential:
        """Open one account's file. Raises as :meth:`open_all` does, and Unavailable."""
        identity = pyrage.x25519.Identity.from_str(self.identity().reveal())
        return self._open(self.folder / f"{account}.age", identity)

    def _open(self, file: Path, identity: pyrage.x25519.Identity) -> Credential:
        try:
            document = json.loads(pyrage.decrypt(_read(file), [identity]))
            account = Account(
                id=document["id"],
                channel=document["channel"],
                handle=document["handle"],
                languages=tuple(document["languages"]),
                settings=dict(document["settings"]),
            )
            mode = Mode(document["mode"])
            secrets = {name: Secret(value) for name, value in document["secrets"].items()}
        except (pyrage.DecryptError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Invalid(f"credential file {file.name} does not open", "add the account again") from error
        if mode is not self.mode:
            raise Forbidden(
                f"credential file {file.name} is for {mode}, this process serves {self.mode}",
                f"remove it from the {self.mode} folder; exercise and live credentials never mix",
            )
        return self._with_device(self._rotated(Credential(account, mode, secrets), identity), identity)

    def _rotated(self, credential: Credential, identity: pyrage.x25519.Identity) -> Credential:
        """The credential with the secrets that replaced those of its own file."""

        def read(document: dict[str, Any]) -> dict[str, Secret]:
            return {name: Secret(value) for name, value in document["secrets"].items()}

        secrets = self._beside("secrets", "rotate the account again", credential, identity, read)
        return credential if secrets is None else replace(credential, secrets=secrets)

    def _with_device(self, credential: Credential, identity: pyrage.x25519.Identity) -> Credential:
        def read(document: dict[str, Any]) -> tuple[str, Secret]:
            return str(document["device"]), Secret(document["secret"])

        held = self._beside("device", "register the device again", credential, identity, read)
        if held is None:
            return credential
        device, secret = held
        account = replace(credential.account, settings={**credential.account.settings, "device": device})
        return replace(credential, account=account, secrets={**credential.secrets, f"device:{device}": secret})

    def _beside(
        self,
        kind: str,
        mend: str,
        credential: Credential,
        identity: pyrage.x25519.Identity,
        read: Callable[[dict[str, Any]], T],
    ) -> T | None:
        """What a file beside an account's says for it; None where there is none. Raises Invalid, Forbidden."""
        file = self._file_beside(kind, credential.account.id)
        if not file.exists():
            return None
        try:
            document = json.loads(pyrage.decrypt(_read(file), [identity]))
            owner, mode, held = document["account"], document["mode"], read(document)
        except (pyrage.DecryptError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Invalid(f"{kind} file {file.name} does not open", mend) from error
        if (owner, mode) != (credential.account.id, credential.mode):
            raise Forbidden(f"{kind} file {file.name} is for {mode} account {owner}", mend)
        return held

    def _file_beside(self, kind: str, account: str) -> Path:
        return self.folder / BESIDE[kind] / f"{account}.age"

    def _make_folders(self) -> None:
        for folder in (self.folder, self.renewed_folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _seal(self, target: Path, document: Mapping[str, Any]) -> Path:
        recipient = pyrage.x25519.Recipient.from_str(self.recipient())
        self._make_folders()
        target.parent.mkdir(exist_ok=True, mode=0o700)
        write_private(target, pyrage.encrypt(json.dumps(document).encode(), [recipient]))
        return target


def write_private(path: Path, data: bytes) -> None:
    """Replace a file at once, readable by its owner only; what stands in the way is taken away, never followed."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)  # a confined role that was taken over could have put a link there
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}", "dispatcher init") from error

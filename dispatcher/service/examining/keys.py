"""Keys on this host: who could read them, and whether they are those that the trust files name."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from dispatcher.domain.people import PublicKey
from dispatcher.service.accounts import SENT_BY
from dispatcher.service.examining.findings import Finding, failing, note, ok, warning
from dispatcher.service.examining.site import Site
from dispatcher.statements.keys import parse_public_line

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check(site: Site) -> Iterator[Finding]:
    """What is wrong with them."""
    folder = site.folder / "keys"
    if not folder.is_dir():
        yield note("there is no folder keys here", "a host that holds no key has none")
        return
    if not os.access(folder, os.R_OK | os.X_OK):
        yield note(f"{folder} cannot be looked into as this user", "its keys were not examined", "run it as root")
        return
    wrong = 0
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pub"):
        for finding in _private(path, folder):
            wrong += 1
            yield finding
    if not wrong:
        yield ok("private keys are readable by their owner only")
    yield from _status(site, folder)
    yield from _identities(site)
    yield from _console(site, folder)


def _private(path: Path, folder: Path) -> Iterator[Finding]:
    found = path.stat()
    if found.st_mode & OTHERS:
        yield failing(
            f"{path} can be read by others ({stat.S_IMODE(found.st_mode):04o})",
            "whoever has a key can do what its holder may",
            f"chmod 600 {path}; if others had the host meanwhile, replace the key",
        )
    if found.st_uid not in (0, folder.stat().st_uid, os.geteuid()):
        yield warning(
            f"{path} belongs to user {found.st_uid}, its folder to {folder.stat().st_uid}",
            "its owner may change it",
            f"chown {folder.stat().st_uid} {path}",
        )


def _public(path: Path) -> PublicKey | None:
    try:
        return parse_public_line(path.read_text().rsplit(" ", 1)[0])
    except (OSError, ValueError):
        return None


def _status(site: Site, folder: Path) -> Iterator[Finding]:
    if not (folder / "status").exists():
        yield note("there is no status key here", "a host that runs no relay needs none")
        return
    public = _public(folder / "status.pub")
    if public is None:
        yield warning(
            "keys/status.pub cannot be read", "nobody can tell whose key it is", "ssh-keygen -y -f keys/status"
        )
    elif site.trust and public.blob != site.trust.root.status_key.blob:
        yield failing(
            "keys/status is not the status key that the trust root names",
            "no sender believes what this relay signs, and the ledger's heads do not verify",
            "bring the relay's key back, or have owners install a root with this one: docs/operating.md, Keys",
        )
    elif site.trust:
        yield ok("the status key is the one that the trust root names")


def _identities(site: Site) -> Iterator[Finding]:
    for mode in site.modes:
        for role in sorted(set(SENT_BY.values())):
            vault = site.settings.vault(mode, role)
            held = len(vault.accounts)
            provided = "CREDENTIALS_DIRECTORY" in os.environ
            if held and not vault.identity_file.exists() and not provided:
                yield warning(
                    f"role {role} of {mode} has {held} credentials here and no key to open them with",
                    "it will not start unless systemd gives it one",
                    f"bring {vault.identity_file} back, or add the accounts again on the host that has it",
                )


def _console(site: Site, folder: Path) -> Iterator[Finding]:
    public = _public(folder / "console.pub")
    if public is None or site.trust is None:
        return
    roster = site.trust.roster
    person = roster.person_of_key(public.fingerprint)
    known = roster.key(public.fingerprint)
    if person is None or known is None or not known.valid_at(site.now) or known.revoked_by(site.now):
        yield warning(
            "keys/console is not on the roster, or not valid now",
            "nobody can halt, hold or cancel from the console",
            "dispatcher roster rotate change --with roster.toml, with the console on it",
        )
    else:
        yield ok(f"the console signs as {person.id}")

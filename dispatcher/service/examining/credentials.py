"""Credentials: whether each account has its file here and opens, could send when last asked, and when it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta

from dispatcher.domain.errors import DispatcherError
from dispatcher.sending.credentials import Vault
from dispatcher.service.accounts import SENT_BY
from dispatcher.service.examining.findings import Finding, failing, note, ok, warning
from dispatcher.service.examining.site import Site
from dispatcher.service.probing import Probed, known_now
from dispatcher.store import accounts

WEEK = timedelta(days=7)


def check(site: Site) -> Iterator[Finding]:
    """What is wrong with them."""
    if site.store is not None:
        with site.store.read() as work:
            rows = accounts.rows(work)
            probed = known_now(work, site.settings.timing)
        for mode in site.modes:
            for role in sorted(set(SENT_BY.values())):
                known = {row.id for row in rows if row.mode == mode and SENT_BY[row.lane] == role}
                yield from _files(site.settings.vault(mode, role), known)
        for one in probed:
            yield from _probe(one)
    for mode in site.modes:
        for role in sorted(set(SENT_BY.values())):
            yield from _opens(site.settings.vault(mode, role))


def _files(vault: Vault, known: set[str]) -> Iterator[Finding]:
    if vault.folder.exists() and not os.access(vault.folder, os.R_OK | os.X_OK):
        yield note(f"{vault.folder} cannot be looked into as this user", "its credentials were not examined")
        return
    for name in sorted(known - vault.accounts):
        why = "its posts wait for the host that has it, and go nowhere where none has"
        yield warning(
            f"{vault.mode} account {name} has no credential file here",
            why,
            f"look on its host: {vault.folder}/{name}.age",
        )
    for name in sorted(vault.accounts - known):
        why = "nobody sends with it, and whoever takes this host over has it"
        yield warning(f"{vault.folder}/{name}.age is no account's", why, "delete it, or add the account again")


def _opens(vault: Vault) -> Iterator[Finding]:
    names = sorted(vault.accounts)
    if not names:
        return
    if not os.access(vault.identity_file, os.R_OK):
        yield note(
            f"whether {vault.role} of {vault.mode} opens its credentials is unknown", "its key cannot be read here"
        )
        return
    opened = 0
    for name in names:
        try:
            vault.open(name)
            opened += 1
        except (DispatcherError, ValueError, KeyError) as error:
            what = (
                error.message if isinstance(error, DispatcherError) else f"credential file {name}.age does not open"
            )
            yield failing(
                f"{vault.mode}: {what}", "the role that sends does not start with it", "add the account again"
            )
    if opened == len(names):
        yield ok(f"{vault.role} of {vault.mode} opens its {opened} credentials")


def _probe(one: Probed) -> Iterator[Finding]:
    again = f"dispatcher channel probe {one.account}"
    if one.days_left is not None and one.days_left < 0:
        rotate = f"dispatcher account rotate {one.account} --secret-file NAME=FILE"
        yield failing(
            f"the credential of {one.account} ended on {one.expires_at:%Y-%m-%d}", "nothing is sent there", rotate
        )
    elif one.days_left is not None and one.days_left <= WEEK.days:
        rotate = f"dispatcher account rotate {one.account} --secret-file NAME=FILE"
        yield warning(f"the credential of {one.account} ends in {one.days_left} days", "nothing is sent then", rotate)
    if one.ok is False:
        yield warning(f"{one.account} ({one.mode}) {one.probe}", "its posts may fail too", f"mend that, then {again}")
    elif one.stale:
        yield warning(f"{one.account} ({one.mode}) is {one.probe}", "nobody knows whether it could send", again)
    elif one.ok:
        yield ok(f"{one.account} ({one.mode}) {one.probe}")

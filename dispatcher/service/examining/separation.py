"""Exercise and live: that no account, folder or key of one serves the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from channels.contract import Account
from dispatcher.domain.errors import DispatcherError
from dispatcher.domain.statement import Mode
from dispatcher.sending.credentials import Credential
from dispatcher.service.accounts import ADDRESSES, SENT_BY
from dispatcher.service.examining.findings import Finding, failing, note, ok, warning
from dispatcher.service.examining.site import Site
from dispatcher.statements.keys import parse_public_line
from dispatcher.store import accounts


def check(site: Site) -> Iterator[Finding]:
    """What is wrong with it."""
    found = [*_accounts(site), *_folders(site), *_example_keys(site)]
    yield from found
    if not found:
        yield ok("exercise and live share no account, folder or key")


def _accounts(site: Site) -> Iterator[Finding]:
    if site.store is None:
        return
    with site.store.read() as work:
        known = [(Mode(row.mode), accounts.account_of(row)) for row in accounts.rows(work)]
    for mode, account in known:
        yield from _address(site, mode, account)


def _address(site: Site, mode: Mode, account: Account) -> Iterator[Finding]:
    hosts = {urlsplit(account.settings[name]).netloc for name in ADDRESSES if name in account.settings}
    if mode is Mode.LIVE and hosts & site.settings.simulated:
        why = "what should reach the public reaches a simulator"
        yield failing(f"live account {account.id} points to the simulator", why, "add it under another name")
        return
    try:
        site.network(site.settings, Credential(account, mode, {}))
    except DispatcherError as error:
        yield failing(error.message, "the role that sends does not start with it", error.next_step)
    except LookupError:
        yield warning(
            f"{account.id} is on {account.channel}, which cannot be loaded", "it waits", "install its package"
        )


def _folders(site: Site) -> Iterator[Finding]:
    for name in ("credentials", "sender"):
        live, exercise = (site.folder / name / str(mode) for mode in site.modes)
        if live.is_dir() and exercise.is_dir() and live.samefile(exercise):
            why = "an exercise could send with live credentials, or spend what is live"
            yield failing(
                f"{name}/live and {name}/exercise are one folder", why, f"give each mode its own under {name}"
            )
    for role in sorted(set(SENT_BY.values())):
        one, other = (_text(site.settings.vault(mode, role).recipient_file) for mode in site.modes)
        if one and one == other:
            why = "a role of one mode opens the credentials of the other"
            yield failing(
                f"role {role} has one key for both modes",
                why,
                "make another for exercises, and add its accounts again",
            )


def _example_keys(site: Site) -> Iterator[Finding]:
    if site.trust is None:
        return
    held = {}
    for path in sorted((site.folder / "keys" / "exercise").glob("*.pub")):
        try:
            held[parse_public_line((_text(path) or "").rsplit(" ", 1)[0]).fingerprint] = path
        except ValueError:
            continue
    roster, now = site.trust.roster, site.now
    usable = {fp for fp in held if (key := roster.key(fp)) and key.valid_at(now) and not key.revoked_by(now)}
    if not usable:
        return
    what = f"{len(usable)} keys that lie unencrypted in keys/exercise are on the roster"
    if site.production:
        why = "whoever has this host can sign as anybody, also for live"
        fix = "have two policy owners sign a roster of real people's keys: dispatcher roster rotate --help"
        yield failing(what, why, fix)
    else:
        yield note(what, "a deployment for tests is meant so")


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None

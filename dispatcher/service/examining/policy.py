"""The policy: whether one is in force and which begins next, and whether the record knows this file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from dispatcher.domain.ids import short
from dispatcher.service.examining.findings import Finding, failing, note, ok, warning
from dispatcher.service.examining.site import Site
from dispatcher.service.ledger import line_of
from dispatcher.store import history

SOON = timedelta(days=30)


def check(site: Site) -> Iterator[Finding]:
    """What is wrong with it."""
    if site.trust is None:
        return  # the roster's findings say why
    now, policies = site.now, site.trust.policy
    version = policies.in_force(now)
    if version is None:
        yield failing(
            "no policy is in force", "nothing can be released", "have two policy owners sign one that has begun"
        )
    else:
        yield ok(f"policy {version.version} is in force, signed by {len(site.trust.signed['policy'])} owners")
    for one in policies.versions:
        if now < one.effective_from <= now + SOON:
            begins = f"policy {one.version} begins on {one.effective_from:%Y-%m-%d %H:%M} UTC"
            yield note(begins, "plans keep the version they were made under", "dispatcher policy diff")
    yield from _recorded(site)


def _recorded(site: Site) -> Iterator[Finding]:
    if site.store is None or site.trust is None:
        return
    with site.store.read() as work:
        newest = history.entries(work, limit=1, kinds=["policy.installed"])
    known = line_of(newest[0]).facts["digest"] if newest else None
    if known != site.trust.policy_digest:
        recorded, here = short(str(known)) if known else "none", short(site.trust.policy_digest)
        yield warning(
            f"the ledger's newest policy is {recorded}, the file's {here}",
            "the roles that run go by another file, or none has started with this one",
            "start the roles again; if nobody installed a policy, have the owners look at trust/policy.toml",
        )

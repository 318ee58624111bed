"""``deployment.toml``: whether it can be read, what it is for, and whether waits were shortened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from dispatcher.service.examining.findings import Finding, failing, note, ok, warning
from dispatcher.service.examining.site import Site
from dispatcher.settings import Timing


def check(site: Site) -> Iterator[Finding]:
    """What is wrong with it."""
    for fault in site.faults:
        yield failing(
            f"deployment.toml: {fault}", "no role starts with it", "edit deployment.toml, then run it again"
        )
    if not site.faults:
        yield ok(f"deployment.toml can be read: {site.settings.deployment}, of kind {site.settings.kind}")
    if site.trust and site.trust.root.deployment != site.settings.deployment:
        yield failing(
            f"deployment.toml says {site.settings.deployment}, the trust root {site.trust.root.deployment}",
            "every signature names the deployment, and none would count",
            "restore the deployment's name in deployment.toml",
        )
    if site.trust and site.trust.root.kind is not site.settings.kind:
        yield failing(
            f"deployment.toml says kind {site.settings.kind}, the trust root {site.trust.root.kind}",
            "only a test deployment may point a live account at a private address",
            "restore the kind in deployment.toml",
        )
    yield from _timing(site)


def _timing(site: Site) -> Iterator[Finding]:
    timing = site.settings.timing
    shorter = [f.name for f in fields(Timing) if getattr(timing, f.name) < f.default]
    if not shorter:
        return
    named = ", ".join(shorter)
    if site.production:
        why = "a production deployment keeps the reference's waits: shorter ones take slow platforms for dead"
        yield warning(f"[timing] is shortened: {named}", why, "take these lines out of deployment.toml")
    else:
        yield note(f"[timing] is shortened: {named}", "this is a deployment for tests")

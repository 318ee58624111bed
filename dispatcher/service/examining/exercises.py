"""Exercises: whether the team has held one as lately as its policy asks."""

from __future__ import annotations

from collections.abc import Iterator

from dispatcher.service.examining.findings import Finding, ok, warning
from dispatcher.service.examining.site import Site
from dispatcher.service.exercising import AGAIN, lapse, last_held


def check(site: Site) -> Iterator[Finding]:
    """How old the last one is; nothing where policy sets no age."""
    version = site.trust and site.trust.policy.in_force(site.now)
    if site.store is None or not version or version.exercise_max_age is None:
        return
    with site.store.read() as work:
        last = last_held(work)
    if found := lapse(last, version.exercise_max_age, site.now):
        yield warning(found.told, "whoever warns the public at night has not done it lately", AGAIN)
    elif last:
        yield ok(f"the last exercise was on {last:%-d %B %Y}")

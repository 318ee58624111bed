"""The roster: whether it is signed, who could be locked out, when nobody would come, what ends soon."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from dispatcher.domain.people import Role, Roster
from dispatcher.service.examining.findings import Finding, failing, note, ok, warning
from dispatcher.service.examining.site import Site
from dispatcher.service.trusting import checked

SOON = timedelta(days=30)
PRESSING = timedelta(days=7)
CALLED = (Role.DUTY_DIRECTOR, Role.OPS, Role.CHECKER, Role.SECURITY)
"""Without these on call a plan waits at night, or an alarm is nobody's."""


def check(site: Site) -> Iterator[Finding]:
    """What is wrong with it."""
    if site.trust is None:
        yield failing(
            f"the trust files do not hold: {site.trust_fault}",
            "no role starts, and nothing can be signed",
            "dispatcher roster check; install what the owners signed: dispatcher roster install FOLDER",
        )
        return
    roster, now = site.trust.roster, site.now
    yield ok(f"roster {roster.version} is signed by {len(site.trust.signed['roster'])} owners")
    yield from _held(roster, now)
    yield from _one_key(site)
    yield from _ending(roster, now)


def _held(roster: Roster, now: datetime) -> Iterator[Finding]:
    if nobody := [str(role) for role in Role if not roster.holders(role, now)]:
        needed = {str(role) for role in CALLED} & set(nobody)
        how = failing if needed else note
        why = "nothing is released without them" if needed else "what asks for them waits"
        yield how(f"nobody holds: {', '.join(nobody)}", why, "dispatcher roster rotate change --with roster.toml")
    at_glance = checked(roster, now)
    if away := [str(role) for role in at_glance.nobody_on_call if role in CALLED and roster.holders(role, now)]:
        why = "everybody who holds it is told instead, and nobody has to come"
        yield warning(f"nobody is on call now for: {', '.join(away)}", why, "have the owners sign a rota")
    told = [p.id for role in (Role.DUTY_DIRECTOR, Role.OPS) for p in roster.holders(role, now) if p.contacts]
    if not told:
        why = "no duty director and nobody of ops has a contact on the roster: alarms are only shown"
        yield warning(
            "nobody is told of an alarm", why, "add contacts to the roster: docs/operating.md, Telling people"
        )


def _one_key(site: Site) -> Iterator[Finding]:
    assert site.trust  # noqa: S101 - asked for by the caller
    root, roster = site.trust.root, site.trust.roster
    if len(root.owners) <= root.threshold:
        why = "one lost key, and nobody can ever change the roster again"
        yield warning(
            f"{len(root.owners)} policy owners, all of whom must sign", why, "have one more owner than that"
        )
    single = checked(roster, site.now).one_key
    few = [
        str(role)
        for role in CALLED
        if (held := roster.holders(role, site.now)) and len(held) == 1 and held[0].id in single
    ]
    if few:
        why = "one lost key, and nobody is left who could sign in that role"
        yield warning(f"one person with one key holds: {', '.join(few)}", why, "give them a second key, or a deputy")


def _ending(roster: Roster, now: datetime) -> Iterator[Finding]:
    ends = [
        (held.expires, f"{p.id} is {held.role} no more") for p in roster.people for held in p.roles if held.expires
    ]
    ends += [(key.expires, f"a key of {p.id} ends") for p in roster.people for key in p.keys if key.expires]
    for at, what in sorted(ends):
        if at <= now or at - now > SOON:
            continue
        how = warning if at - now <= PRESSING else note
        yield how(
            f"{what} on {at:%Y-%m-%d %H:%M} UTC", "what they would sign then does not count", "renew the roster"
        )

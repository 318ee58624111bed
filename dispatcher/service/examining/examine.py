"""The whole examination: every family in turn, and none that keeps another from being looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from dispatcher.domain.errors import DispatcherError
from dispatcher.service.examining import (
    areas,
    clocks,
    console,
    coverage,
    credentials,
    database,
    disk,
    exercises,
    keys,
    media,
    policy,
    redis,
    roster,
    schema,
    separation,
    settings,
)
from dispatcher.service.examining.findings import Finding, Level, warning
from dispatcher.service.examining.site import Site

Check = Callable[[Site], Iterable[Finding]]

FAMILIES: tuple[tuple[str, Check], ...] = (
    ("settings", settings.check),
    ("keys", keys.check),
    ("roster", roster.check),
    ("policy", policy.check),
    ("schema", schema.check),
    ("database", database.check),
    ("redis", redis.check),
    ("clock", clocks.check),
    ("disk", disk.check),
    ("coverage", coverage.check),
    ("credentials", credentials.check),
    ("separation", separation.check),
    ("media", media.check),
    ("areas", areas.check),
    ("exercises", exercises.check),
    ("console", console.check),
)
"""Everything that is looked at, in this order."""

EVERY = tuple(Level)


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found, the worst first. ``unrecorded``: why the ledger has no entry of it, where it has none."""

    findings: tuple[Finding, ...]
    unrecorded: str = ""

    def of(self, *levels: Level) -> list[Finding]:
        """The findings of these levels."""
        return [one for one in self.findings if one.level in levels]

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each level."""
        return {str(level): len(self.of(level)) for level in EVERY}


def examine(site: Site, families: Sequence[tuple[str, Check]] = FAMILIES) -> Examined:
    """Look at everything, and write one entry into the ledger, where the database takes it."""
    found = [finding for name, check in families for finding in _checked(name, check, site)]
    examined = Examined(tuple(sorted(found, key=lambda one: EVERY.index(one.level))))
    return replace(examined, unrecorded=_record(site, examined))


def _checked(name: str, check: Check, site: Site) -> Iterator[Finding]:
    try:
        yield from (replace(finding, family=name) for finding in check(site))
    except DispatcherError as error:
        yield replace(warning(f"not all could be looked at: {error.message}", "", error.next_step), family=name)
    except OSError as error:
        what = f"not all could be looked at: {error.filename or ''}: {error.strerror or type(error).__name__}"
        yield replace(warning(what, "", "run it as the user that the roles run as"), family=name)
    except Exception as error:  # noqa: BLE001 - what is broken must not keep the rest from being looked at
        what = f"not all could be looked at: {type(error).__name__}"
        yield replace(warning(what, "", "mend what the other findings name, then run it again"), family=name)


def _record(site: Site, examined: Examined) -> str:
    if site.store is None:
        return site.store_fault
    failing = sorted({one.family for one in examined.of(Level.FAILING)})
    try:
        with site.store.write() as work:
            work.record("doctor.run", counts=examined.counts, failing=failing)
    except Exception as error:  # noqa: BLE001 - as above: a database behind the code may have no place for it
        return error.message if isinstance(error, DispatcherError) else type(error).__name__
    return ""

"""Whether the database has the schema that this code needs."""

from __future__ import annotations

from collections.abc import Iterator

from dispatcher.service.examining.findings import Finding, failing, ok
from dispatcher.service.examining.site import Site
from dispatcher.store import migrate


def check(site: Site) -> Iterator[Finding]:
    """Behind, ahead, or as it should be."""
    if site.store is None:
        return
    now, needed = migrate.current(site.store.engine), migrate.head()
    if now == needed:
        yield ok(f"the schema is {now}")
    elif now is None or now in migrate.known():
        yield failing(
            f"the schema is {now or 'none'}, and this version needs {needed}",
            "what this version writes has no place there",
            "dispatcher migrate",
        )
    else:
        yield failing(
            f"the schema is {now}, which this version does not know; it needs {needed}",
            "the database belongs to a newer version",
            "run the version that migrated it; a database is not taken back",
        )

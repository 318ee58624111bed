"""Groups of accounts: ``all-police``, ``wales``; a name by which a submission reaches several at once.

Rules
  1. A group is there while an account is in it. A name that no account of the incident's mode has is refused, with
     those that there are: a slip of the finger must not leave a region out.
  2. Groups are looked up when a plan is submitted. The plan names every account, and that is what people sign: who
     joins or leaves a group afterwards changes no plan.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dispatcher.domain.errors import Invalid
from dispatcher.domain.ids import is_name
from dispatcher.domain.people import Role
from dispatcher.service.desk import Desk, Pen
from dispatcher.store import accounts

GROUPING = (Role.OPS, Role.SECURITY)


def checked(groups: Iterable[str]) -> tuple[str, ...]:
    """Names of groups, each once, in order. Raises Invalid."""
    found = tuple(sorted(set(groups)))
    for group in found:
        if not is_name(group):
            raise Invalid(
                f"{group!r} cannot name a group", "use lower case letters, digits, dot, dash, underscore; 63 at most"
            )
    return found


def regroup(desk: Desk, account: str, add: Iterable[str], remove: Iterable[str], pen: Pen) -> tuple[str, ...]:
    """Put an account into groups and take it out of others; returns those that it is in. By ops or security.

    Raises Invalid, NotFound, SignatureNeeded.
    """
    joined, left = set(checked(add)), set(checked(remove))
    person = desk.person(pen)
    desk.role(person, GROUPING)
    if not joined | left or joined & left:
        raise Invalid("say which groups it joins, and which others it leaves", "--add GROUP, --remove GROUP")
    with desk.store.write() as work:
        before = set(accounts.groups_of(accounts.row(work, account)))
        if missing := left - before:
            raise Invalid(
                f"account {account} is not in {', '.join(sorted(missing))}",
                f"it is in: {_told(before) or 'no group'}",
            )
        groups = tuple(sorted((before | joined) - left))
        accounts.set_groups(work, account, groups)
        said: dict[str, Any] = {"added": sorted(joined - before), "removed": sorted(left), "groups": list(groups)}
        work.record("account.grouped", actor=person.id, account=account, **said)
    return groups


def _told(groups: Iterable[str]) -> str:
    return ", ".join(sorted(groups))

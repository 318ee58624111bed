"""Notices: whom something concerns is told, through the contacts that the roster has for them.

Rules (design: gate 8 and 9)
  1. A notice says that there is something to look at, and the command: incident title, plan, channels, until when.
     Never a message's text, and no reason that somebody typed: a contact may be a third party's service, and nothing
     is public before its release.
  2. It goes out after the commit, to all contacts at once, and a command waits ``timing.notice_ms`` for all of them
     together. One that nobody took is a warning and an entry in the ledger, never an error.
  3. Who is on call for a role is told; where nobody is, everybody who holds it.
  4. A contact's URL may hold secrets: warnings and ledger have its scheme only.

The way of a submission::

    standing = submit(desk, message, wish, author)
    notices = signed(desk, standing, StatementKind.SUBMIT)      # ledger: notice.sent {person, scheme}
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

from dispatcher.domain.errors import Unavailable
from dispatcher.domain.ids import short
from dispatcher.domain.people import Person, Role, on_call
from dispatcher.domain.plan import Plan
from dispatcher.domain.statement import Mode, StatementKind
from dispatcher.service.desk import Desk, Send
from dispatcher.store import records

if TYPE_CHECKING:
    from dispatcher.service.clearing import Standing
    from dispatcher.service.stopping import Halted

APPROVALS = "G08"
HEADS = {
    StatementKind.SUBMIT: "Approval wanted",
    StatementKind.REJECT: "Rejected",
    StatementKind.REVOKE: "Revoked",
    StatementKind.HALT: "Suspended",
    StatementKind.BREAK_GLASS: "Break-glass",
}
"""How a notice of a signature about a plan begins."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What became of a notice to one contact: ``scheme`` is its URL's, ``sent`` whether it was taken in time."""

    person: str
    scheme: str
    sent: bool


def signed(desk: Desk, standing: Standing, kind: StatementKind) -> list[Notice]:
    """Tell whom a statement about a plan concerns (:data:`HEADS` has the kinds that anybody is told of)."""
    if kind not in HEADS:
        return []
    stored, plan = standing.stored, standing.stored.plan
    name = short(stored.digest)
    with desk.store.read() as work:
        title = records.incident(work, plan.incident).title
    lines = [
        f"Plan {name}: {', '.join(plan.channels)}, until {plan.not_after:%Y-%m-%d %H:%M} UTC",
        f"Look: dispatcher clearance show {name}",
    ]
    if kind is StatementKind.SUBMIT:
        lines += [f"Read: dispatcher clearance read {name}", f"Approve: dispatcher clearance approve {name}"]
    people, about = _concerned(desk, standing, kind), {"incident": plan.incident, "plan": stored.digest}
    return tell(desk, plan.mode, people, f"{HEADS[kind]}: {title}", "\n".join(lines), **about)


def halted(desk: Desk, halt: Halted) -> list[Notice]:
    """Tell every duty director of a halt."""
    what = f"{halt.scope} {halt.target}".strip()
    body = f"{halt.by} halted {what}, {halt.mode}.\nLook: dispatcher status\n"
    body += f"Sign for its end: dispatcher resume {short(halt.statement)}"
    return tell(desk, halt.mode, holding(desk, Role.DUTY_DIRECTOR), f"Halted: {what}", body, halt=halt.statement)


def holding(desk: Desk, *roles: Role) -> list[Person]:
    """Everybody who holds one of these roles now, those on call first, each once."""
    return list(dict.fromkeys(p for role in roles for p in desk.trust.roster.holders(role, desk.now())))


def first_asked(desk: Desk, role: Role, people: Iterable[Person]) -> list[Person]:
    """Of people who can act in a role and have a contact, those on call; where none of them is, all."""
    reachable = [person for person in people if person.contacts]
    return [person for person in reachable if on_call(person, role, desk.now())] or reachable


def tell(
    desk: Desk, mode: Mode, people: Iterable[Person], title: str, body: str, **about: str | None
) -> list[Notice]:
    """Send one notice to every contact of these people; ``about`` goes into the ledger (incident, plan, …).

    Raises nothing: what it tells of has happened.
    """
    head = "EXERCISE " if mode is Mode.EXERCISE else ""
    letters = [(person.id, url) for person in people for url in person.contacts]
    answers = [_post(desk.send, url, head + title, body) for _, url in letters]
    taken, _ = wait(answers, desk.settings.timing.lasting("notice").total_seconds())
    notices = [
        Notice(person, url.partition(":")[0], answer in taken and answer.result())
        for (person, url), answer in zip(letters, answers, strict=True)
    ]
    if notices:
        _record(desk, notices, about)
    return notices


def through_apprise(url: str, title: str, body: str) -> bool:
    """The :data:`Send` of every deployment. Apprise and its services are loaded here: most commands tell nobody.

    Without a time limit of its own: Apprise keeps one with a pool of threads, which the process waits for at its end.
    """
    from apprise import Apprise, AppriseAsset, NotifyFormat

    service = Apprise(asset=AppriseAsset(app_id="Dispatcher", async_mode=False, service_timeout=0))
    return service.add(url) and bool(service.notify(body, title, body_format=NotifyFormat.TEXT))


def _concerned(desk: Desk, standing: Standing, kind: StatementKind) -> list[Person]:
    """Who can approve; who contributed or approved, where it was all for nothing; who answers for the rest."""
    match kind:
        case StatementKind.SUBMIT:
            return _approvers(desk, standing)
        case StatementKind.REJECT | StatementKind.REVOKE:
            stored = standing.stored
            with desk.store.read() as work:
                approvals = desk.said(work, StatementKind.APPROVE, stored.digest, stored.plan.mode)
            involved = {*stored.plan.contributors, *(approval.person for approval in approvals)}
            return [person for person in desk.trust.roster.people if person.id in involved]
        case StatementKind.BREAK_GLASS:
            return holding(desk, Role.DUTY_DIRECTOR, Role.SECURITY)
        case _:
            return holding(desk, Role.DUTY_DIRECTOR)


def _approvers(desk: Desk, standing: Standing) -> list[Person]:
    """Who can give an approval that is missing, a contributor's voice never being one."""
    plan, roster, now = standing.stored.plan, desk.trust.roster, desk.now()
    lacking = [f for finding in standing.findings for f in finding.lacking if f.clause == APPROVALS]
    missing = {role.strip() for failure in lacking for role in failure.mend.split(",")}
    asked: list[Person] = []
    for role in (role for role in Role if role in missing):
        free = [p for p in roster.holders(role, now) if roster.voice(p.id, now).isdisjoint(plan.contributors)]
        asked += first_asked(desk, role, _readers(desk, plan, free) if role is Role.LANGUAGE_CHECKER else free)
    return list(dict.fromkeys(asked))


def _readers(desk: Desk, plan: Plan, people: Iterable[Person]) -> list[Person]:
    """Those who read, as natives, a language of the plan that policy wants checked."""
    wanted = [tag for tag in plan.languages if tag.partition("-")[0] in desk.policy().checked_languages]
    spoken = {*wanted, *(tag.partition("-")[0] for tag in wanted)}
    return [person for person in people if not spoken.isdisjoint(person.languages)]


def _post(send: Send, *letter: str) -> Future[bool]:
    """Send in a thread of its own that does not keep the process from ending, as a pool's would."""
    answer: Future[bool] = Future()

    def run() -> None:
        taken = False
        with suppress(Exception):  # whatever a service's library raises, nobody was told
            taken = send(*letter)
        answer.set_result(taken)

    Thread(target=run, daemon=True).start()
    return answer


def _record(desk: Desk, notices: Iterable[Notice], about: dict[str, str | None]) -> None:
    with suppress(Unavailable), desk.store.write() as work:  # what was told of is committed, and stays done
        for notice in notices:
            kind = "notice.sent" if notice.sent else "notice.failed"
            work.record(kind, **about, person=notice.person, scheme=notice.scheme)

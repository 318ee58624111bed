"""Asking the gate from here: what is signed, what is missing, and who can give it.

This answer is for people. What counts is the sender's own, made from its own files at the moment of sending.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from channels import registry
from dispatcher.domain.message import DELIVERED_AS, TextKind
from dispatcher.domain.people import Person, Role, on_call
from dispatcher.domain.plan import Destination, Plan
from dispatcher.domain.statement import StatementKind
from dispatcher.gate.approvals import quorum
from dispatcher.gate.clauses import DELIVERY_CLAUSES, PLAN_CLAUSES
from dispatcher.gate.decide import decide
from dispatcher.gate.evidence import Case, DeliveryFacts, Evidence, Failure, Then, case_for
from dispatcher.gate.stops import stops_from
from dispatcher.sending.media import MediaFolder
from dispatcher.sending.order import Bundle
from dispatcher.sending.prepared import Prepared, Texts, prepare, read_texts
from dispatcher.service.desk import Desk
from dispatcher.service.stopping import stops_known
from dispatcher.store import records
from dispatcher.store.database import Work

UNRELEASED = "G03"
APPROVALS = "G08"
CLAUSES: Mapping[str, str] = {
    clause.__name__[:3].upper(): (clause.__doc__ or "").partition("\n")[0]
    for clause in sorted((*PLAN_CLAUSES, *DELIVERY_CLAUSES), key=lambda clause: clause.__name__)
}
"""All eighteen, and what each asks."""

SIGNED_LATER = frozenset({"G03", "G08", "G09", "G10", "G11", "G12", "G16"})
"""Clauses that a signature about the plan, its channel or a halt may still mend."""


@dataclass(frozen=True, slots=True)
class ChannelFinding:
    """What the gate says of one channel of a plan. ``clear`` leaves the release itself aside.

    ``signed``: who signed what, as far as it counts.
    """

    channel: str
    state: str
    accounts: tuple[str, ...]
    failures: tuple[Failure, ...]
    signed: tuple[str, ...] = ()

    @property
    def clear(self) -> bool:
        """Whether only the release is missing, or nothing."""
        return not self.lacking

    @property
    def lacking(self) -> tuple[Failure, ...]:
        """What is missing before the release."""
        return tuple(f for f in self.failures if f.clause != UNRELEASED or f.then is not Then.HOLD)

    @property
    def final(self) -> tuple[Failure, ...]:
        """What no signature can mend: only another plan, another policy or another account."""
        return tuple(f for f in self.failures if f.clause not in SIGNED_LATER or f.mend.startswith("author:"))

    @property
    def found(self) -> str:
        """The state of its clearance after this finding."""
        thens = {failure.then for failure in self.lacking}
        if Then.CANCEL in thens:
            revoked = any(failure.clause == UNRELEASED for failure in self.lacking)
            return "refused" if self.state == "pending" and not revoked else "revoked"
        if Then.EXPIRE in thens:
            return "expired"
        if self.clear:
            return "clear"
        return "suspended" if self.state == "clear" else self.state


@dataclass(slots=True)
class Read:
    """What one command has read of a plan, for when it asks again; only of the very same bytes is it used again.

    Signatures, stops, roster, policy and time are looked at anew each time.
    """

    bytes_named: str = ""
    texts: Texts | None = None

    def of(self, bundle: Bundle) -> Texts:
        """A bundle's texts. Raises CanonicalError or DocumentError where the plan itself cannot be read."""
        if self.texts is None or self.bytes_named != bundle.texts:
            self.bytes_named, self.texts = bundle.texts, read_texts(bundle)
        return self.texts


def judge(desk: Desk, work: Work, stored: records.StoredPlan, read: Read | None = None) -> list[ChannelFinding]:
    """Ask the gate about every channel of a plan, as things stand."""
    bundle = records.bundle(work, stored.digest)
    return findings(desk, work, bundle, records.clearance_states(work, stored.digest), read)


def findings(
    desk: Desk, work: Work, bundle: Bundle, states: Mapping[str, str], read: Read | None = None
) -> list[ChannelFinding]:
    """The same for a plan that need not be written down yet; ``states`` are its clearances'."""
    cases = cases_of(desk, work, bundle, read=read)
    found = []
    for channel in cases[0].plan.channels:
        of_channel = [case for case in cases if case.facts.channel == channel]
        failures = [f for case in of_channel for f in decide(case.evidence, case.facts, case.now).failures]
        found.append(
            ChannelFinding(
                channel=channel,
                state=states.get(channel, "pending"),
                accounts=tuple(case.facts.account for case in of_channel),
                failures=tuple(dict.fromkeys(failures)),
                signed=_signed(of_channel[0]),
            )
        )
    return found


def cases_of(
    desk: Desk, work: Work, bundle: Bundle, text: TextKind = TextKind.PUBLISH, read: Read | None = None
) -> list[Case]:
    """What the gate would look at for each destination of a plan, under the policy in force. Raises Forbidden."""
    texts = (read or Read()).of(bundle)
    prepared = prepare(bundle, desk.verifier(texts.plan.mode), work.now, texts)
    evidence, version = _evidence(desk, work, prepared), desk.policy()
    state = str(records.incident(work, prepared.plan.incident).state)
    media = desk.settings.media_folder
    facts = (_facts(prepared, destination, state, text, media) for destination in prepared.plan.destinations)
    return [case_for(evidence, known, version, work.now) for known in facts]


def _signed(case: Case) -> tuple[str, ...]:
    """Who has signed what counts for a channel, in words."""
    given = [f"{role}: {', '.join(sorted(people))}" for role, people in quorum(case).given.items()]
    signed = [
        f"{kind}: {statement.person}"
        for kind in (StatementKind.BREAK_GLASS, StatementKind.RELEASE)
        for statement in case.evidence.about_plan(kind, case.now)
    ]
    return (*given, *signed)


def _evidence(desk: Desk, work: Work, prepared: Prepared) -> Evidence:
    mode, root = prepared.plan.mode, desk.trust.root
    verified, made_at = stops_known(desk, work, mode)
    return Evidence(
        plan=prepared.plan,
        deployment=root.deployment,
        mode=mode,
        roster=desk.trust.roster,
        policies=desk.trust.policy,
        statements=prepared.statements,
        stops=stops_from(verified, status_at=made_at),
        owners=frozenset(owner.person for owner in root.owners),
    )


def _facts(
    prepared: Prepared, destination: Destination, incident_state: str, text: TextKind, media: MediaFolder
) -> DeliveryFacts:
    digest, armed = destination.renderings[text], tuple[str, ...]()
    route = prepared.texts.route(digest)
    try:
        adapter = registry.adapter(destination.channel, route)
        problems = prepared.texts.check(digest, adapter)
        armed = prepared.texts.armed_problems(destination, adapter)
    except registry.UnknownChannelError as error:  # a plan that no submission made
        problems = (str(error),)
    return DeliveryFacts(
        incident=prepared.plan.incident,
        incident_state=incident_state,
        account=destination.account,
        channel=destination.channel,
        kind=DELIVERED_AS[text],
        rendering=digest,
        needs=timedelta(0),
        media_fault=media.fault(prepared.texts.renderings.get(digest)),
        purchase_fault=prepared.texts.purchase_fault(destination),
        trackers=prepared.texts.trackers(digest),
        problems=problems + prepared.texts.plan_problems,
        armed_problems=armed,
        route=route,
    )


def who_can(desk: Desk, failures: Iterable[Failure], plan: Plan | None = None) -> dict[str, list[str]]:
    """For each role that a failure names, who holds it now; those on call first, and marked, as deputies are.

    Whoever has a part in the plan is not named where an approval is missing, which theirs would not be.
    """
    failures = tuple(failures)
    now, roster = desk.clock(), desk.trust.roster
    named = {word.strip() for failure in failures for word in failure.mend.split(",")} & set(Role)
    roles = [Role(word) for word in sorted(named)]
    approving = {word.strip() for f in failures if f.clause == APPROVALS for word in f.mend.split(",")}
    found: dict[str, list[str]] = {}
    for role in roles:
        part = plan.contributors if plan and role in approving else {}
        fit = (person for person in roster.holders(role, now) if person.id not in part)
        found[role] = [" ".join([person.id, *_marks(person, role, now)]) for person in fit]
    return found


def _marks(person: Person, role: Role, now: datetime) -> Iterator[str]:
    """What whoever looks for somebody wants to know: who is asked first, and who stands in for whom."""
    if on_call(person, role, now):
        yield "(on call)"
    for held in person.roles:
        if held.role is role and held.deputy_for and held.valid_at(now):
            yield f"(deputy of {held.deputy_for})"


@dataclass(frozen=True, slots=True)
class Explained:
    """One clause for one account: what it asks, whether it holds, and if not, the fact and who can mend it."""

    account: str
    clause: str
    asks: str
    holds: bool
    facts: tuple[str, ...]
    mend: tuple[str, ...]


def explain(
    desk: Desk, plan_name: str, account: str | None = None, text: TextKind = TextKind.PUBLISH
) -> list[Explained]:
    """All eighteen clauses, for every account of a plan or for one, as things stand here."""
    with desk.store.read() as work:
        bundle = records.bundle(work, records.plan(work, plan_name).digest)
        cases = cases_of(desk, work, bundle, text)
    return [line for case in cases if account in (None, case.facts.account) for line in _explained(case)]


def _explained(case: Case) -> list[Explained]:
    failures = decide(case.evidence, case.facts, case.now).failures
    lines = []
    for code, asks in CLAUSES.items():
        said = [failure for failure in failures if failure.clause == code]
        about = tuple(f.fact for f in said), tuple(f.mend for f in said)
        lines.append(Explained(case.facts.account, code, asks, not said, *about))
    return lines

"""What the lint of wording says of a message in this deployment, and the legal flags that a plan gets from it.

Rules
  1. What refuses stops a submission, whoever asks. What advises is shown to who writes and to who approves.
  2. A flag that the wording calls for is in the plan unless the submitter says why not, in the plan, signed: then
     approvers read that. A flag only ever adds an approval.
  3. Where policy has nobody for a flag, it cannot be asked for; the remark stands all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from dispatcher.domain import canonical
from dispatcher.domain.errors import GateClosed, Invalid
from dispatcher.domain.message import Revision, TextKind
from dispatcher.domain.plan import Unflagged
from dispatcher.domain.statement import Mode
from dispatcher.gate.policy import PolicyVersion
from dispatcher.service.desk import Desk
from dispatcher.store import records
from dispatcher.wording import Remark, Weight, flags, remarks


def remarks_on(desk: Desk, revision: Revision, mode: Mode) -> tuple[Remark, ...]:
    """Everything that there is to say about a revision's wording, what refuses first."""
    version = desk.trust.policy.in_force(desk.now())
    native = [_by_native(tag) for tag in revision.languages if version and _primary(tag) in version.checked_languages]
    return (*remarks(revision, exercise=mode is Mode.EXERCISE), *native)


def remarks_on_plan(desk: Desk, plan_name: str) -> tuple[Remark, ...]:
    """The same about the revision that a plan carries."""
    with desk.store.read() as work:
        plan = records.plan(work, plan_name).plan
        revision = records.revision(work, plan.revision)
    return remarks_on(desk, revision, plan.mode)


def refuse(found: Iterable[Remark], message: str) -> None:
    """Raise GateClosed for whatever refuses of a message."""
    if faults := [remark for remark in found if remark.weight is Weight.REFUSE]:
        reasons = tuple(("G17", f"{remark.kind} {remark.sentence()}", "author") for remark in faults)
        raise GateClosed("the message cannot be sent as it is", f"dispatcher message edit {message}", reasons)


def flagged(
    found: Iterable[Remark], version: PolicyVersion, raised: Collection[str], denied: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[Unflagged, ...]]:
    """The flags of a plan, and those that the wording calls for and the submitter denies. Raises Invalid."""
    called = flags(found)
    for flag, why in denied.items():
        if flag in raised:
            raise Invalid(f"the flag {flag} is raised and denied", f"leave out --flag {flag} or --not-flag {flag}")
        if flag not in called:
            raise Invalid(f"nothing in the wording calls for the flag {flag}", f"leave --not-flag {flag} out")
        if not canonical.typed(why):
            raise Invalid(f"the plan says why it is not {flag}", f"--not-flag {flag}=WHY")
    known = [flag for flag in called if flag in version.flags and flag not in denied]
    said = tuple(Unflagged(flag, canonical.typed(why)) for flag, why in sorted(denied.items()))
    return tuple(dict.fromkeys((*raised, *known))), said


def _by_native(tag: str) -> Remark:
    message = "no list finds a wrong word: somebody with the role language_checker reads and signs it"
    return Remark("native_reader", Weight.ADVISE, TextKind.PUBLISH, tag, "", message)


def _primary(tag: str) -> str:
    return tag.partition("-")[0].lower()

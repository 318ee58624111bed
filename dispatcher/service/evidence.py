"""Evidence: what people sign about channels, accounts and devices, and the minister's decision about a plan.

Rules (reference: policy 6.2, 6.5, 6.8; design: gate 7 and 8)
  1. Who may sign which is the policy in force to say; how long an assessment or attestation is good for, too.
  2. An exemption names one account of ours on one channel; there are no wildcards, and none lasts over a year.
  3. The private office records a decision, and a read-back code goes to the minister's own contact: that it comes
     back within 24 hours proves that the minister was reached. Where no contact takes it, the private office is
     shown it, once, and brings it to the minister by another route. A minister who signs in person needs no code.

The way of a decision::

    decide(desk, plan, private_office, Decision.AGREED)     # the code goes to the minister
    confirm(desk, plan, private_office, code_as_the_minister_read_it_back)
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from channels.contract import Json, Secret
from channels.registry import Lane
from dispatcher.domain import canonical, documents
from dispatcher.domain.errors import Forbidden, Invalid, NotFound
from dispatcher.domain.ids import ALPHABET, short
from dispatcher.domain.people import Person, Role
from dispatcher.domain.plan import Placement
from dispatcher.domain.statement import Mode, Statement, StatementKind
from dispatcher.gate.evidence import CONFIRM_WITHIN
from dispatcher.gate.ministers import code_digest
from dispatcher.gate.mitigations import EXEMPTION_LONGEST
from dispatcher.gate.policy import ChannelRule, CheckedBy, PolicyVersion
from dispatcher.service import notices
from dispatcher.service.accounts import channel_named, lane_of
from dispatcher.service.clearing import Standing, show, sign_about
from dispatcher.service.desk import Desk, Pen
from dispatcher.service.notices import Notice
from dispatcher.statements.toml import parse_toml
from dispatcher.store import accounts, records

EXEMPTION_LIFE = timedelta(days=90)
ASSESSMENT_LIFE = timedelta(days=180)
"""For a channel whose policy gives no age of its own."""

DECIDING = (Role.MINISTER, Role.PRIVATE_OFFICE)
CODE_CHARACTERS = 12
"""60 random bits: the record holds the code's digest, which must not be worth guessing at within 24 hours."""

_DEVICES = "dispatcher account list"
_READS_AS = str.maketrans("oil", "011")


class AssessmentOutcome(StrEnum):
    """What an assessment of a channel came to."""

    PERMITTED = "permitted"
    REFUSED = "refused"
    VOID = "void"  # owner, terms or moderation changed: to be assessed again


PRINCIPLES = ("safety", "ads_context", "freedom_of_speech", "ethics")
"""The principles of the framework for brand safety of 2020; what a fifth asks is the department's to say."""


@dataclass(frozen=True, slots=True)
class AssessmentRecord:
    """A channel's assessment: what was found for each principle (reference: policy 2).

    ``fifth`` is free, because its name is not published. From ``review_at`` the record no longer counts.
    """

    safety: str = ""
    ads_context: str = ""
    freedom_of_speech: str = ""
    ethics: str = ""
    fifth: str = ""
    conditions: str = ""
    review_at: datetime | None = None


class Decision(StrEnum):
    """What the minister decided."""

    AGREED = "agreed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A statement that was signed and written down, until when it holds, and what it says."""

    statement: str
    kind: StatementKind
    person: str
    role: str
    mode: Mode
    expires: datetime
    body: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Decided:
    """The plan's standing after a decision, and what became of the read-back code where one is needed.

    ``told`` are the notices with the code to the minister; ``code`` is there, to be shown once, where none was taken.
    """

    standing: Standing
    code: Secret | None = None
    told: Sequence[Notice] = ()


def file_digest(path: Path) -> str:
    """The SHA-256 of an evidence file, in hex. Raises NotFound."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise NotFound(f"{path}: cannot be read ({error.strerror})", "name the evidence file") from error


def read_record(path: Path) -> AssessmentRecord:
    """Read an assessment record from its TOML file. Raises Invalid naming the key, NotFound."""
    try:
        text = path.read_text("utf-8")
        return documents.read(AssessmentRecord, parse_toml(text, path.name), path.name, defaults=True)
    except OSError as error:
        raise NotFound(f"{path}: cannot be read ({error.strerror})", "name the assessment record") from error
    except ValueError as error:
        raise Invalid(f"{error}", f"an assessment record is TOML with: {', '.join(PRINCIPLES)}, fifth") from error


def assess(
    desk: Desk,
    pen: Pen,
    mode: Mode,
    *,
    channel: str,
    placement: Placement,
    outcome: AssessmentOutcome,
    record: AssessmentRecord,
    evidence: str,
) -> Recorded:
    """Record the assessment of a channel for a placement; ``evidence`` is the digest of the record's file.

    Raises Invalid for a channel that is permitted though a principle has no answer, or though its review is due.
    """
    version, name, rule = _rule(desk, channel)
    if outcome is AssessmentOutcome.PERMITTED:
        lacking = [principle for principle in PRINCIPLES if not getattr(record, principle).strip()]
        if lacking:
            raise Invalid(f"the record does not answer: {', '.join(lacking)}", "write what was found, then sign")
        if record.review_at is not None and record.review_at <= desk.now():
            raise Invalid("the record's own review is due", "assess the channel again")
    scope: dict[str, Json] = {"channel": name, "placement": str(placement)}
    said: dict[str, Json] = {"outcome": str(outcome), "evidence": evidence, **documents.to_json(record)}
    life = rule.assessment_max_age or ASSESSMENT_LIFE
    return _record(desk, pen, mode, StatementKind.ASSESS, version.may_assess, scope, said, life)


def exempt(
    desk: Desk, pen: Pen, mode: Mode, *, channel: str, account: str, need: str, life: timedelta = EXEMPTION_LIFE
) -> Recorded:
    """Record a standing exemption for one account. Raises Forbidden for more than a year, NotFound for no account."""
    if not timedelta(0) < life <= EXEMPTION_LONGEST:
        raise Forbidden("an exemption lasts a year at most", "give --days between 1 and 365")
    if not need.strip():
        raise Invalid("an exemption names the need it meets", "say it: --need TEXT")
    scope = _account_scope(desk, mode, channel, account)
    return _record(desk, pen, mode, StatementKind.EXEMPT, desk.policy().may_exempt, scope, {"need": need}, life)


def attest(
    desk: Desk,
    pen: Pen,
    mode: Mode,
    *,
    channel: str,
    account: str,
    device: str = "",
    app_version: str = "",
    evidence: str,
    mitigations: Sequence[str] = (),
) -> Recorded:
    """Record that mitigations hold for an account and its device: those named, else all that people must see to.

    ``app_version``: what is installed; its terms were read for that version only (M10). Space that is bought has no
    device of ours (reference: policy 6.3, T3p).
    """
    version, name, rule = _rule(desk, channel)
    scope = _account_scope(desk, mode, channel, account)
    with desk.store.read() as work:
        needed = device or lane_of(name) is Lane.TIKTOK
        if needed and accounts.device_of(work, account) != device:
            raise NotFound(f"{device or 'none'} is not the device of account {account}", _DEVICES)
    if needed and not app_version:
        raise Invalid("the version of the app on the device is not given", "say it: --app-version VERSION")
    asked = [c for c in rule.mitigations if version.mitigation[c].checked_by is not CheckedBy.SOFTWARE]
    codes = list(dict.fromkeys(mitigations or asked))
    unknown = [code for code in codes if code not in asked]
    if unknown or not codes:
        raise Invalid(
            f"policy asks nobody to attest {' '.join(unknown) or 'at all'} on {name}",
            f"it asks for: {' '.join(asked) or 'none'}",
        )
    said: dict[str, Json] = {"device": device, "mitigations": list[Json](codes), "evidence": evidence}
    said["app_version"] = app_version
    life = max(rule.max_age(code) for code in codes)
    return _record(desk, pen, mode, StatementKind.ATTEST, version.may_attest, scope, said, life)


def decide(desk: Desk, plan_name: str, pen: Pen, decision: Decision, channels: Sequence[str] = ()) -> Decided:
    """Record the minister's decision about a plan's channels, all unless named.

    Raises Invalid, SignatureNeeded, and Forbidden for somebody who contributed to the plan.
    """
    person = desk.person(pen)
    role = desk.role(person, DECIDING)
    with desk.store.read() as work:
        digest = records.plan(work, plan_name).digest
    said: dict[str, Json] = {"decision": str(decision)}
    code = ""
    if role is Role.PRIVATE_OFFICE and decision is Decision.AGREED:
        code = _new_code(desk)
        said["code_digest"] = code_digest(_plain(code), digest)
    standing = sign_about(desk, digest, pen, StatementKind.DECIDE, (role,), channels, said)
    told = _send_code(desk, standing, person, channels, code) if code else ()
    return Decided(standing, Secret(code) if code and not any(notice.sent for notice in told) else None, told)


def confirm(desk: Desk, plan_name: str, pen: Pen, code: str) -> Standing:
    """Confirm a recorded decision with the code that the minister read back. A wrong code is in the ledger.

    Raises Invalid for a code that fits no decision, Forbidden after 24 hours, SignatureNeeded.
    """
    person = desk.person(pen)
    role = desk.role(person, DECIDING)
    with desk.store.read() as work:
        stored = records.plan(work, plan_name)
        decisions = desk.said(work, StatementKind.DECIDE, stored.digest, stored.plan.mode)
    fitting = [s for s in decisions if _fits(s, code, stored.digest)]
    if not fitting:
        with desk.store.write() as work:
            subject = {"incident": stored.plan.incident, "actor": person.id, "plan": stored.digest}
            work.record("confirmation.refused", **subject)
        raise Invalid("this code fits no decision about this plan", "ask the minister to read it back again")
    if all(desk.now() - s.not_before >= CONFIRM_WITHIN for s in fitting):
        raise Forbidden(
            "the decision is older than 24 hours: it is recorded again", "dispatcher evidence decide --help"
        )
    said: dict[str, Json] = {"code": _plain(code)}
    envelope = desk.sign(pen, (role,), StatementKind.CONFIRM, stored.digest, stored.plan.mode, said)
    with desk.store.write() as work:
        desk.record(work, envelope, stored.plan.mode, stored.plan.incident)
    return show(desk, stored.digest)


def _send_code(
    desk: Desk, standing: Standing, recorder: Person, channels: Sequence[str], code: str
) -> Sequence[Notice]:
    """Send the code to the minister: not to a contact where whoever recorded the decision would read it too."""
    stored, plan = standing.stored, standing.stored.plan
    holders = desk.trust.roster.holders(Role.MINISTER, desk.now())
    apart = [person for person in holders if not {*person.contacts} & {*recorder.contacts}]
    with desk.store.read() as work:
        title = records.incident(work, plan.incident).title
    named = f"plan {short(stored.digest)} on {', '.join(channels or plan.channels)}"
    body = f"It is recorded that you agreed to {named}.\nIf you did, read this code back within 24 hours: {code}\n"
    body += "If you did not, say so at once."
    ministers = notices.first_asked(desk, Role.MINISTER, apart)
    about = {"incident": plan.incident, "plan": stored.digest}
    return notices.tell(desk, plan.mode, ministers, f"Your decision: {title}", body, **about)


def _record(
    desk: Desk,
    pen: Pen,
    mode: Mode,
    kind: StatementKind,
    roles: tuple[Role, ...],
    scope: Mapping[str, Json],
    said: Mapping[str, Json],
    life: timedelta,
) -> Recorded:
    subject = _subject(kind, scope)
    envelope = desk.sign(pen, roles, kind, subject, mode, {**scope, **said}, life)
    with desk.store.write() as work:
        made = desk.record(work, envelope, mode, None)
    return Recorded(made.id, kind, made.person, made.role, mode, made.expires, made.body)


def account_subject(channel: str, account: str) -> str:
    """What attestations about an account are about."""
    return _subject(StatementKind.ATTEST, {"channel": channel, "account": account})


def _subject(kind: StatementKind, scope: Mapping[str, Json]) -> str:
    return canonical.digest(f"{kind}/v1", canonical.encode(dict(scope)))


def _rule(desk: Desk, channel: str) -> tuple[PolicyVersion, str, ChannelRule]:
    version, name = desk.policy(), channel_named(channel)
    rule = version.rule(name)
    if rule is None:
        raise Forbidden(
            f"policy {version.version} does not have channel {name}", "two policy owners, by a new version"
        )
    return version, name, rule


def _account_scope(desk: Desk, mode: Mode, channel: str, account: str) -> dict[str, Json]:
    name = channel_named(channel)
    with desk.store.read() as work:
        row = accounts.row(work, account)
    if (row.channel, row.mode) != (name, str(mode)):
        raise Invalid(
            f"account {account} is a {row.mode} account on {row.channel}", f"name a {mode} account on {name}"
        )
    return {"channel": name, "account": account}


def _new_code(desk: Desk) -> str:
    letters = "".join(ALPHABET[byte & 31] for byte in desk.random_bytes(CODE_CHARACTERS)).upper()
    return "-".join(letters[start : start + 4] for start in range(0, CODE_CHARACTERS, 4))


def _plain(code: str) -> str:
    """The code as it was meant: case, spaces and hyphens do not count, and O, I and L are read as 0 and 1."""
    return "".join(code.split()).replace("-", "").lower().translate(_READS_AS)


def _fits(decision: Statement, code: str, plan: str) -> bool:
    recorded = str(decision.body.get("code_digest", ""))
    return hmac.compare_digest(recorded.encode(), code_digest(_plain(code), plan).encode())

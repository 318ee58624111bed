"""What breaks a mitigation: what nobody attested, and what the gate looks at itself (G11)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dispatcher.domain.people import Role
from dispatcher.domain.statement import StatementKind
from dispatcher.gate.evidence import Evidence
from tests.builders import ACCOUNTS, MITIGATIONS, attested
from tests.cast import DAY, HOUR, NOW, person, roster, signed
from tests.gate.support import (
    CLEARED,
    TIKTOK,
    Broken,
    cleared,
    held,
    planned,
    planned_without,
    under,
)


def exempted(need: str | None, expires: timedelta = 90 * DAY) -> Evidence:
    """The cleared case with another exemption, which may not speak of its need at all."""
    scope: dict[str, Any] = {"channel": "tiktok", "account": ACCOUNTS["tiktok"].id}
    scope |= {} if need is None else {"need": need}
    exemption = signed(StatementKind.EXEMPT, "security-2", at=NOW - DAY, expires=NOW - DAY + expires, **scope)
    return cleared(exemption, instead_of=StatementKind.EXEMPT)


UNMET = {
    "nothing attested": Broken(
        "G11",
        "M10 no attestation names the version of the app",
        "security",
        lambda: planned_without(StatementKind.ATTEST),
    ),
    "one mitigation not attested": Broken(
        "G11",
        "not attested, or too long ago: M22",
        "security",
        lambda: cleared(
            attested(*(code for code in MITIGATIONS if code != "M22")),
            instead_of=StatementKind.ATTEST,
        ),
    ),
    "attestations a day old": Broken(
        "G11",
        "not attested, or too long ago: M01 M08 M19",
        "security",
        lambda: cleared(attested(at=NOW - DAY), instead_of=StatementKind.ATTEST),
    ),
    "attested for another account": Broken(
        "G11",
        "not attested, or too long ago: M01",
        "security",
        lambda: cleared(attested("M10"), attested(account="tiktok-2"), instead_of=StatementKind.ATTEST),
    ),
    "one operator only": Broken(
        "G11",
        "M07 two operators without another part in this plan",
        "ops",
        lambda: replace(CLEARED, roster=roster(operator_2=held("operator-2", role=Role.TRANSLATOR))),
    ),
    "operator whose time is over": Broken(
        "G11",
        "M07 two operators",
        "ops",
        lambda: replace(CLEARED, roster=roster(operator_2=held("operator-2", expires=NOW))),
    ),
    "operator who made the plan": Broken(
        "G11",
        "M07 two operators",
        "ops",
        lambda: planned(*TIKTOK, contributors={"author-1": ("author",), "operator-2": ("translate",)}),
    ),
    "operator who approved": Broken(
        "G11",
        "M07 two operators",
        "ops",
        lambda: replace(
            CLEARED,
            roster=roster(
                checker_1=person("checker-1", Role.OPERATOR), operator_2=held("operator-2", role=Role.TRANSLATOR)
            ),
        ),
    ),
    "operator and their deputy": Broken(
        "G11",
        "M07 two operators",
        "ops",
        lambda: replace(CLEARED, roster=roster(operator_2=held("operator-2", deputy_for="operator-1"))),
    ),
    "app of no known version": Broken(
        "G11",
        "M10 no attestation names the version of the app",
        "security",
        lambda: cleared(attested(app_version=""), instead_of=StatementKind.ATTEST),
    ),
    "app updated since its terms were read": Broken(
        "G11",
        "M10 the app is now version 42.0; its terms were reviewed for another",
        "security",
        lambda: cleared(attested("M08", at=NOW - HOUR, app_version="42.0")),
    ),
    "platform within reach": Broken(
        "G11",
        "M12 this host reaches open.tiktokapis.com",
        "ops",
        facts=(("reaches", ("open.tiktokapis.com",)),),
    ),
    "exempt for everything": Broken(
        "G11", "M13 an exemption is written for everything", "security", lambda: exempted("*")
    ),
    "exempt for no need": Broken(
        "G11", "M14 no exemption says which need it meets", "security", lambda: exempted(" ")
    ),
    "exempt without a word of why": Broken(
        "G11", "M14 no exemption says which need it meets", "security", lambda: exempted(None)
    ),
    "exempt for more than a year": Broken(
        "G11", "M14 no exemption says which need it meets", "security", lambda: exempted("under 25s", 366 * DAY)
    ),
    "not said that there is no other way": Broken(
        "G11", "M15 the plan does not say which audience", "author", lambda: planned(*TIKTOK, no_alternative=" ")
    ),
    "policy does not ask the minister": Broken(
        "G11",
        "M16 this policy does not ask the security team and the minister",
        "ops",
        lambda: under(lambda version: version["channel"]["tiktok"].update(minister=False)),
    ),
    "policy does not ask the security team": Broken(
        "G11",
        "M16 this policy does not ask the security team and the minister",
        "ops",
        lambda: under(lambda version: version["tier"]["T3"]["approvals"].remove("security")),
    ),
    "a link with a tracker": Broken(
        "G11", "M21 a link carries utm_source", "author", facts=(("trackers", ("utm_source",)),)
    ),
    "no other channel to disavow it on": Broken(
        "G11", "M23 no other channel of this plan carries a correction", "author", lambda: planned("tiktok")
    ),
}

"""Space that is bought, for tests: a policy under which webhooks stand for an agency's insertion orders."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from dispatcher.domain.plan import Placement, Spend
from dispatcher.gate.policy_file import load
from dispatcher.service.submitting import Wish
from dispatcher.statements.owned import owner_statement
from dispatcher.statements.signing import KeyFileSigner, sign
from dispatcher.statements.trust import read_documents, write_envelopes
from tests.builders import drawn
from tests.cast import EXAMPLE_POLICY

CAP_CASE, CAP_YEAR = 9_000_000, 40_000_000
BUYING = """
[[policy]]
version = "paid"
inherits = "2025-12"
effective_from = 2026-01-02T00:00:00Z
recorded_at = 2026-01-01T00:00:00Z
source = "tests: webhooks are insertion orders"

[policy.channel.webhook]
tier = "T2"
placements = ["paid"]
spend = {{ cap_case_pence = {cap_case}, cap_year_pence = {cap_year} }}

[policy.tier.T2]
hold_when_stale = false
"""


def buying(cap_case: int = CAP_CASE, cap_year: int = CAP_YEAR) -> str:
    """The example policy with a version in which webhooks are paid for, under these caps in pence."""
    return EXAMPLE_POLICY.read_text() + BUYING.format(cap_case=cap_case, cap_year=cap_year)


def put_in_force(deployment: Path, policy: str, now: datetime) -> None:
    """Make it a deployment that began with this policy, signed by its policy owners."""
    trust = deployment / "trust"
    (trust / "policy.toml").write_text(policy)
    found, nonce = read_documents(trust, load), drawn(policy)(16).hex()
    envelopes = [
        sign(
            owner_statement(owner.person, found.root, found.roster, found.policy_digest, now, nonce),
            KeyFileSigner(deployment / "keys" / "exercise" / owner.person),
        )
        for owner in found.root.owners
    ]
    for name in ("roster", "policy"):
        (trust / f"{name}.sigs.json").write_bytes(write_envelopes(envelopes))
    (deployment / "data" / "floor.json").unlink()


def order(pence: int, case: str = "storms", approval: str | None = None) -> Wish:
    """A wish for space on the webhook."""
    return Wish(placement=Placement.PAID, spend=(Spend("webhook", case, pence, 2026, approval),))

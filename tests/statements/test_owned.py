"""Policy owners: their names, what they sign, and how a lack of signatures is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dispatcher.domain import canonical
from dispatcher.domain.people import DeploymentKind, Owner, Role, TrustRoot
from dispatcher.domain.statement import Mode, StatementKind
from dispatcher.statements.errors import StatementRefused, TrustError
from dispatcher.statements.owned import SIGNATURE_LIFE, owner_statement, owner_statements, owners_of
from dispatcher.statements.root import parse_root
from dispatcher.statements.signing import sign
from dispatcher.statements.trust import read_envelopes
from tests.statements.support import NOW, SoftKey, person, policy_statement, roster

ONE, TWO, STATUS = SoftKey(11), SoftKey(13), SoftKey(14)
ROOT = TrustRoot(1, "example", DeploymentKind.TEST, (Owner("a", (ONE.key,)), Owner("b", (TWO.key,))), 2, STATUS.key)
ROSTER = roster(person("director-1", Role.DUTY_DIRECTOR))


def test_an_owner_signs_root_roster_and_policy_by_name() -> None:
    """One sentence: these three documents, together, for ten years."""
    said = owner_statement("a", ROOT, ROSTER, "cd" * 32, NOW, "00" * 16)
    assert (said.kind, said.mode, said.person, said.role) == (StatementKind.POLICY, Mode.LIVE, "a", "policy_owner")
    assert (said.subject, said.body) == (ROSTER.digest, {"root": ROOT.digest, "policy": "cd" * 32})
    assert (said.deployment, said.roster, said.nonce) == ("example", ROSTER.version, "00" * 16)
    assert (said.not_before, said.expires) == (NOW, NOW + SIGNATURE_LIFE)


def test_a_lack_of_signatures_is_told_without_reasons_where_there_are_none() -> None:
    """Nobody signed what would not count: how many did is the whole message."""
    one = sign(policy_statement("a", "ef" * 32), ONE)
    with pytest.raises(StatementRefused) as refused:
        owner_statements("ef" * 32, [one], ROOT)
    assert refused.value.message == "signed by 1 of 2 policy owners"


def test_an_owner_has_no_window_and_knows_no_roster() -> None:
    """The role and its keys are held from the beginning of time, under the highest number that JSON can carry."""
    owners = owners_of(ROOT)
    begins = {held.not_before for person in owners.people for held in person.roles}
    begins |= {key.not_before for person in owners.people for key in person.keys}
    assert (begins, owners.version) == ({datetime(1970, 1, 1, tzinfo=UTC)}, 9_007_199_254_740_991)


def test_an_owner_has_a_name_like_everybody() -> None:
    """The trust root names owners as rosters name people."""
    owners = (Owner("owner-1", (ONE.key,)), Owner("Owner Two", (TWO.key,)))
    document: Any = canonical.decode(TrustRoot(1, "example", DeploymentKind.TEST, owners, 2, STATUS.key).encoded())
    with pytest.raises(TrustError, match=r"root\.json\.owners\[1\]\.person: use lower case"):
        parse_root(canonical.encode(document))


def test_a_file_of_signatures_is_a_list() -> None:
    """One statement without its list is refused, with what to do."""
    with pytest.raises(TrustError, match=r"policy\.sigs\.json: expected a list") as refused:
        read_envelopes(b"{}", "policy.sigs.json")
    assert refused.value.next_step == "Collect the signatures again."

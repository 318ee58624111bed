"""The figures of statements that the reference gives, or that OpenSSH does, in bytes, people and days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dispatcher.statements import agent, floor, owned, root, sshsig, toml, trust, verify
from dispatcher.statements.errors import RefusalCode, StatementRefused


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        (verify.MAX_PAYLOAD, 65_536),
        (toml.MAX_FILE, 1_048_576),
        (agent.MAX_ANSWER, 262_144),
        (agent.TOUCH_TIMEOUT_S, 60.0),
        (sshsig.MAX_ARMOUR, 4_096),
        (sshsig.LINE, 70),
        (verify.REMEMBERED, 4_096),
        (root.LEAST_OWNERS, 2),
        (owned.SIGNATURE_LIFE, timedelta(days=3_653)),
        (floor.EPOCH, datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_the_figures_of_statements_are_the_references(figure: object, value: object) -> None:
    """Sizes (reliability 2.2), owners and how long their signatures hold (reliability 2.3)."""
    assert figure == value


def test_a_refusal_is_on_record_in_these_words() -> None:
    """In logs, in the ledger, and in what commands print."""
    assert [str(code) for code in RefusalCode] == [
        *("malformed", "signature", "namespace", "touch", "deployment", "mode", "window", "roster_version"),
        *("unknown_key", "person", "key_window", "key_revoked", "role", "subject", "kind", "threshold"),
    ]


def test_a_refusal_advises_nothing_unless_it_says_what() -> None:
    """No next step is better than a word that is none."""
    assert StatementRefused(RefusalCode.KIND, "signed something else").next_step == ""


def test_what_is_signed_is_named_with_its_version() -> None:
    """Other programs sign and check under these very words."""
    assert list(sshsig.NAMESPACES.values()) == ["dispatcher-live-v1", "dispatcher-exercise-v1"]
    assert (trust.POLICY_SCHEMA, floor.SCHEMA) == ("policy/v1", "floor/v1")

"""A new policy file adds to the old one: nothing that has been in force is rewritten, nothing loosened afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from dispatcher.domain.statement import StatementKind
from dispatcher.gate.policy import Policies
from dispatcher.gate.policy_file import load
from dispatcher.statements.errors import TrustError
from dispatcher.statements.toml import parse_toml
from dispatcher.statements.trust import Trust, load_trust, policy_digest, write_envelopes
from tests.cast import DAY, EXAMPLE_POLICY, HOUR, NOW, signed, write_trust

EXAMPLE = EXAMPLE_POLICY.read_text()
NEXT = """
[[policy]]
version = "{name}"
inherits = "2025-12"
effective_from = {begins:%Y-%m-%dT%H:%M:%SZ}
recorded_at = 2026-01-02T00:00:00Z
source = "a test"
armed_hours = {armed_hours}
"""
SIGNED = NOW - DAY


def version(name: str, begins: datetime, armed_hours: int) -> str:
    """One more version; more than 72 hours are looser."""
    return NEXT.format(name=name, begins=begins, armed_hours=armed_hours)


@dataclass
class Host:
    """A sender's trust folder that has gone by the example policy."""

    path: Path

    def take(self, text: str, at: datetime = SIGNED, now: datetime = NOW) -> Trust[Policies]:
        """Install a policy that the owners signed, and load it as a sender does."""
        self.write(text, at)
        return load_trust(self.path, load, now=now)

    def write(self, text: str, at: datetime) -> None:
        """Install a policy that both owners signed at one time."""
        digest = policy_digest(parse_toml(text, "policy.toml"))
        said = (
            signed(StatementKind.POLICY, f"owner-{n}", subject=digest, at=at, expires=at + 9 * DAY) for n in (1, 2)
        )
        (self.path / "policy.toml").write_text(text)
        (self.path / "policy.sigs.json").write_bytes(write_envelopes(said))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """One that has gone by the example policy."""
    load_trust(write_trust(tmp_path), load)
    return Host(tmp_path)


REWRITTEN = {
    "a figure": EXAMPLE.replace("armed_hours = 72", "armed_hours = 71"),
    "a source of long ago": EXAMPLE.replace("A: statement", "statement"),
    "a version gone": EXAMPLE[: EXAMPLE.rindex("[[policy]]")],
}


@pytest.mark.parametrize("text", REWRITTEN.values(), ids=REWRITTEN.keys())
def test_what_has_been_in_force_is_not_rewritten(host: Host, text: str) -> None:
    """Signed by both owners or not, tighter or not."""
    with pytest.raises(TrustError, match="has been in force, and was changed or is gone"):
        host.take(text)


def test_a_new_version_is_appended(host: Host) -> None:
    """Looser too."""
    taken = host.take(EXAMPLE + version("looser", SIGNED + HOUR, 73))
    assert taken.policy.versions[-1].version == "looser"


def test_a_host_that_missed_a_change_takes_the_next(host: Host) -> None:
    """A looser version that began meanwhile stands under signatures that were made after its beginning."""
    assert host.take(EXAMPLE + version("looser", SIGNED - HOUR, 73)).policy.versions[-1].armed_hours == 73


def test_a_version_that_has_not_begun_can_be_withdrawn(host: Host) -> None:
    """Until its first moment nobody has gone by it."""
    host.take(EXAMPLE + version("looser", NOW + HOUR, 73))
    assert host.take(EXAMPLE, at=SIGNED + HOUR).policy.versions[-1].version == "2025-12"


def test_a_version_that_has_begun_since_cannot_be_withdrawn(host: Host) -> None:
    """Also where the host was last started before it began."""
    host.take(EXAMPLE + version("looser", NOW + HOUR, 73))
    with pytest.raises(TrustError, match="version looser has been in force"):
        host.take(EXAMPLE, at=SIGNED + HOUR, now=NOW + HOUR)


def test_signing_the_same_policy_again_is_no_change(host: Host) -> None:
    """A loosening that has begun stays taken under newer signatures."""
    text = EXAMPLE + version("looser", SIGNED + HOUR, 73)
    host.take(text)
    assert host.take(text, at=NOW - HOUR).policy.versions[-1].version == "looser"


def test_a_refused_policy_leaves_the_floor_as_it_was(host: Host) -> None:
    """The old policy can be put back."""
    before = (host.path / "floor.json").read_bytes()
    with pytest.raises(TrustError):
        host.take(REWRITTEN["a figure"])
    assert (host.path / "floor.json").read_bytes() == before


def test_without_now_the_signatures_of_a_policy_say_what_has_begun(host: Host) -> None:
    """As where a change is checked before anybody goes by it."""
    host.take(EXAMPLE + version("looser", NOW + HOUR, 73))
    host.write(EXAMPLE, at=NOW + HOUR)
    with pytest.raises(TrustError, match="version looser has been in force"):
        load_trust(host.path, load)

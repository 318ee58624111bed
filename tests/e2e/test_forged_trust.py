"""Forged trust files: a role that finds its policy, roster or root edited without new signatures does not start.

They lie on the sender's own disk, which the role only reads; whoever got that far still lacks the owners' keys.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dispatcher.domain.statement import Envelope, Mode, Statement
from dispatcher.sender_bootstrap import open_sender
from dispatcher.statements.signing import sign
from dispatcher.statements.trust import read_envelopes, write_envelopes
from tests.e2e.deployment import Deployment
from tests.statements.support import SoftKey

pytestmark = pytest.mark.system

TABLE: dict[str, Callable[[Path], None]] = {}


@pytest.fixture
def trust(empty: Deployment) -> Iterator[Path]:
    """The trust folder of a deployment whose role has started before; put back afterwards."""
    open_sender(empty.desk.settings, Mode.EXERCISE, "accounts")
    folder, kept = empty.folder / "trust", empty.folder.with_name("kept")
    shutil.copytree(folder, kept)
    yield folder
    shutil.rmtree(folder)
    kept.rename(folder)


def forgery(forge: Callable[[Path], None]) -> Callable[[Path], None]:
    """Enter a function into the table."""
    TABLE[forge.__name__.replace("_", " ")] = forge
    return forge


def edit(file: Path, old: str, new: str) -> None:
    """Write other words into a file."""
    before = file.read_text()
    assert old in before
    file.write_text(before.replace(old, new))


def signed_anew(file: Path, forged: Callable[[Envelope], Envelope]) -> None:
    """Put other envelopes into a file of signatures."""
    file.write_bytes(write_envelopes(map(forged, read_envelopes(file.read_bytes(), file.name))))


@forgery
def a_policy_that_opens_wechat(trust: Path) -> None:
    """The tier in which no signature opens a channel is renamed."""
    edit(trust / "policy.toml", 'tier = "T4"', 'tier = "T0"')


@forgery
def a_policy_with_a_smaller_quorum(trust: Path) -> None:
    """A director alone is enough."""
    edit(trust / "policy.toml", 'approvals = ["checker", "duty_director"]', 'approvals = ["duty_director"]')


@forgery
def a_roster_with_a_key_of_his_own(trust: Path) -> None:
    """Somebody's key is replaced by the attacker's."""
    first = next(line for line in (trust / "roster.toml").read_text().splitlines() if "AAAAC3NzaC1lZDI1NTE5" in line)
    public = next(word for word in first.replace('"', " ").split() if word.startswith("AAAAC3"))
    edit(trust / "roster.toml", public, SoftKey(13).public.split()[-1])


@forgery
def a_roster_with_another_role(trust: Path) -> None:
    """The author becomes a director."""
    edit(trust / "roster.toml", '"author"', '"duty_director"')


@forgery
def a_policy_signed_by_strangers(trust: Path) -> None:
    """The owners' statements, word for word, under the attacker's signature."""
    edit(trust / "policy.toml", 'tier = "T4"', 'tier = "T0"')
    signed_anew(trust / "policy.sigs.json", lambda envelope: sign(Statement.decode(envelope.payload), SoftKey(13)))


@forgery
def a_roster_without_signatures(trust: Path) -> None:
    """An empty list of signatures."""
    (trust / "roster.sigs.json").write_bytes(write_envelopes([]))


@forgery
def a_roster_that_one_owner_signed(trust: Path) -> None:
    """One owner's signature, twice."""
    file = trust / "roster.sigs.json"
    first, *_ = read_envelopes(file.read_bytes(), file.name)
    file.write_bytes(write_envelopes([first, first]))


@forgery
def signatures_copied_to_other_words(trust: Path) -> None:
    """The owners' signatures under statements about another document."""
    signed_anew(trust / "policy.sigs.json", lambda envelope: replace(envelope, payload=envelope.payload[:-1] + b" }"))


@forgery
def a_root_with_another_status_key(trust: Path) -> None:
    """The key that says what is stopped is the attacker's."""
    root = (trust / "root.json").read_text()
    _, _, key = root.rpartition("ssh-ed25519 ")
    edit(trust / "root.json", key.partition('"')[0], SoftKey(13).public.split()[-1])


@pytest.mark.parametrize("name", TABLE)
def test_a_role_does_not_start_on_forged_trust(empty: Deployment, trust: Path, name: str) -> None:
    """It ends at once, and its last words name the file that it does not trust."""
    before = empty.outgoing()
    TABLE[name](trust)
    done = empty.run("worker", "accounts", "--mode", "exercise")
    assert done.returncode != 0
    assert any(word in done.stderr for word in ("policy", "roster", "root")), done.stderr
    assert empty.outgoing() == before

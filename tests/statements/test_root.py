"""The trust root: read strictly, and followed step by step from the one that this host went by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from channels.contract import Json
from dispatcher.domain import canonical
from dispatcher.domain.people import DeploymentKind, Owner, Role, TrustRoot
from dispatcher.domain.statement import Envelope
from dispatcher.statements.errors import TrustError
from dispatcher.statements.floor import Mark
from dispatcher.statements.owned import owner_statement
from dispatcher.statements.root import Step, follow, parse_root, parse_steps, write_steps
from dispatcher.statements.roster import roster_toml
from dispatcher.statements.signing import sign
from dispatcher.statements.toml import parse_toml
from dispatcher.statements.trust import Trust, load_trust, policy_digest, write_envelopes
from tests.statements.support import NOW, Read, SecurityKey, SoftKey, key_of, person, policy_statement, roster

ONE, ONE_TOKEN, TWO, THREE, STATUS = SoftKey(11), SecurityKey(12), SoftKey(13), SoftKey(16), SoftKey(14)
FRESH, STRANGER = SoftKey(17), SoftKey(99)
OWNERS = (Owner("owner-1", (ONE.key, ONE_TOKEN.key)), Owner("owner-2", (TWO.key,)), Owner("owner-3", (THREE.key,)))
ROOT = TrustRoot(1, "example", DeploymentKind.TEST, OWNERS, 2, STATUS.key)
DOCUMENT: Any = canonical.decode(ROOT.encoded())
ROSTER = roster(person("director-1", Role.DUTY_DIRECTOR, key_of(SoftKey(15))))
POLICY = "schema = 1\n"
POLICY_DIGEST = policy_digest(parse_toml(POLICY, "policy.toml"))

Signers = Iterable[tuple[str, SoftKey]]


def rekeyed(root: TrustRoot, owner: str, key: SoftKey) -> TrustRoot:
    """The next root, in which an owner has another key."""
    owners = tuple(Owner(owner, (key.key,)) if one.person == owner else one for one in root.owners)
    return replace(root, version=root.version + 1, owners=owners)


SECOND = rekeyed(ROOT, "owner-1", FRESH)
BOTH: Signers = (("owner-2", TWO), ("owner-3", THREE))
"""Two owners by either root."""


def over(root: TrustRoot, signers: Signers = BOTH) -> tuple[Envelope, ...]:
    """Owners' signatures over a root."""
    return tuple(sign(policy_statement(name, root.digest), key) for name, key in signers)


@dataclass
class Host:
    """A sender's trust folder with its floor."""

    path: Path

    def install(self, root: TrustRoot, *steps: Step, signers: Signers = BOTH) -> None:
        """Write all files; ``signers`` sign roster and policy."""
        said = [(owner_statement(name, root, ROSTER, POLICY_DIGEST, NOW, "00" * 16), key) for name, key in signers]
        envelopes = write_envelopes(sign(statement, key) for statement, key in said)
        (self.path / "root.json").write_bytes(root.encoded())
        (self.path / "roots.json").write_bytes(write_steps(steps))
        (self.path / "roster.toml").write_text(roster_toml(ROSTER))
        (self.path / "policy.toml").write_text(POLICY)
        for name in ("roster", "policy"):
            (self.path / f"{name}.sigs.json").write_bytes(envelopes)

    def load(self) -> Trust[Read]:
        """What a sender does."""
        return load_trust(self.path, Read, now=NOW)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """One that has gone by the first root."""
    made = Host(tmp_path)
    made.install(ROOT)
    made.load()
    return made


def test_a_root_reads_back_to_itself() -> None:
    """The document of a root is the file."""
    assert parse_root(ROOT.encoded()) == ROOT


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threshold": 1}, "1 of 3 owners"),
        ({"threshold": 4}, "4 of 3 owners"),
        ({"threshold": True}, "expected an integer"),
        ({"version": 0}, "count from 1"),
        ({"kind": "staging"}, "'staging' is none of production, test"),
        ({"deployment": ""}, "deployment: use lower case"),
        ({"status_key": {"public": ONE.public}}, "stands there 2 times"),
        ({"status_key": {"public": "junk"}}, r"status_key\[0\].public: not an OpenSSH public key line"),
        ({"status_key": None}, "status_key: expected an object"),
        ({"motto": "x"}, "unknown key 'motto'"),
        ({"owners": [{"person": "owner-1", "keys": []}]}, "owner-1 has no key"),
        ({"owners": [{"person": "a", "keys": [{"public": ONE.public}]}] * 2}, "owner a stands there 2 times"),
        (
            {"owners": [{"person": name, "keys": [{"public": ONE.public}]} for name in "ab"]},
            "key SHA256.* stands there 2 times",
        ),
    ],
    ids=lambda value: None if isinstance(value, dict) else value,
)
def test_a_faulty_root_is_refused_by_place(changes: dict[str, Json], message: str) -> None:
    """Two people at the least, a key for each purpose and person, and no unknown word."""
    with pytest.raises(TrustError, match=message) as refused:
        parse_root(canonical.encode({**DOCUMENT, **changes}))
    assert "root.json" in refused.value.message


def test_a_root_that_is_not_canonical_is_refused() -> None:
    """A root edited by hand is not the one that was read aloud."""
    with pytest.raises(TrustError, match="canonical form"):
        parse_root(ROOT.encoded().replace(b'":', b'": '))


def test_the_next_root_is_signed_by_owners_of_both(host: Host) -> None:
    """Two owners who stand in the old root and in the new one are enough for both."""
    host.install(SECOND, Step(ROOT, over(SECOND)))
    assert host.load().root == SECOND


def test_each_threshold_may_be_met_by_its_own_people() -> None:
    """One person stays, one goes and one comes: each root counts two of its own."""
    after = replace(ROOT, version=2, owners=(OWNERS[0], Owner("owner-4", (FRESH.key,))))
    signatures = over(after, [("owner-1", ONE), ("owner-2", TWO), ("owner-4", FRESH)])
    assert len(follow((Step(ROOT, signatures),), after)) == 2


THIRD = rekeyed(SECOND, "owner-2", STRANGER)
OTHER_SECOND = rekeyed(ROOT, "owner-3", STRANGER)
FIRST_STEP = Step(ROOT, over(SECOND))
SECOND_STEP = Step(SECOND, over(THIRD, [("owner-1", FRESH), ("owner-3", THREE)]))


@pytest.mark.parametrize("seen", [[ROOT], [ROOT, SECOND]], ids=["both at once", "one by one"])
def test_a_host_catches_up_step_by_step(host: Host, seen: list[TrustRoot]) -> None:
    """Whether it saw every root or missed one."""
    if SECOND in seen:
        host.install(SECOND, FIRST_STEP)
        host.load()
    host.install(THIRD, FIRST_STEP, SECOND_STEP, signers=[("owner-1", FRESH), ("owner-3", THREE)])
    assert host.load().root == THIRD


def test_a_new_host_begins_with_any_root(tmp_path: Path) -> None:
    """People put it there and read its digest aloud; earlier ones are not needed."""
    host = Host(tmp_path)
    host.install(SECOND)
    assert host.load().root == SECOND


def step(root: TrustRoot, signers: Signers, before: TrustRoot = ROOT) -> tuple[TrustRoot, tuple[Step, ...]]:
    return root, (Step(before, over(root, signers)),)


ALL: Signers = (("owner-1", ONE), ("owner-2", TWO), ("owner-3", THREE))
CLAIMED = replace(ROOT, version=2, owners=tuple(Owner(n, (SoftKey(k).key,)) for n, k in (("a", 71), ("b", 72))))
CLAIMANTS: Signers = (("a", SoftKey(71)), ("b", SoftKey(72)))
ILLEGAL: dict[str, tuple[TrustRoot, tuple[Step, ...], str]] = {
    "signed by nobody": (*step(SECOND, []), "judged by root 1: signed by 0 of 2"),
    "signed by one owner": (*step(SECOND, [("owner-2", TWO)]), "judged by root 1: signed by 1 of 2"),
    "signed by one owner with two keys": (
        *step(rekeyed(ROOT, "owner-2", FRESH), [("owner-1", ONE), ("owner-1", ONE_TOKEN)]),
        "judged by root 1: signed by 1 of 2",
    ),
    "signed by strangers": (
        *step(SECOND, [("owner-2", STRANGER), ("owner-3", SoftKey(98))]),
        "judged by root 1: signed by 0 of 2",
    ),
    "signed by the new owners only": (*step(CLAIMED, CLAIMANTS), "judged by root 1: signed by 0 of 2"),
    "signed by the old owners only": (*step(CLAIMED, BOTH), "judged by root 2: signed by 0 of 2"),
    "signed with the key that is lost": (
        *step(SECOND, [("owner-1", ONE), ("owner-2", TWO)]),
        "judged by root 2: signed by 1 of 2",
    ),
    "a new threshold that is not met": (
        *step(replace(SECOND, threshold=3), BOTH),
        "judged by root 2: signed by 2 of 3",
    ),
    "signatures over another root": (SECOND, (Step(ROOT, over(OTHER_SECOND)),), "signed another document or version"),
    "a version skipped": (*step(replace(SECOND, version=3), ALL), "from root 1 to 3: not the next version"),
    "the same version": (*step(replace(SECOND, version=1), ALL), "from root 1 to 1: not the next version"),
    "steps out of order": (THIRD, (SECOND_STEP, FIRST_STEP), "from root 2 to 1: not the next version"),
    "a step left out": (THIRD, (SECOND_STEP,), "no signed steps lead from root 1"),
    "no steps at all": (SECOND, (), "no signed steps lead from root 1"),
    "from another first root": (
        rekeyed(replace(ROOT, threshold=3), "owner-1", FRESH),
        (
            Step(
                replace(ROOT, threshold=3),
                over(rekeyed(replace(ROOT, threshold=3), "owner-1", FRESH), [*ALL, ("owner-1", FRESH)]),
            ),
        ),
        "no signed steps lead from root 1",
    ),
    "another deployment": (*step(replace(SECOND, deployment="sample"), BOTH), "root.json for sample"),
    "another kind": (*step(replace(SECOND, kind=DeploymentKind.PRODUCTION), BOTH), "another deployment or kind"),
}


@pytest.mark.parametrize(("root", "steps", "message"), ILLEGAL.values(), ids=ILLEGAL)
def test_an_illegal_rotation_is_refused(host: Host, root: TrustRoot, steps: tuple[Step, ...], message: str) -> None:
    """Each names its fault, and the host goes on by the root that it had."""
    before = (host.path / "floor.json").read_bytes()
    host.install(root, *steps, signers=[*ALL, ("owner-1", FRESH), *CLAIMANTS])
    with pytest.raises(TrustError, match=message):
        host.load()
    assert (host.path / "floor.json").read_bytes() == before


def test_a_step_to_another_deployment_is_refused() -> None:
    """Even where a roster of that deployment lies beside it."""
    with pytest.raises(TrustError, match="another deployment or kind; neither ever changes"):
        follow((Step(replace(ROOT, deployment="sample"), over(SECOND)),), SECOND)


@pytest.mark.parametrize("back_to", [ROOT, OTHER_SECOND], ids=["rollback", "fork"])
def test_a_host_goes_back_to_no_other_root(host: Host, back_to: TrustRoot) -> None:
    """Neither to the one before nor to another of the same version, however well signed."""
    host.install(SECOND, FIRST_STEP)
    host.load()
    host.install(back_to, *([Step(ROOT, over(back_to, ALL))] if back_to is not ROOT else []), signers=ALL)
    with pytest.raises(TrustError, match=r"root\.json: this host has gone by a newer one \(2"):
        host.load()


def test_a_fork_is_refused_further_on(host: Host) -> None:
    """A later root, each step of it well signed, that follows from another second root than this host's."""
    host.install(SECOND, FIRST_STEP)
    host.load()
    fork, theirs = rekeyed(OTHER_SECOND, "owner-1", FRESH), [("owner-2", TWO), ("owner-3", STRANGER)]
    first = Step(ROOT, over(OTHER_SECOND, [("owner-1", ONE), ("owner-2", TWO)]))
    host.install(fork, first, Step(OTHER_SECOND, over(fork, theirs)), signers=theirs)
    with pytest.raises(TrustError, match="no signed steps lead from root 2"):
        host.load()


@pytest.mark.parametrize(
    ("signers", "enough"),
    [([("owner-1", ONE), ("owner-2", TWO)], False), ([("owner-1", FRESH), ("owner-2", TWO)], True), (BOTH, True)],
    ids=["the old key", "the new key", "two others"],
)
def test_a_key_that_was_rotated_out_signs_no_roster_or_policy(host: Host, signers: Signers, enough: bool) -> None:
    """Whenever it signed: what is left must be enough, or be signed again."""
    host.install(SECOND, FIRST_STEP, signers=signers)
    if enough:
        assert host.load().roster == ROSTER
    else:
        with pytest.raises(TrustError, match=r"roster\.sigs\.json: signed by 1 of 2"):
            host.load()


def test_steps_read_back_to_themselves() -> None:
    """What is written is read, and followed."""
    steps = parse_steps(write_steps([FIRST_STEP, SECOND_STEP]))
    assert steps == (FIRST_STEP, SECOND_STEP)
    assert follow(steps, THIRD) == tuple(Mark(root.version, root.digest) for root in (ROOT, SECOND, THIRD))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda written: b"{}", "expected a list"),
        (lambda written: b"[1]", r"roots\.json\[0\]: expected an object"),
        (lambda written: b'[{"root":{},"signatures":[]}]', "not a root/v1"),
        (lambda written: written.replace(b'"signatures"', b'"signatures":[],"signatures"'), "duplicate|twice"),
        (lambda written: written.replace(b'"root":', b'"root": '), "canonical form"),
        (lambda written: written.replace(b'"signature":', b'"sigmature":'), "signature is missing"),
        (lambda written: written.replace(b"}]}]", b'}],"why":1}]'), "unknown key why"),
        (lambda written: written.replace(b'"threshold":2', b'"threshold":1'), "1 of 3 owners"),
    ],
)
def test_steps_that_cannot_be_read_are_refused(spoil: Callable[[bytes], bytes], message: str) -> None:
    """By name and place, with nothing but TrustError."""
    with pytest.raises(TrustError, match=message) as refused:
        parse_steps(spoil(write_steps([FIRST_STEP])))
    assert "roots.json" in refused.value.message

"""Changing what senders go by: proposed, signed and installed from a folder, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dispatcher.cli.pens import Held
from dispatcher.domain.errors import DispatcherError, Invalid, NotFound, SignatureNeeded, Unavailable
from dispatcher.domain.people import DeploymentKind
from dispatcher.domain.statement import Mode
from dispatcher.gate.policy import Policies
from dispatcher.gate.policy_file import load
from dispatcher.service import deploying, trusting
from dispatcher.service.trusting import Change
from dispatcher.statements.errors import RefusalCode, SigningError, StatementRefused, TrustError
from dispatcher.statements.keys import parse_public_line
from dispatcher.statements.roster import parse_roster, roster_toml
from dispatcher.statements.signing import KeyFileSigner, sign
from dispatcher.statements.trust import Trust, load_trust
from dispatcher.statements.verify import Verifier
from tests.builders import drawn
from tests.cast import DAY, HOUR, NOW
from tests.statements.support import SoftKey, statement

LATER = NOW + HOUR
NEW, OTHER = SoftKey(501), SoftKey(502)


@dataclass(frozen=True)
class Host:
    """A deployment as ``dispatcher init`` made it, and changes to its trust."""

    folder: Path

    @property
    def trust(self) -> Path:
        """What is installed."""
        return self.folder / "trust"

    @property
    def change(self) -> Path:
        """What is proposed."""
        return self.folder.parent / "change"

    def propose(self, *files: Path, **keys: SoftKey) -> Change:
        """Propose new keys (underscores for dashes) or other files."""
        named = {person.replace("_", "-"): key.key for person, key in keys.items()}
        return trusting.propose(self.change, self.trust, files, named, LATER, drawn("change"))

    def sign(self, *owners: str | SoftKey) -> None:
        """Have owners sign, with the keys they have had so far or with the one given."""
        for owner in owners:
            trusting.sign(self.change, self.pen(owner))

    def signed(self, **keys: SoftKey) -> Change:
        """Propose new keys, and have two owners sign."""
        change = self.propose(**keys)
        self.sign("owner-1", "owner-2")
        return change

    def pen(self, owner: str | SoftKey) -> Held:
        """The pen of one of the example people, or of a key in memory."""
        key = owner if isinstance(owner, SoftKey) else KeyFileSigner(self.folder / "keys" / "exercise" / owner)
        return Held(key.fingerprint, lambda said: sign(said, key))

    def install(self) -> Trust[Policies]:
        """Install what is proposed."""
        return trusting.install(self.change, self.trust, self.folder / "data" / "floor.json", LATER)

    def load(self) -> Trust[Policies]:
        """What a process of this host goes by."""
        return load_trust(self.trust, load, floor=self.folder / "data" / "floor.json", now=LATER)

    def contents(self) -> dict[str, bytes]:
        """Every file of the trust folder, and the floor."""
        return {path.name: path.read_bytes() for path in (*self.trust.iterdir(), self.folder / "data" / "floor.json")}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment to be copied."""
    folder = tmp_path_factory.mktemp("made") / "city"
    deploying.init(folder, deploying.Blueprint("city", DeploymentKind.TEST), NOW, drawn("init"))
    return folder


@pytest.fixture
def host(made: Path, tmp_path: Path) -> Host:
    """A deployment of one's own."""
    shutil.copytree(made, tmp_path / "city")
    return Host(tmp_path / "city")


def test_an_officers_lost_key_is_replaced(host: Host) -> None:
    """The next roster has the new key, and the old one revoked from the proposal on; the root stays."""
    change = host.signed(director_1=NEW)
    host.install()
    trust = host.load()
    keys = [key for person in trust.roster.people if person.id == "director-1" for key in person.keys]
    assert [(key.revoked_at, key.not_before) for key in keys] == [(LATER, NOW), (None, LATER)]
    assert (trust.root.version, trust.roster.version, change.people) == (1, 2, ("director-1",))
    assert (trust.roster.digest, trust.root.digest) == (change.roster_digest, change.root_digest)


def test_what_was_signed_with_a_revoked_key_counts_no_longer(host: Host) -> None:
    """An approval given before, seen again in mid fan-out: authentic until the roster is there, then not."""
    key = KeyFileSigner(host.folder / "keys" / "exercise" / "director-1")
    said = statement(deployment="city", roster=1, not_before=NOW, expires=NOW + DAY)
    approval = sign(said, key)
    Verifier(host.load().roster, "city", Mode.LIVE).verify(approval, LATER)
    host.signed(director_1=NEW)
    host.install()
    with pytest.raises(StatementRefused) as refused:
        Verifier(host.load().roster, "city", Mode.LIVE).verify(approval, LATER)
    assert refused.value.code is RefusalCode.KEY_REVOKED


def test_an_owners_lost_key_is_replaced(host: Host) -> None:
    """By the two others: the root goes on with its step on record, and so does the roster; the policy stays."""
    change = host.propose(owner_1=NEW)
    host.sign("owner-2", "owner-3")
    host.install()
    trust = host.load()
    assert (trust.root.version, trust.roster.version) == (2, 2)
    assert [step.root.version for step in trust.steps] == [1]
    assert trust.root.owners[0].keys == (NEW.key,)
    assert (trust.root.digest, trust.policy_digest) == (change.root_digest, change.policy_digest)


def test_the_lost_key_counts_for_no_threshold_any_more(host: Host) -> None:
    """Old key and one other owner are one of two by the new root."""
    host.propose(owner_1=NEW)
    host.sign("owner-1", "owner-2")
    before = host.contents()
    with pytest.raises(TrustError, match="judged by root 2: signed by 1 of 2"):
        host.install()
    assert host.contents() == before


def test_the_new_key_signs_at_once(host: Host) -> None:
    """It counts by the new root; by the old one two others are needed."""
    host.propose(owner_1=NEW)
    host.sign(NEW, "owner-2")
    with pytest.raises(TrustError, match="judged by root 1: signed by 1 of 2"):
        host.install()
    host.sign("owner-3")
    assert host.install().root.version == 2


def test_all_owners_give_way_in_one_change(host: Host) -> None:
    """The example keys to real ones: each signs with the old key, which the old root knows, and with the new."""
    keys = {f"owner_{n}": SoftKey(600 + n) for n in (1, 2, 3)}
    assert len(host.propose(**keys).to_sign) == 6
    host.sign("owner-1", "owner-2", keys["owner_1"])
    with pytest.raises(TrustError, match="judged by root 2: signed by 1 of 2"):
        host.install()
    host.sign(keys["owner_2"])
    assert host.install().root.version == 2


def test_changes_follow_each_other(host: Host) -> None:
    """The second root's step is kept, and a host that missed it catches up with the third."""
    missed = Host(shutil.copytree(host.folder, host.folder.with_name("missed")))
    for number, lost in enumerate(("owner-1", "owner-2")):
        host.propose(**{lost.replace("-", "_"): SoftKey(610 + number)})
        host.sign("owner-3", *(["owner-2"] if number == 0 else [SoftKey(610)]))
        host.install()
        if number == 0:
            shutil.rmtree(host.change)
    assert [step.root.version for step in missed.install().steps] == [1, 2]
    assert missed.load().root == host.load().root


def test_a_change_of_the_roster_keeps_the_steps_of_the_root(host: Host) -> None:
    """The way from the first root stays on record."""
    host.propose(owner_1=NEW)
    host.sign("owner-2", "owner-3")
    host.install()
    shutil.rmtree(host.change)
    host.propose(director_1=OTHER)
    host.sign("owner-2", "owner-3")
    assert [step.root.version for step in host.install().steps] == [1]
    assert host.load().roster.version == 3


def test_a_written_roster_is_installed_as_it_is_written(host: Host) -> None:
    """With its comments, where its version is the next; else under the next version."""
    file = host.folder.parent / "roster.toml"
    roster = host.load().roster
    text = "# reviewed\n" + roster_toml(replace(roster, version=2, people=roster.people[1:]))
    file.write_text(text)
    assert host.propose(file).people == ("author-1",)
    assert (host.change / "roster.toml").read_text() == text
    shutil.rmtree(host.change)
    file.write_text(text.replace("version = 2", "version = 1"))
    assert host.propose(file).roster == 2


def test_a_written_policy_is_installed(host: Host) -> None:
    """Signed later than the one before, so that neither comes back."""
    file = host.folder.parent / "policy.toml"
    file.write_text("# looked at again\n" + (host.trust / "policy.toml").read_text())
    host.propose(file)
    host.sign("owner-1", "owner-3")
    assert host.install().policy_digest == host.load().policy_digest


def test_other_owners_come_with_a_written_root(host: Host) -> None:
    """One owner fewer, in canonical JSON; its version is seen to."""
    root = host.load().root
    file = host.folder.parent / "root.json"
    file.write_bytes(replace(root, owners=root.owners[1:]).encoded())
    assert host.propose(file).root == 2
    host.sign("owner-2", "owner-3")
    assert [owner.person for owner in host.install().root.owners] == ["owner-2", "owner-3"]


SENSELESS: dict[str, tuple[dict[str, SoftKey], type[DispatcherError], str]] = {
    "a stranger": ({"nobody": NEW}, NotFound, "nobody is not on the roster"),
    "one key for two": ({"director_1": NEW, "director_2": NEW}, TrustError, "stands there 2 times"),
    "one key for an owner and an officer": ({"owner_1": NEW, "director_2": NEW}, TrustError, "SHA256"),
}


@pytest.mark.parametrize(("given", "error", "message"), SENSELESS.values(), ids=SENSELESS)
def test_a_change_that_makes_no_sense_is_not_proposed(
    host: Host, given: dict[str, SoftKey], error: type[DispatcherError], message: str
) -> None:
    """Nothing is written."""
    before = sorted(host.folder.parent.iterdir())
    with pytest.raises(error, match=message):
        host.propose(**given)
    assert sorted(host.folder.parent.iterdir()) == before


def test_a_key_that_was_revoked_does_not_come_back(host: Host) -> None:
    """Whoever holds it could write any date."""
    old = parse_public_line((host.folder / "keys" / "exercise" / "director-1.pub").read_text())
    host.signed(director_1=NEW)
    host.install()
    shutil.rmtree(host.change)
    with pytest.raises(TrustError, match=f"key {old.fingerprint} stands there 2 times"):
        trusting.propose(host.change, host.trust, (), {"director-1": old}, LATER, drawn("again"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("roster.toml", b"version = [", "not TOML"),
        ("roster.toml", b"\xff", "not UTF-8"),
        ("root.json", b'{"a":1,"a":2}', "duplicate|twice"),
        ("root.json", b'{ "a": 1 }', "canonical form"),
        ("policy.toml", b"tiers = 3", "policy"),
        ("notes.txt", b"", "no trust file"),
        ("roster.toml", None, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_not_proposed(
    host: Host, name: str, content: bytes | None, message: str
) -> None:
    """A clear error, nothing written."""
    file = host.folder.parent / name
    if content is not None:
        file.write_bytes(content)
    before = sorted(host.folder.parent.iterdir())
    with pytest.raises(Invalid, match=message):
        host.propose(file)
    assert sorted(host.folder.parent.iterdir()) == before


def test_a_folder_in_use_is_left_alone(host: Host) -> None:
    """Two changes do not mix."""
    host.propose(director_1=NEW)
    before = (host.change / "roster.toml").read_bytes()
    with pytest.raises(Invalid, match="in use"):
        host.propose(director_2=OTHER)
    assert (host.change / "roster.toml").read_bytes() == before


def edited(host: Host) -> None:
    roster = parse_roster((host.change / "roster.toml").read_text())
    (host.change / "roster.toml").write_text(roster_toml(replace(roster, people=roster.people[:-1])))


def another_statement(host: Host) -> None:
    (host.change / "owner-1.statement").write_bytes((host.change / "owner-2.statement").read_bytes())


def no_statement(host: Host) -> None:
    (host.change / "owner-1.statement").unlink()


def junk_statement(host: Host) -> None:
    (host.change / "owner-1.statement").write_text("{}")


@pytest.mark.parametrize("spoil", [edited, another_statement, no_statement, junk_statement])
def test_an_owner_signs_only_what_is_in_the_folder(host: Host, spoil: Callable[[Host], None]) -> None:
    """Files changed since the proposal, or a statement about something else: no signature is made."""
    host.propose(director_1=NEW)
    spoil(host)
    with pytest.raises(Invalid, match=r"owner-1\.statement"):
        host.sign("owner-1")
    assert list(host.change.glob("*.sig")) == []


@pytest.mark.parametrize("who", ["director-1", NEW], ids=["an officer", "a key that is nobody's"])
def test_only_owners_sign(host: Host, who: str | SoftKey) -> None:
    """An officer's key and a stranger's do not."""
    host.propose(director_2=OTHER)
    with pytest.raises(SignatureNeeded, match="no policy owner's"):
        host.sign(who)


def test_an_owner_who_left_signs_no_more(host: Host) -> None:
    """Once the change is installed, who stood in the root before is nobody."""
    host.propose(owner_1=NEW)
    host.sign("owner-2", "owner-3")
    host.install()
    shutil.rmtree(host.change)
    host.propose(director_1=OTHER)
    with pytest.raises(SignatureNeeded, match="no policy owner's"):
        host.sign("owner-1")


@pytest.mark.parametrize("owners", [(), ("owner-1",)], ids=["nobody", "one"])
def test_too_few_signatures_install_nothing(host: Host, owners: tuple[str, ...]) -> None:
    """What was there stays, to the byte, floor included."""
    host.propose(director_1=NEW)
    host.sign(*owners)
    before = host.contents()
    with pytest.raises(TrustError, match=f"signed by {len(owners)} of 2"):
        host.install()
    assert host.contents() == before
    assert sorted(path.name for path in host.folder.glob(".trust*")) == []


def test_files_edited_after_signing_install_nothing(host: Host) -> None:
    """The signatures are over what was signed."""
    host.signed(director_1=NEW)
    edited(host)
    before = host.contents()
    with pytest.raises(TrustError, match="signed another document or version"):
        host.install()
    assert host.contents() == before


def test_a_signature_that_does_not_hold_is_named(host: Host) -> None:
    """One owner's signature beside another's statement."""
    host.propose(director_1=NEW)
    host.sign("owner-1")
    (host.change / "owner-1.statement.sig").rename(host.change / "owner-2.statement.sig")
    with pytest.raises(SigningError, match="cannot be used"):
        host.install()


def test_an_older_change_is_not_installed_after_a_newer_one(host: Host) -> None:
    """Two changes from one beginning: the second is refused, for it has the first one's version."""
    host.signed(director_1=NEW)
    second = Host(shutil.copytree(host.folder.parent, host.folder.parent.with_name("twin")) / "city")
    shutil.rmtree(second.change)
    second.signed(director_2=OTHER)
    host.install()
    host.load()
    with pytest.raises(TrustError, match=r"roster\.toml: this host has gone by"):
        trusting.install(second.change, host.trust, host.folder / "data" / "floor.json", LATER)
    assert host.load().roster.digest


def test_installing_again_changes_nothing(host: Host) -> None:
    """A command that was interrupted is simply given again."""
    host.signed(director_1=NEW)
    host.install()
    before = host.contents()
    host.install()
    assert host.contents() == before


def test_a_trust_folder_that_is_not_there_cannot_be_replaced(host: Host) -> None:
    """It is said so, and nothing is made."""
    host.signed(director_1=NEW)
    shutil.rmtree(host.trust)
    with pytest.raises(Unavailable, match="cannot be replaced"):
        host.install()
    assert not host.trust.exists()


def test_a_linked_trust_folder_is_replaced_by_a_real_one(host: Host) -> None:
    """What it linked to is left as it was."""
    host.signed(director_1=NEW)
    elsewhere = host.trust.rename(host.folder / "elsewhere")
    host.trust.symlink_to("elsewhere")
    host.install()
    assert host.load().roster.version == 2
    assert parse_roster((elsewhere / "roster.toml").read_text()).version == 1

"""Trust files: owners counted as people, nothing half trusted, nothing older than before."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.contract import Json
from dispatcher.domain import canonical
from dispatcher.domain.people import DeploymentKind, Owner, Role, Roster, TrustRoot
from dispatcher.domain.statement import Envelope, Mode, StatementKind
from dispatcher.statements.errors import RefusalCode, StatementRefused, TrustError
from dispatcher.statements.floor import Floor, Mark, raise_floor
from dispatcher.statements.owned import owner_statement, owner_statements
from dispatcher.statements.roster import roster_toml
from dispatcher.statements.signing import sign
from dispatcher.statements.toml import MAX_FILE, parse_toml
from dispatcher.statements.trust import Trust, load_trust, policy_digest, read_envelopes, write_envelopes
from tests.statements.support import DAY, NOW, Read, SecurityKey, SoftKey, key_of, person, policy_statement, roster

ONE, ONE_TOKEN, TWO, STATUS, DIRECTOR = SoftKey(11), SecurityKey(12), SoftKey(13), SoftKey(14), SoftKey(15)
OWNERS = (Owner("owner-1", (ONE.key, ONE_TOKEN.key)), Owner("owner-2", (TWO.key,)))
ROOT = TrustRoot(1, "example", DeploymentKind.TEST, OWNERS, 2, STATUS.key)
ROSTER = roster(person("director-1", Role.DUTY_DIRECTOR, key_of(DIRECTOR)))
POLICY = 'schema = 1\n[[policy]]\nversion = "2024-11"\neffective_from = 2024-11-21T00:00:00Z\nreviewed = 2024-11-20\n'
DIGEST = "cd" * 32


@dataclass
class Folder:
    """A sender's trust folder, signed by both owners; write_* replace a document with its signatures."""

    path: Path

    def write_root(self, root: TrustRoot = ROOT) -> None:
        (self.path / "root.json").write_bytes(root.encoded())

    def write_roster(self, people: Roster = ROSTER, **changes: object) -> None:
        (self.path / "roster.toml").write_text(roster_toml(people))
        self.sign("roster", people.digest, **changes)

    def write_policy(self, text: str = POLICY, **changes: object) -> None:
        (self.path / "policy.toml").write_text(text)
        self.sign("policy", policy_digest(parse_toml(text, "policy.toml")), **changes)

    def sign(self, name: str, digest: str, **changes: object) -> None:
        (self.path / f"{name}.sigs.json").write_bytes(write_envelopes(both(digest, **changes)))

    def load(self, now: datetime | None = NOW, floor: Path | None = None) -> Trust[Read]:
        return load_trust(self.path, Read, floor=floor, now=now)


def both(digest: str, **changes: object) -> list[Envelope]:
    """Both owners' signatures over a document."""
    return [
        sign(policy_statement(name, digest, **changes), key) for name, key in (("owner-1", ONE), ("owner-2", TWO))
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A complete, sound trust folder."""
    made = Folder(tmp_path)
    made.write_root()
    made.write_roster()
    made.write_policy()
    return made


def test_two_owners_are_enough() -> None:
    """Their statements come back."""
    said = owner_statements(DIGEST, both(DIGEST), ROOT, now=NOW)
    assert [statement.person for statement in said] == ["owner-1", "owner-2"]


def test_one_owner_with_two_keys_is_one_owner() -> None:
    """People are counted, not keys."""
    twice = [sign(policy_statement("owner-1", DIGEST), key) for key in (ONE, ONE_TOKEN)]
    with pytest.raises(StatementRefused, match="signed by 1 of 2") as refused:
        owner_statements(DIGEST, twice, ROOT, now=NOW)
    assert refused.value.code is RefusalCode.THRESHOLD


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"subject": "ef" * 32}, "subject"),
        ({"kind": StatementKind.APPROVE}, "kind"),
        ({"role": "duty_director"}, "role"),
        ({"mode": Mode.EXERCISE}, "namespace"),
        ({"deployment": "sample"}, "deployment"),
        ({"person": "owner-1"}, "person"),
        ({"person": "owner-3"}, "person"),
        ({"expires": NOW - timedelta(minutes=1)}, "window"),
        ({"not_before": NOW + timedelta(minutes=1)}, "window"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else value,
)
def test_a_second_signature_that_does_not_count_is_explained(changes: dict[str, object], reason: str) -> None:
    """Another document, kind, role, mode, deployment, person or time; the refusal names which."""
    first = sign(policy_statement("owner-1", DIGEST), ONE)
    second = sign(replace(policy_statement("owner-2", DIGEST), **changes), TWO)  # type: ignore[arg-type]
    with pytest.raises(StatementRefused, match=f"not counted \\({reason}"):
        owner_statements(DIGEST, [first, second], ROOT, now=NOW)


def test_a_strangers_key_does_not_count() -> None:
    """Nobody becomes an owner by saying so."""
    stranger = sign(policy_statement("owner-2", DIGEST), SoftKey(99))
    with pytest.raises(StatementRefused, match="unknown_key"):
        owner_statements(DIGEST, [both(DIGEST)[0], stranger], ROOT, now=NOW)


def test_without_now_signatures_of_the_past_count() -> None:
    """A past policy can be replayed."""
    old = both(DIGEST, not_before=NOW - 9 * DAY, expires=NOW - DAY)
    assert len(owner_statements(DIGEST, old, ROOT)) == 2


def test_a_sound_folder_is_trusted(folder: Folder) -> None:
    """Root and roster come back as they are in the files."""
    trust = folder.load()
    assert (trust.root, trust.roster) == (ROOT, ROSTER)


def test_the_policy_is_read_as_plain_values_with_canonical_times(folder: Folder) -> None:
    """Times and dates in TOML become text."""
    document: Any = folder.load().policy.document
    assert document["policy"] == [
        {"version": "2024-11", "effective_from": "2024-11-21T00:00:00.000000Z", "reviewed": "2024-11-20"}
    ]


def test_the_policy_reader_gets_the_document_and_its_digest(folder: Folder) -> None:
    """The typed policy is the caller's."""
    document = parse_toml(POLICY, "policy.toml")
    assert folder.load().policy == Read(document, policy_digest(document))


def test_a_policy_that_its_reader_refuses_is_refused(folder: Folder) -> None:
    """Signatures do not make sense of nonsense."""

    def refuse(document: Json, digest: str) -> Read:
        raise ValueError("tier T9 is unknown")

    with pytest.raises(TrustError, match=r"policy\.toml: tier T9 is unknown"):
        load_trust(folder.path, refuse, now=NOW)


@pytest.mark.parametrize("name", ["roster.toml", "policy.toml"])
def test_a_document_edited_after_signing_is_refused(folder: Folder, name: str) -> None:
    """One changed letter needs both owners again."""
    path = folder.path / name
    path.write_text(path.read_text().replace("director-1", "director-2").replace("2024-11-20", "2024-11-19"))
    with pytest.raises(TrustError, match="signed by 0 of 2"):
        folder.load()


@pytest.mark.parametrize("name", ["root.json", "roster.toml", "roster.sigs.json", "policy.toml", "policy.sigs.json"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b'{"a":1,"a":1}', b"0" * 2_000_000])
def test_a_file_missing_or_damaged_is_refused_by_name(folder: Folder, name: str, content: bytes | None) -> None:
    """Nothing is defaulted, and nothing but TrustError comes out."""
    path = folder.path / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(TrustError, match=name.split(".", maxsplit=1)[0]):
        folder.load()


@pytest.mark.parametrize("content", [b'[{"payload":"x"}]', b'[{"payload":"\xed\xa0\x80","signature":"x"}]', b"[1]"])
def test_a_list_that_holds_no_envelopes_is_refused(content: bytes) -> None:
    """Neither half an envelope nor text that UTF-8 cannot carry."""
    with pytest.raises(TrustError, match=r"it\.json"):
        read_envelopes(content, "it.json")


@pytest.mark.parametrize(("more", "message"), [(0, "not JSON"), (1, "larger than 1048576 bytes")])
def test_a_file_is_no_larger_than_any_needs_to_be(folder: Folder, more: int, message: str) -> None:
    """One byte too many, and it is not read to its end."""
    (folder.path / "root.json").write_bytes(b" " * (MAX_FILE + more))
    with pytest.raises(TrustError, match=message):
        folder.load()


def test_a_policy_that_is_no_toml_is_refused_by_name(folder: Folder) -> None:
    """The file and what is wrong in it."""
    (folder.path / "policy.toml").write_text("[[policy")
    with pytest.raises(TrustError, match=r"^policy\.toml: not TOML"):
        folder.load()


def test_envelopes_read_back_to_themselves() -> None:
    """What is written is read."""
    envelopes = both(DIGEST)
    assert read_envelopes(write_envelopes(envelopes) + b"\n", "it.json") == tuple(envelopes)


@pytest.mark.parametrize(
    ("people", "message"),
    [
        (Roster(3, "sample", ROSTER.people), "for deployment sample"),
        (roster(person("director-1", Role.DUTY_DIRECTOR, key_of(TWO))), "owner-2's in root.json and director-1's"),
        (roster(person("director-1", Role.DUTY_DIRECTOR, key_of(STATUS))), "status key stands under a person"),
    ],
    ids=["deployment", "owner's key", "status key"],
)
def test_root_and_roster_that_do_not_fit_are_refused(folder: Folder, people: Roster, message: str) -> None:
    """One deployment; no key under two names or for two purposes, across both files."""
    folder.write_roster(people)
    with pytest.raises(TrustError, match=message):
        folder.load()


def test_an_owners_key_that_the_roster_revokes_is_refused(folder: Folder) -> None:
    """The two files would say different things of one key."""
    folder.write_roster(roster(person("owner-2", Role.POLICY_OWNER, key_of(TWO, revoked_at=NOW))))
    with pytest.raises(TrustError, match=r"owner-2 stands in root\.json and is revoked"):
        folder.load()


@pytest.mark.parametrize("role", [Role.DUTY_DIRECTOR, Role.OPS, Role.REVIEWER])
def test_an_owner_who_would_approve_is_refused(folder: Folder, role: Role) -> None:
    """Whether or not the roster calls them policy owner: the root does."""
    folder.write_roster(roster(person("owner-2", role)))
    with pytest.raises(TrustError, match=f"owner-2, an owner, holds .*{role}.* at one time"):
        folder.load()


def test_one_signature_may_be_about_all_three_documents(folder: Folder) -> None:
    """The others' digests stand in its body; one that names neither counts for neither."""
    document = parse_toml(POLICY, "policy.toml")
    said = owner_statement("owner-1", ROOT, ROSTER, policy_digest(document), NOW, "00" * 16)
    for digest in (ROOT.digest, ROSTER.digest, policy_digest(document)):
        two = [sign(replace(said, person=name), key) for name, key in (("owner-1", ONE), ("owner-2", TWO))]
        assert len(owner_statements(digest, two, ROOT, now=NOW)) == 2
    with pytest.raises(StatementRefused, match="subject"):
        owner_statements(DIGEST, two, ROOT, now=NOW)


def test_an_owner_may_stand_on_the_roster_under_the_same_name(folder: Folder) -> None:
    """Policy owners are people like others."""
    folder.write_roster(roster(person("owner-2", Role.POLICY_OWNER, key_of(TWO))))
    assert folder.load().roster.person("owner-2")


def test_the_same_files_load_again(folder: Folder) -> None:
    """The floor does not refuse what it was made from."""
    folder.load()
    assert folder.load().roster == ROSTER


def newer_roster(folder: Folder, version: int) -> None:
    folder.write_roster(roster(*ROSTER.people, version=version))


def other_roster_same_version(folder: Folder) -> None:
    folder.write_roster(roster(person("checker-1", Role.CHECKER)))


def older_root(folder: Folder) -> None:
    folder.write_root(ROOT)


def other_root_same_version(folder: Folder) -> None:
    folder.write_root(replace(ROOT, version=2, kind=DeploymentKind.PRODUCTION))


def other_policy_signed_earlier(folder: Folder) -> None:
    folder.write_policy(POLICY.replace("2024-11", "2023-03", 1), not_before=NOW - 5 * DAY)


def other_policy_signed_at_the_same_time(folder: Folder) -> None:
    folder.write_policy(POLICY.replace("2024-11", "2023-03", 1))


@pytest.mark.parametrize(
    ("go_back", "name"),
    [
        (lambda folder: newer_roster(folder, 2), "roster.toml"),
        (other_roster_same_version, "roster.toml"),
        (older_root, "root.json"),
        (other_root_same_version, "root.json"),
        (other_policy_signed_earlier, "policy.toml"),
        (other_policy_signed_at_the_same_time, "policy.toml"),
    ],
    ids=["roster", "roster swapped", "root", "root swapped", "policy", "policy swapped"],
)
def test_what_was_gone_by_cannot_be_rolled_back(folder: Folder, go_back: Callable[[Folder], None], name: str) -> None:
    """Properly signed, but older than before, or other content under the same version."""
    folder.write_root(replace(ROOT, version=2))
    folder.load()
    go_back(folder)
    with pytest.raises(TrustError, match=f"{name}: this host has gone by"):
        folder.load()


def test_newer_documents_are_taken(folder: Folder) -> None:
    """Roster and policy move on; how the root does is in test_root."""
    folder.load()
    newer_roster(folder, 5)
    folder.write_policy(POLICY.replace("2024-11", "2025-02", 1), not_before=NOW - timedelta(minutes=1))
    assert folder.load().roster.version == 5


def test_a_policys_mark_is_its_earliest_signature(folder: Folder) -> None:
    """In microseconds since 1970: two owners sign at two times, and both must have."""
    digest, early = policy_digest(parse_toml(POLICY, "policy.toml")), NOW - DAY
    said = [policy_statement("owner-1", digest, not_before=early), policy_statement("owner-2", digest)]
    signed = [sign(one, key) for one, key in zip(said, (ONE, TWO), strict=True)]
    (folder.path / "policy.sigs.json").write_bytes(write_envelopes(signed))
    folder.load()
    floor: Any = canonical.decode((folder.path / "floor.json").read_bytes())
    assert floor["policy"]["at"] == early.timestamp() * 1_000_000


def test_the_same_policy_signed_again_does_not_lower_the_floor(folder: Folder) -> None:
    """Earlier signatures over the same policy pass, and the floor stays where it was."""
    folder.load()
    before = (folder.path / "floor.json").read_bytes()
    folder.write_policy(not_before=NOW - 5 * DAY)
    folder.load()
    assert (folder.path / "floor.json").read_bytes() == before


def test_a_refused_load_leaves_the_floor_as_it_was(folder: Folder) -> None:
    """A newer roster beside a rolled-back policy raises nothing."""
    folder.load()
    before = (folder.path / "floor.json").read_bytes()
    newer_roster(folder, 9)
    other_policy_signed_earlier(folder)
    with pytest.raises(TrustError):
        folder.load()
    assert (folder.path / "floor.json").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"{}", b'{"schema":"floor/v1"}', b"junk", b"[]"])
def test_a_damaged_floor_refuses_everything(folder: Folder, content: bytes) -> None:
    """A floor that cannot be read is not a floor of zero."""
    (folder.path / "floor.json").write_bytes(content)
    with pytest.raises(TrustError, match=r"floor\.json: damaged"):
        folder.load()


def test_the_floor_may_lie_elsewhere(folder: Folder, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The trust folder itself may be read-only to the sender."""
    floor = tmp_path_factory.mktemp("state") / "floor.json"
    folder.load(floor=floor)
    assert floor.exists()
    assert not (folder.path / "floor.json").exists()


def test_a_floor_that_cannot_be_written_is_a_clear_refusal(folder: Folder, tmp_path: Path) -> None:
    """Without a floor nothing is trusted."""
    with pytest.raises(TrustError, match=r"floor\.json: cannot be read or written"):
        folder.load(floor=tmp_path / "nowhere" / "floor.json")


def test_owners_signatures_that_lapsed_are_refused_now(folder: Folder) -> None:
    """With the time given, owners' signatures must be in force."""
    with pytest.raises(TrustError, match="not in force now"):
        folder.load(now=NOW + DAY)


def test_processes_that_share_a_floor_only_raise_it(tmp_path: Path) -> None:
    """Whoever comes late with an older roster never writes it over a newer one."""
    path = tmp_path / "floor.json"

    def reach(version: int) -> None:
        with suppress(TrustError):
            raise_floor(path, Floor(Mark(1, DIGEST), Mark(version, f"{version}"), Mark(0, DIGEST)))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(reach, [*range(1, 40), *range(39, 0, -1)]))
    with pytest.raises(TrustError, match=r"gone by a newer one \(39"):
        raise_floor(path, Floor(Mark(1, DIGEST), Mark(38, "38"), Mark(0, DIGEST)))

"""Settings, keys, disk, media and console: each finding where it should be, and not where all is well."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatcher.service.examining import disk
from dispatcher.service.examining.findings import Level
from tests.areas.geojson import collection, feature
from tests.service.examining.conftest import Place

FAILING, WARNING = Level.FAILING, Level.WARNING


@pytest.mark.parametrize(
    "family", ["settings", "keys", "disk", "media", "areas", "console", "schema", "database", "separation"]
)
def test_a_deployment_as_it_was_made_is_well(place: Place, family: str) -> None:
    """Nothing is wrong with it."""
    assert place.wrong(family) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("surprise = 1", ["deployment.toml: unknown key surprise"]),
        ("chunk = 'many'\nprocesses = 'few'", None),
        ("egress = 1", ['deployment.toml: egress must be a list of texts, such as ["open.example.org"]']),
        ("] nonsense", None),
    ],
)
def test_every_fault_of_the_settings_is_named(place: Place, text: str, said: list[str] | None) -> None:
    """And the rest is looked at all the same."""
    if text.startswith("chunk"):
        place.replace("chunk = ", "# chunk = ")
    place.say(text)
    found = place.wrong("settings")
    assert found
    assert {level for level, _ in found} == {FAILING}
    assert said is None or [what for _, what in found] == said
    assert place.wrong("keys") == []
    assert place.look("roster")[0].level is Level.OK


def test_a_name_or_kind_that_the_trust_root_does_not_know_fails(place: Place) -> None:
    """Signatures name the deployment."""
    place.produce()
    place.replace('deployment = "example-city"', 'deployment = "other-city"')
    assert [what.split(",")[0] for _, what in place.wrong("settings")] == [
        "deployment.toml says other-city",
        "deployment.toml says kind production",
    ]


@pytest.mark.parametrize(("kind", "level"), [("test", Level.NOTE), ("production", WARNING)])
def test_shortened_waits_are_told(place: Place, kind: str, level: Level) -> None:
    """In production they are a warning."""
    if kind == "production":
        place.produce()
    place.add("\n[timing]\nlease_ms = 1000\n")
    assert (level, "[timing] is shortened: lease_ms") in [(one.level, one.what) for one in place.look("settings")]


def test_longer_waits_are_nobodys_business(place: Place) -> None:
    """A deployment may be patient."""
    place.add("\n[timing]\nprobe_ms = 3600000\n")
    assert [one.level for one in place.look("settings")] == [Level.OK]


def test_a_key_that_others_can_read_fails(place: Place) -> None:
    """Whichever it is."""
    for name in ("status", "exercise/ops-1"):
        (place.folder / "keys" / name).chmod(0o640)
    found = place.wrong("keys")
    assert [level for level, _ in found] == [FAILING] * 2
    assert all("can be read by others (0640)" in what for _, what in found)


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away takes root")
def test_a_key_that_is_somebody_elses_is_a_warning(place: Place) -> None:
    """They may change it."""
    os.chown(place.folder / "keys" / "status", 4_711, 4_711)
    assert [level for level, _ in place.wrong("keys")] == [WARNING]


def test_a_status_key_that_the_root_does_not_name_fails(place: Place) -> None:
    """Senders would believe nothing that it signs."""
    for name in ("status", "status.pub"):
        shutil.copyfile(
            place.folder / "keys" / "exercise" / name.replace("status", "ops-1"), place.folder / "keys" / name
        )
        (place.folder / "keys" / "status").chmod(0o600)
    ((level, what),) = place.wrong("keys")
    assert (level, what) == (FAILING, "keys/status is not the status key that the trust root names")


def test_credentials_without_their_roles_key_are_a_warning(place: Place) -> None:
    """The role could not open them."""
    place.office.account("webhook")
    assert place.wrong("keys") == []
    (place.folder / "keys" / "role-exercise-accounts").unlink()
    ((level, what),) = place.wrong("keys")
    assert (level, what[:38]) == (WARNING, "role accounts of exercise has 1 creden")


def test_a_console_key_must_be_on_the_roster(place: Place) -> None:
    """One that is somebody's there is well; a stranger's is a warning."""
    source, target = place.folder / "keys" / "exercise" / "ops-1", place.folder / "keys" / "console"
    for ending in ("", ".pub"):
        shutil.copy(f"{source}{ending}", f"{target}{ending}")
    assert place.wrong("keys") == []
    shutil.copy(place.folder / "keys" / "status.pub", f"{target}.pub")
    assert [what[:37] for _, what in place.wrong("keys")] == ["keys/console is not on the roster, or"]


def statvfs(free: int, files: int) -> os.statvfs_result:
    """A file system with so many bytes and files free."""
    return os.statvfs_result((1, 1, 10**12, free, free, 10**6, files, files, 0, 255, 0))


@pytest.mark.parametrize(
    ("free", "files", "levels"),
    [
        (10 << 20, 10**5, [FAILING]),
        (500 << 20, 10**5, [WARNING]),
        (5 << 30, 10, [Level.OK, WARNING]),
        (5 << 30, 10**5, [Level.OK]),
    ],
)
def test_room_is_judged_in_bytes_and_in_files(tmp_path: Path, free: int, files: int, levels: list[Level]) -> None:
    """Below 64 MB nothing starts; below a gigabyte it is time."""
    assert [one.level for one in disk.room(tmp_path, statvfs(free, files))] == levels


def test_a_folder_of_secrets_that_is_open_to_everybody_fails(place: Place) -> None:
    """A group's way in is told."""
    (place.folder / "credentials").chmod(0o755)
    (place.folder / "sender").chmod(0o770)
    assert [(level, "credentials is open" in what) for level, what in place.wrong("disk")] == [(FAILING, True)]
    assert [one.level for one in place.look("disk")][-1] is Level.NOTE


def test_shared_media_that_are_not_mounted_fail(place: Place) -> None:
    """What has a picture would be held."""
    place.say(f'media = "{place.folder.parent / "elsewhere"}"')
    assert [level for level, _ in place.wrong("media")] == [FAILING]
    (place.folder.parent / "elsewhere").mkdir()
    assert place.wrong("media") == []


def test_an_account_for_hand_off_needs_a_device(place: Place) -> None:
    """Its packets could be opened nowhere."""
    place.office.account("tiktok")
    assert place.wrong("media") == [(WARNING, "no device is registered for tiktok-1")]
    from dispatcher.service import accounts

    accounts.register(place.office.desk, "phone-1", "tiktok-1", "ops-1")
    assert place.wrong("media") == []


SOUND = (
    '[console]\nlisten = "127.0.0.1:8080"\naddress = "https://console.example.org"\nissuer = "https://id.example.org"\n'
    'client_id = "dispatcher"\nclient_secret_file = "secret"\n[console.groups]\n"duty" = "ops"\n'
)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"https://id.', '"http://id.', "console.issuer is http://id.example.org"),
        ('"https://console.', '"http://console.', "console.address is http://console.example.org"),
        ('"ops"', '"chief"', "console.groups names no role: chief"),
        ('client_id = "dispatcher"', "", "console.client_id is missing"),
        ('"duty" = "ops"', "", "console.groups is empty"),
    ],
)
def test_a_console_that_people_cannot_trust_fails(place: Place, old: str, new: str, said: str) -> None:
    """And a sound one does not."""
    (place.folder / "secret").touch(mode=0o600)
    file = place.folder / "deployment.toml"
    before = file.read_text()
    file.write_text(f"{before}\n{SOUND}")
    assert place.wrong("console") == []
    file.write_text(f"{before}\n{SOUND.replace(old, new)}")
    assert place.wrong("console") == [(FAILING, said)]


@pytest.mark.parametrize("mend", [lambda file: file.unlink(), lambda file: file.chmod(0o644)])
def test_the_clients_secret_is_there_and_private(place: Place, mend: Callable[[Path], None]) -> None:
    """Whoever has it passes for the console."""
    (place.folder / "secret").touch(mode=0o600)
    place.add(f"\n{SOUND}")
    mend(place.folder / "secret")
    assert [level for level, _ in place.wrong("console")] == [FAILING]


def test_a_console_or_exporter_that_others_reach_is_said(place: Place) -> None:
    """The console without TLS fails, the exporter is a warning."""
    place.say('metrics = "0.0.0.0:9100"')
    place.add('\n[console]\nlisten = "0.0.0.0:80"\n')
    assert [level for level, _ in place.wrong("console")] == [FAILING, WARNING]


def test_an_area_file_that_cannot_be_used_is_a_warning(place: Place) -> None:
    """Before a place of it is named in an emergency: what cannot be read, and what crosses itself."""
    folder = place.folder / "areas"
    (folder / "a.geojson").write_text("{")
    crossed = [[-4, 52], [-3, 53], [-3, 52], [-4, 53], [-4, 52]]
    (folder / "b.geojson").write_bytes(collection(feature(ring=crossed, name="Quay"), feature(name="Pier")))
    (_, unread), (_, crosses) = place.wrong("areas")
    assert "a.geojson: not JSON" in unread
    assert "b.geojson: Quay: polygon 1: the polygon crosses or touches itself" in crosses

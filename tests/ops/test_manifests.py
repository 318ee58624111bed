"""What the units and the manifest deny, read from them; and how exposed systemd finds the units."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dispatcher.cli.commands import SUMMARIES
from dispatcher.embedded.procfile import find_procfile
from tests.servers import program

DEPLOY = Path(__file__).parents[2] / "ops" / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
OTHER_UNITS = sorted([*(DEPLOY / "systemd").glob("*.timer"), *(DEPLOY / "systemd").glob("*.target")])
LOCKED, OTHERS = 0.5, 1.5
"""The most exposure there may be (reference: reliability 7, promise 17)."""


def unit(name: str) -> str:
    """A unit without its comments."""
    text = (DEPLOY / "systemd" / f"dispatcher-{name}@.service").read_text()
    return "\n".join(line for line in text.splitlines() if not line.startswith("#"))


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.stem)
def test_a_unit_is_hardly_exposed(file: Path) -> None:
    """0.5 of 10 for the locked sender, 1.5 for the others, by systemd's own count without running it."""
    most = LOCKED if "tiktok-sender" in file.stem else OTHERS
    command = [
        program("systemd-analyze"),
        "security",
        "--offline=yes",
        "--no-pager",
        f"--threshold={most * 10:.0f}",
        file,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_every_unit_starts_a_role_there_is() -> None:
    """By the words of the Procfile."""
    roles = set(re.findall(r"dispatcher worker ([a-z-]+)", find_procfile(Path("nowhere")).read_text()))
    started = {found for file in UNITS for found in re.findall(r" worker ([a-z-]+|%i)", file.read_text())}
    assert started - {"%i"} <= roles
    assert started >= {"tiktok-sender", "egress", "console", "exporter", "%i"}


@pytest.mark.parametrize("file", [*UNITS, *OTHER_UNITS], ids=lambda file: file.name)
def test_systemd_reads_every_unit(file: Path) -> None:
    """No unknown setting, no unit that is not there; that the programs are not on this machine is no fault."""
    done = subprocess.run(
        [program("systemd-analyze"), "verify", "--man=no", "--recursive-errors=no", file],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    told = [line for line in done.stderr.splitlines() if "dispatcher" in line and "is not executable" not in line]
    assert told == []


def test_every_service_that_stays_is_watched_and_part_of_the_target() -> None:
    """systemd hears from the role's own loop, and kills what falls silent; what runs once is no such service."""
    for file in UNITS:
        lines = file.read_text().splitlines()
        stays = "Type=oneshot" not in lines
        assert ("Type=notify" in lines, "NotifyAccess=main" in lines, "WatchdogSec=60" in lines) == (stays,) * 3
        assert stays == ("Restart=always" in lines), file.name
        if stays:
            assert "PartOf=dispatcher.target" in lines
            assert "WantedBy=dispatcher.target" in lines


def test_every_timer_starts_a_unit_and_catches_up() -> None:
    """A host that slept backs up when it wakes."""
    for file in (one for one in OTHER_UNITS if one.suffix == ".timer"):
        assert file.with_suffix(".service").exists()
        assert "Persistent=yes" in file.read_text()


def test_every_unit_s_user_is_made() -> None:
    """By sysusers; and nobody runs as root."""
    made = set(re.findall(r"^u (\S+)", (DEPLOY / "systemd" / "dispatcher.sysusers").read_text(), re.MULTILINE))
    for file in UNITS:
        (user,) = re.findall(r"^User=(\S+)", file.read_text(), re.MULTILINE)
        assert user in made or user == "dispatcher-%i", file.name


def test_units_type_commands_that_there_are() -> None:
    """Every verb after the program stands in the table of commands; the check of the day is one of them."""
    typed = {
        found
        for file in UNITS
        for found in re.findall(r"bin/dispatcher --deployment \S+ ([a-z-]+)", file.read_text())
    }
    assert typed <= SUMMARIES.keys()
    assert {"worker", "migrate", "backup", "restore", "doctor"} <= typed


def test_a_lanes_key_is_no_file_that_others_read() -> None:
    """It comes as a credential, encrypted at rest, under the name that its role looks for."""
    for role in ("accounts", "recipients"):
        text = (DEPLOY / "systemd" / f"dispatcher-worker@{role}.service.d" / "key.conf").read_text()
        assert f"LoadCredentialEncrypted=role-live-{role}:" in text


def test_the_senders_unit_has_no_network_and_no_foreign_file() -> None:
    """An empty network, unix sockets, and of the deployment its own places only."""
    text = unit("tiktok-sender")
    lines = {"PrivateNetwork=yes", "RestrictAddressFamilies=AF_UNIX", "PrivateUsers=yes", "ProtectProc=invisible"}
    assert lines | {"TemporaryFileSystem=/var/lib/dispatcher:ro"} <= set(text.splitlines())
    assert "BindPaths=-/var/lib/dispatcher/credentials/%i/tiktok-sender/secrets" in text, "what it renews"
    places = re.findall(r"^Bind(?:ReadOnly)?Paths=(?:[^:\n]*:)?/var/lib/dispatcher/(\S+)$", text, re.MULTILINE)
    assert places == [
        "deployment.toml",
        "trust",
        "credentials/%i/tiktok-sender",
        "run/egress",
        "sender/%i/tiktok-sender",
        "run/tiktok-sender",
    ]


def test_the_proxys_unit_has_no_secret() -> None:
    """No credential, no trust, and nothing of the machine's own networks but the resolver."""
    text = unit("egress")
    assert not re.search(r"LoadCredential|credentials/|/trust|sender/%i", text)
    assert "IPAddressDeny=localhost link-local multicast 10.0.0.0/8" in text


@pytest.fixture
def manifest() -> list[Any]:
    """The documents of the manifest."""
    yaml = pytest.importorskip("yaml")
    return list(yaml.safe_load_all((DEPLOY / "kubernetes" / "tiktok.yaml").read_text()))


def container(manifest: list[Any], name: str) -> dict[str, Any]:
    """A container of the pod."""
    containers = manifest[0]["spec"]["template"]["spec"]["containers"]
    found: dict[str, Any] = next(one for one in containers if one["name"] == name)
    return found


@pytest.mark.parametrize("name", ["lane", "tiktok-sender", "egress"])
def test_no_container_has_rights_or_a_writable_image(manifest: list[Any], name: str) -> None:
    """Nor is one root, nor has it the cluster's token."""
    closed = container(manifest, name)["securityContext"]
    assert (closed["allowPrivilegeEscalation"], closed["readOnlyRootFilesystem"]) == (False, True)
    assert closed["capabilities"] == {"drop": ["ALL"]}
    pod = manifest[0]["spec"]["template"]["spec"]
    assert (pod["automountServiceAccountToken"], pod["securityContext"]["runAsNonRoot"]) == (False, True)
    assert not any(pod[name] for name in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"))


def test_the_senders_container_has_unix_sockets_and_its_own_files(manifest: list[Any]) -> None:
    """The filter of calls, and no volume of the lane's."""
    sender = container(manifest, "tiktok-sender")
    assert sender["securityContext"]["seccompProfile"]["localhostProfile"] == "dispatcher/sender-seccomp.json"
    mounted = {volume["name"] for volume in sender["volumeMounts"]}
    assert mounted == {"sender-settings", "trust", "credentials", "identity", "record", "run"}
    written = {
        volume["mountPath"].rpartition("/")[2] for volume in sender["volumeMounts"] if not volume.get("readOnly")
    }
    assert written == {"secrets", "tiktok-sender", "run"}, "what it renews, its record, its socket"


def test_the_proxys_container_has_no_secret(manifest: list[Any]) -> None:
    """Its settings and the sockets."""
    mounted = {volume["name"] for volume in container(manifest, "egress")["volumeMounts"]}
    assert mounted == {"sender-settings", "run"}


def test_the_policy_lets_nobody_in_and_little_out(manifest: list[Any]) -> None:
    """No private range, no metadata service, port 443 only for what is public."""
    policy = manifest[1]["spec"]
    assert (policy["policyTypes"], policy["ingress"]) == (["Ingress", "Egress"], [])
    public = policy["egress"][-1]
    assert public["ports"] == [{"protocol": "TCP", "port": 443}]
    left_out = {block for one in public["to"] for block in one["ipBlock"]["except"]}
    assert {"10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= left_out

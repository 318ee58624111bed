"""The image and the Compose file: by tools of their own, and by the rules that those do not know."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.servers import missing

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "ops" / "deploy"
TEXT = (DEPLOY / "Containerfile").read_text()
INSTRUCTIONS = [
    re.sub(r"\s+", " ", found)
    for found in re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
    if found.strip()
]
PACKAGES = ("dispatcher", "channels", "workers", "migrations", "ops")
OTHERS = ("deploy", "grafana", "prometheus", "runbooks")
"""Folders of files that other programs read, and none of ours."""


def tool(name: str) -> str:
    """A development tool beside this Python or on PATH, or a loud skip."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name) or missing(name, "make setup")


def of(word: str) -> list[str]:
    """The arguments of every instruction of a kind."""
    return [line.split(" ", 1)[1] for line in INSTRUCTIONS if line.split(" ", 1)[0] == word]


def test_hadolint_finds_nothing() -> None:
    """The linter of container files, with its default rules."""
    done = subprocess.run([tool("hadolint"), DEPLOY / "Containerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


def test_the_image_is_nobody_s_and_says_what_it_is() -> None:
    """A fixed user that is not root, exec forms, labels, no probe of its own."""
    assert of("USER") == ["10001:10001"]
    assert json.loads(of("ENTRYPOINT")[0]) == ["/opt/dispatcher/bin/dispatcher"]
    assert json.loads(of("CMD")[0]) == ["--help"]
    assert of("HEALTHCHECK") == ["NONE"]
    assert of("ADD") == []
    labels = set(re.findall(r"org\.opencontainers\.image\.([a-z]+)=", TEXT))
    assert labels == {"title", "description", "version", "revision"}


def test_the_base_is_a_plain_name_that_a_digest_can_pin() -> None:
    """No registry's host; the same for both stages."""
    assert "PYTHON_IMAGE=python:3.11-slim" in of("ARG")
    assert "PYTHON_DIGEST=" in of("ARG")
    assert of("FROM") == ["${PYTHON_IMAGE}${PYTHON_DIGEST} AS build", "${PYTHON_IMAGE}${PYTHON_DIGEST}"]


def test_nothing_comes_in_but_by_hash_and_nothing_is_compiled() -> None:
    """The lock's wheels, then our own package with no index at all."""
    installs = [line for line in of("RUN") if "pip install" in line]
    assert len(installs) == 2
    assert all(word in installs[0] for word in ("--require-hashes", "--only-binary :all:", "-r requirements.txt"))
    assert all(word in installs[1] for word in ("--no-deps", "--no-index", "--no-build-isolation"))
    assert not re.search(r"\b(gcc|g\+\+|build-essential|make|curl|wget|git)\b", " ".join(of("RUN")))


def test_what_is_copied_is_there_and_let_in() -> None:
    """Each source exists, and .containerignore, which keeps everything else out, names it."""
    let_in = {line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")}
    assert (ROOT / ".containerignore").read_text().splitlines()[1] == "*"
    copied = {source for line in of("COPY") if not line.startswith("--from") for source in line.split(" ")[:-1]}
    assert copied == let_in == {"requirements.txt", "pyproject.toml", "README.md", *PACKAGES}
    assert all((ROOT / name).exists() for name in copied)


def test_the_package_that_the_image_installs_is_whole(tmp_path: Path) -> None:
    """Built from those files alone, as in the image; every template and migration that the code reads is in it."""
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    words = ("wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", tmp_path / "made")
    command = [sys.executable, "-m", "pip", *words, "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "made").glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and not {"__pycache__", *OTHERS}.intersection(path.parts)
    }
    read = {name for name in wanted if Path(name).suffix not in {".md", ".survivors"}}
    assert sorted(read - held - {"ops/mutants/survivors.toml"}) == []


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The Compose file, with what its services share put in."""
    yaml = pytest.importorskip("yaml")
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return read


def test_compose_is_what_the_specification_says() -> None:
    """By the specification's own schema, as check-jsonschema carries it."""
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is missing: make setup")
    words = ["--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml"]
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_no_container_has_rights_or_a_writable_image(compose: dict[str, Any]) -> None:
    """Each has limits, is started again, and says how it is."""
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert {"mem_limit", "cpus", "pids_limit", "logging", "healthcheck"} <= service.keys(), name
        assert service["restart"] == ("no" if name == "migrate" else "unless-stopped"), name
        assert "privileged" not in service
        if name != "postgres":
            assert not service["user"].startswith("0"), name
            assert "cap_add" not in service, name


def test_the_sender_has_no_network_and_the_proxy_no_secret(compose: dict[str, Any]) -> None:
    """They share one folder, of sockets; the databases are reached from inside alone."""
    sender, egress = compose["services"]["tiktok-sender"], compose["services"]["egress"]
    assert (sender["network_mode"], "networks" in sender) == ("none", False)
    shared = {mount["source"] for mount in sender["volumes"]} & {mount["source"] for mount in egress["volumes"]}
    assert shared == {"egress-run"}
    assert [secret["source"] for secret in egress["secrets"]] == ["sender.toml"]
    assert compose["networks"]["inside"]["internal"] is True
    for name in ("postgres", "redis", "migrate"):
        assert compose["services"][name]["networks"] == ["inside"]
        assert "ports" not in compose["services"][name]


def test_what_listens_listens_on_this_host_alone(compose: dict[str, Any]) -> None:
    """The console and the exporter, and nobody else."""
    ports = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert set(ports) == {"console", "exporter"}
    assert all(port.startswith("127.0.0.1:") for found in ports.values() for port in found)


def test_every_role_waits_for_what_it_needs(compose: dict[str, Any]) -> None:
    """The database, Redis and the schema; the sender for its way out."""
    for name in ("relay", "accounts", "recipients", "tiktok", "console", "exporter"):
        waits = {other: how["condition"] for other, how in compose["services"][name]["depends_on"].items()}
        assert waits == {
            "postgres": "service_healthy",
            "redis": "service_healthy",
            "migrate": "service_completed_successfully",
        }, name
    assert set(compose["services"]["tiktok-sender"]["depends_on"]) == {"egress"}


def test_secrets_are_files_that_somebody_needs(compose: dict[str, Any]) -> None:
    """None stands in the environment, all are declared, and each role opens its own accounts only."""
    used: dict[str, set[str]] = {}
    for name, service in compose["services"].items():
        given = {one if isinstance(one, str) else one["source"] for one in service.get("secrets", ())}
        used[name] = given
        assert not [key for key in service.get("environment", {}) if re.search("PASSWORD$|SECRET|KEY", key)], name
    assert set().union(*used.values()) == set(compose["secrets"])
    identities = {name: {one for one in given if one.startswith("role-")} for name, given in used.items()}
    held = {name: found for name, found in identities.items() if found}
    assert held == {name: {f"role-live-{name}"} for name in ("accounts", "recipients", "tiktok-sender")}


def test_redis_keeps_what_its_settings_promise(compose: dict[str, Any]) -> None:
    """The same as ops/deploy/redis/redis.conf, without TLS inside one host's own network."""
    words = compose["services"]["redis"]["command"]
    assert words[words.index("--appendonly") + 1] == "yes"
    assert words[words.index("--maxmemory-policy") + 1] == "noeviction"


def test_the_probe_tells_a_role_that_runs_from_one_that_hangs(compose: dict[str, Any], tmp_path: Path) -> None:
    """The very command, on a file that was touched now, two minutes ago, and never."""
    kind, command = compose["services"]["relay"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    alive = tmp_path / "alive"
    words = ["/bin/sh", "-c", command.replace("$$", "$").replace("/tmp/alive", str(alive))]
    answers = [subprocess.run(words, capture_output=True, check=False).returncode]
    alive.touch()
    answers.append(subprocess.run(words, capture_output=True, check=False).returncode)
    then = alive.stat().st_mtime - 120
    os.utime(alive, (then, then))
    answers.append(subprocess.run(words, capture_output=True, check=False).returncode)
    assert answers == [1, 0, 1]

"""``python -m ops.deploy.confined tiktok-sender``: one machine's launcher of a confined sender, by bubblewrap.

What the role does not have (reference: reliability 4)
  - a network: it has one of its own with loopback in it, and no internet sockets (``ops.deploy.syscalls``)
  - other processes: it sees its own only
  - files: programs, read only; of the deployment its settings, the trust files, its own credentials and identity, all
    read only, and its own record and renewed secrets. No database, no Redis, no other role's anything, no home
  - rights: no capability, no new privilege, no environment but a few names

What it has besides: the folder of its own socket, and the folder of the egress proxy's. SIGTERM and SIGINT are passed
on, so that it drains; it dies with its launcher.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import channels
import dispatcher
import workers
from dispatcher.domain.statement import Mode
from dispatcher.sender_bootstrap import CONFINED, egress_socket
from dispatcher.settings import Settings, find_deployment, load_settings
from ops.deploy.syscalls import filter_program
from workers.tiktok_sender import socket_path

_SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/etc/ssl", "/etc/ca-certificates", "/etc/ld.so.cache")
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR")


def main() -> int:
    """Start the role, and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.deploy.confined", description="Run a sender shut in.")
    parser.add_argument("role", choices=sorted(CONFINED))
    parser.add_argument("--deployment", help="else $DISPATCHER_DEPLOYMENT, else ./deployment")
    parser.add_argument("--mode", type=Mode, default=os.environ.get("DISPATCHER_MODE"), choices=list(Mode))
    given = parser.parse_args()
    if given.mode is None:
        parser.error("give --mode, or set DISPATCHER_MODE")
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        parser.error("there is no bwrap: install bubblewrap (Debian: apt-get install bubblewrap)")
    settings = load_settings(find_deployment(given.deployment))
    return run([bwrap, *sandbox(settings, Mode(given.mode), given.role), *_command(settings, given.mode, given.role)])


def run(command: list[str]) -> int:
    """Run a sandbox to its end, passing signals on to what runs in it."""
    told, telling = os.pipe()
    filtered = os.memfd_create("filter")
    os.write(filtered, filter_program())
    os.lseek(filtered, 0, os.SEEK_SET)
    extra = ["--info-fd", str(telling), "--seccomp", str(filtered)]
    whole = [command[0], *extra, *command[1:]]
    started = subprocess.Popen(whole, pass_fds=(telling, filtered), start_new_session=True)  # noqa: S603 - our own words
    os.close(telling)
    with os.fdopen(told) as info:
        said = info.read()
    if said:
        inside = json.loads(said)["child-pid"]
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: os.kill(inside, number))
    return started.wait()


def sandbox(settings: Settings, mode: Mode, role: str) -> list[str]:
    """bubblewrap's arguments: what there is inside. Makes the folders that the role has a share in."""
    isolated = ["--unshare-all", "--die-with-parent", "--as-pid-1", "--cap-drop", "ALL", "--clearenv"]
    return [*isolated, *_environment(settings, mode), *_programs(), *_deployment(settings, mode, role)]


def _environment(settings: Settings, mode: Mode) -> Iterator[str]:
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    own = {"HOME": "/nowhere", "DISPATCHER_DEPLOYMENT": str(settings.root), "DISPATCHER_MODE": str(mode)}
    for name, value in {**kept, **own, "PYTHONUNBUFFERED": "1"}.items():
        yield from ("--setenv", name, value)


def _programs() -> Iterator[str]:
    """The system's libraries, and all that this Python is made of."""
    yield from ("--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev", "--tmpfs", "/tmp")  # noqa: S108 - the sandbox's own
    own = (place for package in (channels, dispatcher, workers) for place in package.__path__)  # also of a checkout
    ours = {sys.prefix, sys.base_prefix, *(path for path in sys.path if path), *own}
    for place in (*_SYSTEM, *sorted(ours)):
        yield from ("--ro-bind-try", place, place)


def _deployment(settings: Settings, mode: Mode, role: str) -> Iterator[str]:
    """Nothing of the deployment, and then what is the role's own."""
    vault, provided = settings.vault(mode, role), os.environ.get("CREDENTIALS_DIRECTORY")
    identity = Path(provided, vault.identity_file.name) if provided else vault.identity_file
    yield from ("--tmpfs", str(settings.root))
    for place in (
        settings.path("deployment.toml"),
        settings.path("trust"),
        settings.path(settings.media),
        vault.folder,
    ):
        yield from ("--ro-bind-try", str(place), str(place))
    vault.renewed_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    yield from ("--bind", str(vault.renewed_folder), str(vault.renewed_folder))
    yield from ("--ro-bind-try", str(identity), str(vault.identity_file))
    yield from _shared(settings.path("sender", str(mode), role), "--bind")
    yield from _shared(socket_path(settings, mode).parent, "--bind")
    yield from _shared(egress_socket(settings, mode).parent, "--ro-bind")


def _shared(folder: Path, how: str) -> Iterator[str]:
    """A folder that another role uses too. The one above it is closed to others, inside as outside."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    yield from ("--perms", "0700", "--dir", str(folder.parent), how, str(folder), str(folder))


def _command(settings: Settings, mode: Mode, role: str) -> list[str]:
    program = Path(sys.executable).with_name("dispatcher")
    return [str(program), "--deployment", str(settings.root), "worker", role, "--mode", str(mode)]


if __name__ == "__main__":
    sys.exit(main())

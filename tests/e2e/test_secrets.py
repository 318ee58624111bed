"""Planted secrets: tokens, keys, passwords and numbers are nowhere in what a deployment writes or says.

An exercise is played with every secret planted, while platforms give back all that a request's headers held, drop
connections and time out. Then everything that was written or said is searched, in the forms that secrets take on
their way: as they are, in base64 at each of its three alignments, in hex, and escaped for an address.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.e2e.conftest import CAST
from tests.e2e.deployment import BOTH, CHANNELS, LIST_SIZE, Deployment, profile

pytestmark = pytest.mark.system

TAILS = 2
"""Characters of base64 that depend on what stands before or behind."""

GIVEN = ("cmdline", "environ")

WHERE = ("logs", "the ledger", "sql", "redis", "the command line", "public files", "processes")


@dataclass(frozen=True, slots=True)
class Said:
    """What was planted, by name, and all bytes that a deployment wrote or said, by place."""

    planted: dict[str, str]
    places: dict[str, bytes]


@pytest.fixture(scope="module")
def said(cast: Deployment) -> Said:
    """An exercise of every role with all that can go wrong on a platform, and everything that it left behind."""
    planted = {f"number {index}": f"7700900{300 + index:03d}" for index in range(0, LIST_SIZE, 6)}
    for channel, name in CAST:
        _, held = profile(cast, channel, name)
        planted |= {f"{channel} {key}": value.reveal() for key, value in held.items() if key != "identifier"}
    planted["device secret"] = cast.devices["tiktok-city"].reveal()
    with cast.up(whole=True):
        answers = play(cast, planted)
        places = {"the command line": answers, **written(cast)}
    return Said(planted, places)


def play(site: Deployment, planted: dict[str, str]) -> bytes:
    """Send one plan through every fault; returns what the command line says of it all."""
    for provider in ("x", "bluesky", "webhook", "notify"):
        for kind in ("echo", "act_then_drop", "drop_without_acting", "token_expired"):
            site.fault(provider=provider, kind=kind, times=1 if provider != "notify" else 3)
    plan = site.cleared(*(name for _, name in CAST), languages=BOTH)
    site.release(plan)
    states = site.ended(plan)
    assert sum(states.values()) == len(CAST) - 1 + LIST_SIZE
    (task,) = [row.id for row in site.rows(plan) if row.account == "tiktok-city"]
    opened = site.told("handoff", "open", task, person="operator-1")
    planted["release code"] = opened["code"]
    shown = next(row.id for row in site.rows(plan) if row.account == "sms-city")
    commands = (
        ("account", "list"),
        ("delivery", "show", shown),
        ("ledger", "tail", "-n", "1000"),
        ("log", "-n", "1000"),
        ("review", plan.incident, "--markdown"),
    )
    answers = [site.run(*words, person="reviewer-1") for words in commands]
    assert [answer.returncode for answer in answers] == [0] * len(commands), [answer.stderr for answer in answers]
    return "\n".join(answer.stdout + answer.stderr for answer in answers).encode()


def written(site: Deployment) -> dict[str, bytes]:
    """Every file and every table of a deployment but its keys and sealed credentials, by place."""
    with site.desk.store.read() as work:
        raw = work.connection.exec_driver_sql
        tables = raw("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
        rows = {table: [tuple(row) for row in raw(f'SELECT * FROM "{table}"')] for table in tables}
    return {
        "logs": files(site.folder / "logs") + files(site.folder / "run"),
        "the ledger": repr(rows["ledger"]).encode(),
        "sql": repr(rows).encode() + files(site.folder / "data"),
        "redis": files(site.folder / "redis"),
        "processes": given(site),
        "public files": files(site.folder / "feed") + files(site.folder / "hand-off") + files(site.folder / "sender"),
    }


def given(site: Deployment) -> bytes:
    """The words and the environment with which each role was started, as the kernel shows them."""
    state = site.report()
    assert state is not None
    return b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for pid in state.roles.values() for name in GIVEN)


def files(folder: Path) -> bytes:
    """The contents of every file below a folder."""
    return b"\n".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def forms(secret: str) -> dict[str, bytes]:
    """A secret in every form that it is searched for."""
    raw = secret.encode()
    bare = secret.replace("-", "").encode()
    found = {"plain": raw, "bare": bare, "hex": raw.hex().encode(), "escaped": quote(secret, safe="").encode()}
    for shift in range(3):
        found[f"base64, {shift}"] = b64encode(bytes(shift) + raw).rstrip(b"=")[TAILS * 2 : -TAILS]
    return found


@pytest.mark.parametrize("where", WHERE)
def test_no_planted_secret_is_in(said: Said, where: str) -> None:
    """Neither an account's nor the list's nor the device's, in any form."""
    held, found = said.places[where], []
    for name, secret in said.planted.items():
        found += [f"{name} ({form})" for form, data in forms(secret).items() if data in held]
    assert found == []


def test_the_search_finds_what_is_there(said: Said) -> None:
    """The control: what is public of the same accounts is found in logs, ledger, SQL and on the command line."""
    for where in ("logs", "the ledger", "sql", "the command line"):
        assert b"webhook-council" in said.places[where]
    assert b"tiktok-sender" in said.places["processes"]


@pytest.mark.parametrize("form", list(forms("x" * 12)))
def test_the_search_knows_a_secret_in_each_of_its_forms(form: str) -> None:
    """The control: a line that held the secret so would be found."""
    secret = "sim-4501/+key"
    wrapped = {
        "plain": f"Bearer {secret}.",
        "bare": f"typed {secret.replace('-', '')}!",
        "hex": f"0x{secret.encode().hex()}00",
        "escaped": f"?key={quote(secret, safe='')}&",
    }
    line = wrapped.get(form) or b64encode(b"u" * int(form[-1]) + secret.encode() + b"tail").decode()
    assert forms(secret)[form] in json.dumps(line).encode()


def test_what_platforms_gave_back_was_really_given_back(exercise: Deployment, said: Said) -> None:
    """The control: each platform answered once with the very headers that held the secret."""
    suffered = {(request["provider"], request["fault"]) for request in exercise.journal()["requests"]}
    assert {(channel, "echo") for channel in CHANNELS if channel not in ("cap_feed", "tiktok")} <= suffered

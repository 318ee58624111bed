"""Making a deployment: folders, keys, trust files and an empty database, whole or not at all.

Rules
  1. It is built beside its place and moved there at the end: a full disk leaves nothing half made.
  2. The people are the example department's, named by their roles. Their keys lie in ``keys/exercise``, unencrypted:
     good for exercises and tests, worthless as proof of who signed.
  3. The roster serves both modes, so these keys could sign for a live message too. Until two real policy owners have
     installed a roster of real people, a production deployment must get no live account: the warning says so.
  4. Only a test deployment has the console on its roster, with its key in ``keys/console``; elsewhere the owners
     add it.
  5. Only a deployment of kind test may have shorter waits than the reference's.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy.exc import OperationalError

from dispatcher.domain.errors import Forbidden, Invalid, Unavailable
from dispatcher.domain.ids import RandomBytes, is_name, new_id
from dispatcher.domain.people import DeploymentKind, Key, Owner, Person, PublicKey, Role, RoleHeld, Roster, TrustRoot
from dispatcher.domain.statement import Mode
from dispatcher.gate.policy import Policies
from dispatcher.gate.policy_file import load
from dispatcher.sending.credentials import write_private
from dispatcher.service.accounts import SENT_BY
from dispatcher.service.standing import note_trust
from dispatcher.settings import CHUNK, Settings, load_settings
from dispatcher.statements.keys import ed25519_line, parse_public_line
from dispatcher.statements.owned import owner_statement
from dispatcher.statements.roster import roster_toml
from dispatcher.statements.signing import KeyFileSigner, sign
from dispatcher.statements.toml import parse_toml
from dispatcher.statements.trust import Trust, load_trust, policy_digest, write_envelopes
from dispatcher.store import migrate
from dispatcher.store.database import Store, open_engine

FOLDERS = (
    *("trust", "keys", "keys/exercise", "credentials", "credentials/live", "credentials/exercise", "sender"),
    *("data", "redis", "run", "logs", "feed", "hand-off", "areas"),
)
QUICK_CHANNELS = (
    *("x", "bluesky", "notify", "webhook", "cap_feed", "tiktok", "public_page"),
    *("mastodon", "facebook", "instagram", "threads", "youtube", "notify_email", "press_email"),
)
"""The channels whose calls would take longer than half a quick lease: a role with one of those does not start."""

DATABASE = "sqlite:///data/dispatcher.db"
CONSOLE = "console"
"""The console's id on the roster of a test deployment, and its key's name under ``keys``."""

OWNERS_NEEDED = 2
"""Of the example department's three policy owners, so that one of them can lose a key."""

WARNING = (
    "The roster holds example people whose keys lie unencrypted in keys/exercise. "
    "Before any live account is added, two policy owners must sign a roster of real people."
)

Figures = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What to make. ``timing`` and ``channels`` are figures by name (see settings), in test deployments only."""

    deployment: str
    kind: DeploymentKind
    sent_by: str = ""
    simulator: str = ""
    database: str = ""
    redis: str = "embedded"
    chunk: int = CHUNK
    timing: Figures = field(default_factory=dict)
    channels: Mapping[str, Figures] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Made:
    """A deployment as it stands. ``root_digest`` names its trust root: read it aloud wherever it is installed."""

    folder: Path
    deployment: str
    kind: DeploymentKind
    root_digest: str
    people: tuple[str, ...]
    warnings: tuple[str, ...]


def quick(blueprint: Blueprint) -> Blueprint:
    """The same with the short waits that an exercise on one machine wants; those it names itself stay."""
    known = tomllib.loads(_resource(__package__, "quick.toml"))
    channels = dict.fromkeys(QUICK_CHANNELS, known["channel"])
    return replace(
        blueprint,
        chunk=known["chunk"],
        timing={**known["timing"], **blueprint.timing},
        channels={**channels, **blueprint.channels},
    )


def init(folder: Path, blueprint: Blueprint, now: datetime, random_bytes: RandomBytes) -> Made:
    """Make a deployment. Raises Invalid for a folder in use or a name that is none, Forbidden, Unavailable."""
    _check(blueprint)
    with beside(folder) as building:
        for name in FOLDERS:
            (building / name).mkdir(mode=0o700)
        (building / "deployment.toml").write_text(deployment_toml(blueprint))
        settings = load_settings(building)
        _write_trust(building, blueprint, now, random_bytes)
        trust = load_trust(building / "trust", load, floor=building / "data" / "floor.json", now=now)
        for mode in Mode:
            for role in SENT_BY.values():
                settings.vault(mode, role).create()
        _migrate(settings)
        _record(settings, trust, now, random_bytes)
    people = tuple(person.id for person in trust.roster.people if person.id != CONSOLE)
    warnings = (WARNING,) if blueprint.kind is DeploymentKind.PRODUCTION else ()
    return Made(folder, blueprint.deployment, blueprint.kind, trust.root.digest, people, warnings)


def _check(blueprint: Blueprint) -> None:
    if not is_name(blueprint.deployment):
        raise Invalid(
            f"{blueprint.deployment!r} cannot name a deployment",
            "use lower case letters, digits, dot, dash, underscore; 63 at most",
        )
    if blueprint.kind is DeploymentKind.PRODUCTION and (blueprint.timing or blueprint.channels):
        raise Forbidden("a production deployment keeps the reference's waits", "shorten them in a test deployment")


@contextmanager
def beside(folder: Path) -> Iterator[Path]:
    """A private folder to build in, moved to its place at the end and removed after a failure.

    Raises Invalid for a folder in use, Unavailable.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Invalid(f"{folder} is in use: nothing was touched", "name a folder that is empty or not there yet")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    except OSError as error:
        raise Unavailable(f"{folder} cannot be made: {error.strerror}", "choose another place") from error
    try:
        yield building
        building.replace(folder)
    except OSError as error:
        raise Unavailable(f"{folder} cannot be made: {error.strerror}", "free some room and try again") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _write_trust(folder: Path, blueprint: Blueprint, now: datetime, random_bytes: RandomBytes) -> None:
    trust, keys = folder / "trust", folder / "keys" / "exercise"
    cast = tomllib.loads(_resource(__package__, "example_people.toml"))
    people = tuple(_person(name, known, _make_key(keys / name, random_bytes), now) for name, known in cast.items())
    if blueprint.kind is DeploymentKind.TEST:
        people += services(folder, now, random_bytes)
    roster = Roster(1, blueprint.deployment, people)
    owners = tuple(Owner(p.id, (PublicKey(p.keys[0].public),)) for p in roster.holders(Role.POLICY_OWNER, now))
    status = _make_key(folder / "keys" / "status", random_bytes)
    root = TrustRoot(1, blueprint.deployment, blueprint.kind, owners, OWNERS_NEEDED, status)
    policy = _resource("dispatcher.gate", "example_policy.toml")
    digest = policy_digest(parse_toml(policy, "policy.toml"))
    (trust / "root.json").write_bytes(root.encoded())
    (trust / "roster.toml").write_text(roster_toml(roster))
    (trust / "policy.toml").write_text(policy)
    said = (owner_statement(o.person, root, roster, digest, now, random_bytes(16).hex()) for o in owners)
    envelopes = [sign(statement, KeyFileSigner(keys / statement.person)) for statement in said]
    for name in ("roster", "policy"):
        (trust / f"{name}.sigs.json").write_bytes(write_envelopes(envelopes))


def services(folder: Path, now: datetime, random_bytes: RandomBytes) -> tuple[Person, ...]:
    """What signs without being a person: the console, with its key. Older versions read no roster that has it."""
    return (_person(CONSOLE, {"role": "console"}, _make_key(folder / "keys" / CONSOLE, random_bytes), now),)


def _resource(package: str, name: str) -> str:
    return resources.files(package).joinpath(name).read_text("utf-8")


def _make_key(path: Path, random_bytes: RandomBytes) -> PublicKey:
    """Write an OpenSSH key pair, readable by its owner only; returns the public half."""
    private = Ed25519PrivateKey.from_private_bytes(random_bytes(32))
    write_private(path, private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    public = parse_public_line(ed25519_line(private.public_key().public_bytes_raw()))
    path.with_name(f"{path.name}.pub").write_text(f"{public.public} {path.name}\n")
    return public


def _person(name: str, known: Mapping[str, Any], key: PublicKey, now: datetime) -> Person:
    role, languages = Role(known["role"]), tuple(known.get("languages", ()))
    held = (RoleHeld(role, now, deputy_for=known.get("deputy_for")),)
    on_call = (RoleHeld(role, now),) if known.get("on_call") else ()
    words = name.replace("-", " ").capitalize()
    return Person(name, words, held, (Key(key.public, now),), languages=languages, on_call=on_call)


def _migrate(settings: Settings) -> None:
    engine = open_engine(settings.database)
    try:
        migrate.upgrade(engine)
    except OperationalError as error:
        raise Unavailable(f"the database cannot be reached: {error.orig}", "start it, or mend its address") from error
    finally:
        engine.dispose()


def _record(settings: Settings, trust: Trust[Policies], now: datetime, random_bytes: RandomBytes) -> None:
    """The first entries of the ledger: that the deployment was made, and what it goes by."""
    store = Store(open_engine(settings.database), lambda: now, f"init:{new_id('w', random_bytes)}")
    try:
        with store.write() as work:
            about = {"deployment": settings.deployment, "deployment_kind": str(settings.kind)}
            work.record("deployment.made", **about, schema=migrate.head())
            note_trust(work, trust)
    finally:
        store.close()


def deployment_toml(blueprint: Blueprint) -> str:
    """What the file ``deployment.toml`` of such a deployment says."""
    values = {name: getattr(blueprint, name) for name in ("deployment", "simulator", "redis", "chunk")}
    values |= {"kind": str(blueprint.kind), "sent_by": blueprint.sent_by or blueprint.deployment}
    values["database"] = blueprint.database or DATABASE
    written = {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}
    text = Template(_resource(__package__, "new_deployment.toml")).substitute(written)
    tables = {"timing": blueprint.timing} | {f"channel.{name}": known for name, known in blueprint.channels.items()}
    for name, figures in tables.items():
        lines = [f"{key} = {value}" for key, value in figures.items()]
        text += "\n".join(["", "# In place of the reference's figures.", f"[{name}]", *lines, ""]) if lines else ""
    return text

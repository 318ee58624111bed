"""Making a deployment: folders, keys, trust files and an empty database, whole or not at all.

Rules
  1. It is built beside its place and moved there at the end: a full disk leaves nothing half made.
  2. The people are the example department's, named by their roles. Their keys lie in ``keys/exercise``, unencrypted:
     good for exercises and tests, worthless as proof of who signed.
  3. The roster serves both modes, so these keys could sign for a live message too. Until two real policy owners have
     installed a roster of real people, a production deployment must get no live account: the warning says so.
  4. Only a deployment of kind test may have shorter waits than the reference's.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy.exc import OperationalError

from dispatcher.domain.errors import Forbidden, Invalid, Unavailable
from dispatcher.domain.ids import RandomBytes, is_name
from dispatcher.domain.people import DeploymentKind, Key, Owner, Person, PublicKey, Role, RoleHeld, Roster, TrustRoot
from dispatcher.domain.statement import Mode, Statement, StatementKind
from dispatcher.gate.policy import load
from dispatcher.sending.credentials import write_private
from dispatcher.service.accounts import SENT_BY
from dispatcher.settings import Settings, load_settings
from dispatcher.statements.keys import ed25519_line, parse_public_line
from dispatcher.statements.roster import roster_toml
from dispatcher.statements.signing import KeyFileSigner, sign
from dispatcher.statements.toml import parse_toml
from dispatcher.statements.trust import load_trust, policy_digest, write_envelopes
from dispatcher.store import migrate
from dispatcher.store.database import open_engine

CAST: Mapping[str, Role] = {
    "author-1": Role.AUTHOR,
    "translator-1": Role.TRANSLATOR,
    "checker-1": Role.CHECKER,
    "welsh-checker-1": Role.LANGUAGE_CHECKER,
    "director-1": Role.DUTY_DIRECTOR,
    "director-2": Role.DUTY_DIRECTOR,
    "security-1": Role.SECURITY,
    "minister-1": Role.MINISTER,
    "private-office-1": Role.PRIVATE_OFFICE,
    "legal-1": Role.LEGAL,
    "propriety-1": Role.PROPRIETY,
    "finance-1": Role.FINANCE,
    "operator-1": Role.OPERATOR,
    "operator-2": Role.OPERATOR,
    "ops-1": Role.OPS,
    "owner-1": Role.POLICY_OWNER,
    "owner-2": Role.POLICY_OWNER,
    "reviewer-1": Role.REVIEWER,
}
"""The example department: one role each."""

LANGUAGES: Mapping[str, tuple[str, ...]] = {"welsh-checker-1": ("cy",)}
OWNERS = tuple(person for person, role in CAST.items() if role is Role.POLICY_OWNER)
FOLDERS = (
    *("trust", "keys", "keys/exercise", "credentials", "credentials/live", "credentials/exercise", "sender"),
    *("data", "redis", "run", "logs", "feed", "hand-off"),
)
SIGNATURE_LIFE = timedelta(days=3_653)
"""How long the owners' first signatures hold; a new version is signed anew."""

WARNING = (
    "The roster holds example people whose keys lie unencrypted in keys/exercise. "
    "Before any live account is added, two policy owners must sign a roster of real people."
)

Figures = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What to make. ``timing`` and ``channels`` are milliseconds by name (see settings), in test deployments only."""

    deployment: str
    kind: DeploymentKind
    sent_by: str = ""
    simulator: str = ""
    database: str = ""
    redis: str = "embedded"
    chunk: int | None = None
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


def init(folder: Path, blueprint: Blueprint, now: datetime, random_bytes: RandomBytes) -> Made:
    """Make a deployment. Raises Invalid for a folder in use or a name that is none, Forbidden, Unavailable."""
    _check(folder, blueprint)
    with _beside(folder) as building:
        for name in FOLDERS:
            (building / name).mkdir(mode=0o700)
        (building / "deployment.toml").write_text(_settings_toml(blueprint))
        settings = load_settings(building)
        root = _write_trust(building, blueprint, now, random_bytes)
        load_trust(building / "trust", load, floor=building / "data" / "floor.json", now=now)
        for mode in Mode:
            for role in SENT_BY.values():
                settings.vault(mode, role).create()
        _migrate(settings)
    warnings = (WARNING,) if blueprint.kind is DeploymentKind.PRODUCTION else ()
    return Made(folder, blueprint.deployment, blueprint.kind, root.digest, tuple(CAST), warnings)


def _check(folder: Path, blueprint: Blueprint) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Invalid(f"{folder} is in use: nothing was touched", "name a folder that is empty or not there yet")
    if not is_name(blueprint.deployment):
        raise Invalid(
            f"{blueprint.deployment!r} cannot name a deployment",
            "use lower case letters, digits, dot, dash, underscore; 63 at most",
        )
    if blueprint.kind is DeploymentKind.PRODUCTION and (blueprint.timing or blueprint.channels):
        raise Forbidden("a production deployment keeps the reference's waits", "shorten them in a test deployment")


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A private folder to build in, moved to its place at the end and removed after a failure."""
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


def _write_trust(folder: Path, blueprint: Blueprint, now: datetime, random_bytes: RandomBytes) -> TrustRoot:
    keys = {person: _make_key(folder / "keys" / "exercise" / person, random_bytes) for person in CAST}
    status = _make_key(folder / "keys" / "status", random_bytes)
    owners = tuple(Owner(person, (keys[person],)) for person in OWNERS)
    root = TrustRoot(1, blueprint.deployment, blueprint.kind, owners, len(owners), status)
    roster = Roster(1, blueprint.deployment, tuple(_person(name, keys[name], now) for name in CAST))
    policy = resources.files("dispatcher.gate").joinpath("example_policy.toml").read_text()
    digests = {"roster": roster.digest, "policy": policy_digest(parse_toml(policy, "policy.toml"))}
    trust = folder / "trust"
    (trust / "root.json").write_bytes(root.encoded())
    (trust / "roster.toml").write_text(roster_toml(roster))
    (trust / "policy.toml").write_text(policy)
    for name, digest in digests.items():
        statements = (_owned(person, digest, blueprint.deployment, now, random_bytes) for person in OWNERS)
        envelopes = [sign(s, KeyFileSigner(folder / "keys" / "exercise" / s.person)) for s in statements]
        (trust / f"{name}.sigs.json").write_bytes(write_envelopes(envelopes))
    return root


def _make_key(path: Path, random_bytes: RandomBytes) -> PublicKey:
    """Write an OpenSSH key pair, readable by its owner only; returns the public half."""
    private = Ed25519PrivateKey.from_private_bytes(random_bytes(32))
    write_private(path, private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    public = parse_public_line(ed25519_line(private.public_key().public_bytes_raw()))
    path.with_name(f"{path.name}.pub").write_text(f"{public.public} {path.name}\n")
    return public


def _person(name: str, key: PublicKey, now: datetime) -> Person:
    return Person(
        id=name,
        name=name.replace("-", " ").capitalize(),
        roles=(RoleHeld(CAST[name], now),),
        keys=(Key(key.public, now),),
        languages=LANGUAGES.get(name, ()),
    )


def _owned(person: str, digest: str, deployment: str, now: datetime, random_bytes: RandomBytes) -> Statement:
    return Statement(
        kind=StatementKind.POLICY,
        subject=digest,
        deployment=deployment,
        mode=Mode.LIVE,
        person=person,
        role=str(Role.POLICY_OWNER),
        roster=1,
        not_before=now,
        expires=now + SIGNATURE_LIFE,
        nonce=random_bytes(16).hex(),
    )


def _migrate(settings: Settings) -> None:
    engine = open_engine(settings.database)
    try:
        migrate.upgrade(engine)
    except OperationalError as error:
        raise Unavailable(f"the database cannot be reached: {error.orig}", "start it, or mend its address") from error
    finally:
        engine.dispose()


def _settings_toml(blueprint: Blueprint) -> str:
    lines = [
        "# One deployment of the dispatcher. Nothing secret stands here. All keys but the first two have defaults.",
        "# The deployment's id is signed into every statement: it never changes.",
        _assigned("deployment", blueprint.deployment),
        "# production, or test: only a test deployment may point a live account at a private address.",
        _assigned("kind", str(blueprint.kind)),
        "# The public name of the sender, as messages carry it.",
        _assigned("sent_by", blueprint.sent_by or blueprint.deployment),
        "# The far side of all exercises; exercise accounts reach nothing else.",
        _assigned("simulator", blueprint.simulator),
        "# Any SQLAlchemy address, such as postgresql+psycopg://…; the default is a file under data/.",
        _assigned("database", blueprint.database or "sqlite:///data/dispatcher.db"),
        "# A Redis address, or embedded for the private one that dispatcher up starts.",
        _assigned("redis", blueprint.redis),
    ]
    if blueprint.chunk is not None:
        lines += ["# How many deliveries a worker leases at once.", _assigned("chunk", blueprint.chunk)]
    lines += _table(
        "timing", "Milliseconds; shorter than the reference's, for tests and exercises.", blueprint.timing
    )
    for channel, figures in blueprint.channels.items():
        lines += _table(f"channel.{channel}", f"Milliseconds, in place of {channel}'s own figures.", figures)
    return "\n".join([*lines, ""])


def _assigned(key: str, value: str | int) -> str:
    return f"{key} = {json.dumps(value, ensure_ascii=False)}"


def _table(name: str, comment: str, figures: Figures) -> list[str]:
    if not figures:
        return []
    return ["", f"# {comment}", f"[{name}]", *(f"{key} = {value}" for key, value in figures.items())]

"""Profiles as files: those that ship, a deployment's own in ``profiles/``, and any that is named by its path.

Certificates stand beside the profile that pins them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from dispatcher.cap.profile import Profile, certificate_files, flattened, read_profile
from dispatcher.domain.errors import Invalid, NotFound

SHIPPED = ("strict", "open")
FOLDER = "profiles"
MAX_CERTIFICATE = 64 * 1024


def load(name: str, deployment: Path | None = None) -> Profile:
    """A profile by name (a deployment's own first, then those that ship) or by its file. Raises NotFound, Invalid."""
    file = _file(name, deployment)
    if file is None:
        return read_profile(_shipped()[name], name)
    document = flattened(_parsed(_read(file), file.name), file.stem, _shipped())
    pinned = tuple(_certificate(file.parent / one, file.name) for one in certificate_files(document, file.stem))
    return read_profile(document, file.stem, pinned)


def _file(name: str, deployment: Path | None) -> Path | None:
    if name.endswith(".toml") or "/" in name:
        return Path(name)
    own = deployment / FOLDER / f"{name}.toml" if deployment else None
    if own and own.is_file():
        return own
    if name in SHIPPED:
        return None
    place = f", nor {FOLDER}/{name}.toml in the deployment" if deployment else ""
    raise NotFound(f"there is no profile {name}{place}", f"use {' or '.join(SHIPPED)}, or give a file: FILE.toml")


def _shipped() -> Mapping[str, Mapping[str, Any]]:
    folder = resources.files(__package__)
    return {name: _parsed(folder.joinpath(f"{name}.toml").read_bytes(), name) for name in SHIPPED}


def _parsed(data: bytes, name: str) -> dict[str, Any]:
    try:
        document = tomllib.loads(data.decode())
    except ValueError as error:
        raise Invalid(f"profile {name}: not TOML: {error}", "mend the line it names") from error
    if document.get("schema") != 1:
        raise Invalid(f"profile {name}: needs schema = 1", "write it on the first line")
    return document


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise NotFound(f"{file}: cannot be read ({error.strerror})", "name a profile that is there") from error


def _certificate(file: Path, profile: str) -> bytes:
    from dispatcher.cap.signature import load_certificate

    try:
        data = file.read_bytes()[:MAX_CERTIFICATE]
        load_certificate(data)
    except OSError as error:
        raise Invalid(
            f"{profile}: {file.name}: {error.strerror}", "put the certificate beside the profile"
        ) from error
    except ValueError as error:
        raise Invalid(f"{profile}: {file.name} is no PEM certificate", "ask its owner for the certificate") from error
    return data

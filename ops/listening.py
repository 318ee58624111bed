"""Where a role listens: host and port of the settings, and the file in ``run`` that says what they came to."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from dispatcher.domain.errors import Invalid

MOST_PORT = 65_535


def host_and_port(said: str, name: str) -> tuple[str, int]:
    """Read ``127.0.0.1:9464`` or ``[::1]:0``. Raises Invalid naming the setting."""
    host, _, port = said.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > MOST_PORT:
        raise Invalid(
            f"{name} = {said!r} is no host and port", f'mend deployment.toml, such as "127.0.0.1:0" for {name}'
        )
    return host.strip("[]"), int(port)


def address(host: str, port: int) -> str:
    """As a browser asks for it."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


@contextlib.contextmanager
def told(file: Path, url: str) -> Iterator[None]:
    """Have the file say the address, to its owner alone, until the end: what another process wrote since stays."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(f"{url}\n")
    new.replace(file)
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            if file.read_text() == f"{url}\n":
                file.unlink()

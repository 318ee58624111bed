"""A person's terminal: one command on a pseudo-terminal of its own, read and typed at as a person does."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import re
import select
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PROGRAM = "from dispatcher.cli.main import run; run()"
PATIENCE_S = 30.0
CTRL_C = "\x03"
_LOOKS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Terminal:
    """What is on the screen so far, without its colours, and the keyboard."""

    child: subprocess.Popen[bytes]
    master: int
    raw: bytes = field(default=b"")
    _seen: int = 0

    @property
    def screen(self) -> str:
        """Everything shown so far."""
        return _LOOKS.sub("", self.raw.decode(errors="replace")).replace("\r\n", "\n")

    def until(self, text: str) -> str:
        """Wait until a text is shown that was not waited for before; gives the whole screen."""
        while (at := self.screen.find(text, self._seen)) < 0:
            assert self._more(), f"ended without {text!r}:\n{self.screen}"
        self._seen = at + len(text)
        return self.screen

    def type(self, line: str) -> None:
        """Type a line, with Enter."""
        os.write(self.master, f"{line}\n".encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.write(self.master, CTRL_C.encode())

    def ended(self) -> int:
        """Read to the end; gives the exit code."""
        while self._more():
            pass
        return self.child.wait(timeout=PATIENCE_S)

    def _more(self) -> bool:
        ready, _, _ = select.select([self.master], [], [], PATIENCE_S)
        assert ready, f"nothing more was shown in {PATIENCE_S:g} s:\n{self.screen}"
        try:
            piece = os.read(self.master, 65_536)
        except OSError as error:
            if error.errno == errno.EIO:  # how Linux says that nobody holds the other side any more
                return False
            raise
        self.raw += piece
        return bool(piece)


@contextmanager
def terminal(
    deployment: Path, words: Sequence[str], key: Path | None = None, **environment: str
) -> Iterator[Terminal]:
    """Run ``dispatcher`` on a terminal of 120 columns, with this person's key and no agent."""
    master, slave = pty.openpty()
    plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "SSH_AUTH_SOCK")}
    settings = {**plain, "DISPATCHER_DEPLOYMENT": str(deployment), "TERM": "xterm", "COLUMNS": "120"}
    settings |= {"DISPATCHER_KEY": str(key)} if key else {}
    settings["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=settings | environment,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - so that Ctrl-C reaches it
    )
    os.close(slave)
    try:
        yield Terminal(child, master)
    finally:
        child.kill()
        child.wait()
        os.close(master)

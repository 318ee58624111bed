"""A terminal with somebody at it: a command in a real pty, what it shows, and the keys that are pressed.

The way of one session::

    with terminal("status", folder=office.folder, by="author-1") as screen:
        screen.expect("Next:")
        assert screen.ended() == 0
    screen.transcript            # everything shown, without colours and cursor moves

Rules
  1. The command is the tree's own, in a process of its own, with a terminal of a set size.
  2. Nothing waits but for what is shown; what does not come within ``timeout_s`` fails with the transcript.
  3. The kernel hangs up on the command when the test process goes.
"""

from __future__ import annotations

import io
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest

from tests.servers import until

PROGRAM = "from dispatcher.cli.entry import run; run()"
KEYS = {"enter": "\r", "ctrl-c": "\x03", "ctrl-d": "\x04", "escape": "\x1b", "up": "\x1b[A", "down": "\x1b[B"}
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>78]")
OUTSIDE = {"DISPATCHER_DEPLOYMENT", "DISPATCHER_KEY", "SSH_AUTH_SOCK", "NO_COLOR", "CLICOLOR", "ACCESSIBLE"}


@dataclass
class Screen:
    """One command on its terminal."""

    child: pexpect.spawn[str]
    log: io.StringIO
    timeout_s: float

    @property
    def transcript(self) -> str:
        """Everything shown so far, with what was typed where it was echoed; no colours, one ``\\n`` a line."""
        return ESCAPES.sub("", self.raw).replace("\r\n", "\n")

    @property
    def raw(self) -> str:
        """The same as the terminal got it."""
        return self.log.getvalue()

    def expect(self, text: str) -> None:
        """Wait until ``text`` is shown, exactly, after what was waited for before."""
        try:
            self.child.expect_exact(text.replace("\n", "\r\n"), timeout=self.timeout_s)
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            pytest.fail(f"{text!r} was not shown ({type(error).__name__}):\n{self.transcript}")

    def type(self, line: str) -> None:
        """Type a line, and Enter."""
        self.child.send(line + KEYS["enter"])

    def press(self, key: str) -> None:
        """Press one key: a name from ``KEYS``, or a character; Ctrl-C once the command waits for something.

        Python misses a Ctrl-C between showing a question and waiting for the answer, faster than anybody presses it.
        """
        if key == "ctrl-c":
            until(self._waits, "the command waits", self.timeout_s)
        self.child.send(KEYS.get(key, key))

    def _waits(self) -> bool:
        return Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"

    def signal(self, number: signal.Signals) -> None:
        """Send the command a signal."""
        self.child.kill(number)

    def hang_up(self) -> None:
        """Lose the terminal, as when a connection breaks.

        Its file object is what closes: a bare ``os.close`` would leave it to close the number a second time, whose
        file by then is another one.
        """
        self.child.ptyproc.fileobj.close()
        self.child.child_fd = -1

    def ended(self) -> int:
        """Wait for the end; gives the exit code, or minus the number of the signal that ended it."""
        if self.child.child_fd != -1:
            try:
                self.child.expect(pexpect.EOF, timeout=self.timeout_s)
            except pexpect.TIMEOUT:
                pytest.fail(f"it did not end:\n{self.transcript}")
        self.child.ptyproc.wait()
        code, by_signal = self.child.ptyproc.exitstatus, self.child.ptyproc.signalstatus
        return -int(by_signal) if by_signal is not None else int(code or 0)


@contextmanager
def terminal(
    *words: object,
    folder: Path | None = None,
    by: str | None = None,
    columns: int = 100,
    rows: int = 40,
    timeout_s: float = 30.0,
    program: str = PROGRAM,
    cwd: Path | None = None,
    **environment: str,
) -> Iterator[Screen]:
    """Run ``dispatcher WORDS`` on a terminal, as one of a deployment's people; it is gone at the end.

    ``program`` is what Python runs; a relative ``folder`` is one in ``cwd``.
    """
    settings = {name: value for name, value in os.environ.items() if name not in OUTSIDE}
    settings["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    settings |= {"TERM": "xterm", "COLUMNS": str(columns), "LINES": str(rows)}
    if folder:
        settings["DISPATCHER_DEPLOYMENT"] = str(folder)
    if folder and by:
        settings["DISPATCHER_KEY"] = str(folder / "keys" / "exercise" / by)
    log = io.StringIO()
    child: pexpect.spawn[str] = pexpect.spawn(
        sys.executable,
        ["-c", program, *map(str, words)],
        cwd=cwd,
        env=settings | environment,
        dimensions=(rows, columns),
        encoding="utf-8",
        codec_errors="replace",
        use_poll=True,
    )
    child.delaybeforesend = None
    child.logfile_read = log
    try:
        yield Screen(child, log, timeout_s)
    finally:
        if child.child_fd == -1:
            child.ptyproc.kill(signal.SIGKILL) if child.ptyproc.isalive() else None
        else:
            child.close(force=True)

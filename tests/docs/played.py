"""Plays a page: types its commands in order, each by the person at its prompt, and compares with what it shows.

How a page is written
  1. A block of ``console`` is typed. ``author-1$ dispatcher …`` is typed with that person's key, ``$ …`` with none. A
     command goes on in the next line after a backslash.
  2. The lines below a command are an excerpt of what it prints, in that order; ``…`` stands for what is left out.
     ``(exit code 3)`` as the last line is how it ends, else it ends well.
  3. Words of ``NAMES`` are found where they first stand in an excerpt, and typed from then on.
  4. A block ``toml storm.toml`` (any language, then a file's name) is written to that file.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner

from dispatcher.cli.main import root

NAMES = ("INCIDENT", "MESSAGE", "PLAN", "NEWER", "TOKEN", "DELIVERY", "TASK", "HALT", "ALERT", "CODE", "REFERENCE")
PERSON = re.compile(r"^([a-z0-9-]*)\$ (.+)$")
EXIT = re.compile(r"^\(exit code (\d+)\)$")
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
DRAWN = re.compile(r"[\u2500-\u259f\s]+")
SIMULATOR = "http://127.0.0.1:8790"


@dataclass(frozen=True, slots=True)
class Step:
    """One command: who types it, what it shows, how it ends."""

    person: str
    command: str
    shown: tuple[str, ...]
    code: int


def steps(block: str) -> Iterator[Step]:
    """The commands of one block with their excerpts."""
    person, command, shown, code = "", "", [], 0
    for line in block.replace("\\\n", " ").splitlines():
        if found := PERSON.match(line):
            if command:
                yield Step(person, command, tuple(shown), code)
            person, command, shown, code = found[1], " ".join(found[2].split()), [], 0
        elif ended := EXIT.match(line):
            code = int(ended[1])
        elif line.strip() and line.strip() != "…":
            shown.append(line)
    if command:
        yield Step(person, command, tuple(shown), code)


def blocks(page: str) -> Iterator[tuple[str, str, str]]:
    """A page's fenced blocks: language, file name, text."""
    for found in BLOCK.finditer(page):
        yield found[1], found[2] or "", found[3]


@dataclass
class Player:
    """Types the commands of a page in a folder; ``elsewhere`` has what is done for a command instead of typing it."""

    folder: Path
    simulator: str
    elsewhere: Mapping[str, Callable[[], object]]
    known: dict[str, str] = field(default_factory=dict)

    def play(self, page: str) -> int:
        """Everything on the page, in order; how many commands there were."""
        typed = 0
        for language, name, text in blocks(page):
            if name:
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / name).write_text(self._meant(text))
            elif language == "console":
                for step in steps(text):
                    self._type(step)
                    typed += 1
        return typed

    def _type(self, step: Step) -> None:
        if step.command in self.elsewhere:
            self.elsewhere[step.command]()
            return
        command = self._meant(step.command)
        ours = command.startswith("dispatcher ")
        code, said = self._dispatcher(step.person, command) if ours else self._shell(command)
        assert code == step.code, f"{step.person}$ {command}\nended with {code}, not {step.code}:\n{said}"
        self._compare(step, " ".join(DRAWN.sub(" ", said).split()), said)

    def _dispatcher(self, person: str, command: str) -> tuple[int, str]:
        key = self.folder / "deployment" / "keys" / "exercise" / person if person else None
        environment: dict[str, str | None] = dict.fromkeys(("DISPATCHER_DEPLOYMENT", "SSH_AUTH_SOCK"))
        environment |= {"DISPATCHER_KEY": str(key) if key else None, "NO_COLOR": "1", "ACCESSIBLE": "1"}
        environment |= {"COLUMNS": "118", "TZ": "UTC"}
        words = [
            found
            for word in shlex.split(command.replace("$PWD", str(self.folder)))[1:]
            for found in self._files(word)
        ]
        done = CliRunner(env=environment).invoke(root, words, input=f"{self.known.get('TOKEN', '')}\n")
        if done.exit_code == 1 and done.exception:
            raise done.exception
        return done.exit_code, done.output

    def _files(self, word: str) -> list[str]:
        """What a shell makes of a word with a star in it."""
        return [str(found) for found in self.folder.glob(word)] if "*" in word else [word]

    def _shell(self, command: str) -> tuple[int, str]:
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def _meant(self, words: str) -> str:
        for name, value in self.known.items():
            words = re.sub(rf"\b{name}\b", value, words)
        return words.replace(SIMULATOR, self.simulator)

    def _compare(self, step: Step, said: str, whole: str) -> None:
        at = 0
        for line in step.shown:
            found = re.compile(self._pattern(line)).search(said, at)
            assert found, (
                f"{step.person}$ {step.command}\ndoes not show (after what stands above it):\n{line}\nbut:\n{whole}"
            )
            at = found.end()
            self.known |= found.groupdict()

    def _pattern(self, line: str) -> str:
        line = self._meant(" ".join(DRAWN.sub(" ", re.sub(r"^(Type the token.*:) TOKEN$", r"\1", line)).split()))
        pattern = re.escape(line).replace("…", ".*?")
        for name in NAMES:
            pattern = re.sub(rf"\b{name}\b", rf"(?P<{name}>[A-Za-z0-9_-]+)", pattern, count=1)
            pattern = re.sub(rf"(?<!<)\b{name}\b", rf"(?P={name})", pattern)
        return pattern

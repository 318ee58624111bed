"""A session as it is told: who typed what, what was shown, how it ended; and what of that is the same every time.

The way of one session::

    told = Told(office)
    told.types("author-1", "clearance", "approve", plan, code=8)       # nothing is asked
    with told.asking("director-1", "release", plan) as screen:         # something is
        screen.expect("or Ctrl-C: ")
        screen.type(token)
    told.is_kept_as("self_approval")

Rules
  1. A command that ends badly leaves nothing in the ledger but what the session says it leaves, and says what to do.
  2. Ids, digests, tokens and times are told under names of the same length, so that lines break where they break.
  3. A transcript is kept in ``transcripts``. ``make transcripts`` writes them all again, to be read by eye.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import unified_diff
from itertools import count
from pathlib import Path

from tests.cli.conftest import Office
from tests.terminal import PROGRAM, Screen, terminal

KEPT = Path(__file__).with_name("transcripts")
COLUMNS = 80
TOKENS, LIVE_TOKENS = ("2345", "6789", "9876"), ("ACD-EFH", "JKM-NPR")
REPAINT = re.compile(r"\r?\x1b\[2K((?:\x1b\[1A\x1b\[2K)*)|\r(?!\r*\n)")
LOOKS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ID = re.compile(r"\b([a-z]{2,4})-([0-9a-hjkmnp-tv-z]{10})\b")
DIGEST = re.compile(r"\b[0-9a-f]{12}(?:[0-9a-f]{52})?\b")
TOKEN = re.compile(r"Token: (\S+)")
SAME: tuple[tuple[str, str], ...] = (
    (r"\d{4}-\d\d-\d\d([ T])\d\d:\d\d:\d\d", r"2026-11-21\g<1>18:00:00"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "2026-11-21 18:00"),
    (r"(?m)(minutes_left +)\d+", r"\g<1>240"),
    (r"\d\d:\d\d (on|ar) \d+ [A-Z][a-z]+", r"18:00 \g<1> 21 November"),
    (r"(21 November) \([0-9a-z]{4}\)", r"\g<1> (7k2m)"),
    (r"\b\d{4}-\d\d-\d\d(?= {2})", "2026-11-21"),
    (r"(?<= )\d\d:\d\d:\d\d\+00:00", "18:00:00+00:00"),
    (r"Storm [0-9a-f]{8}\b", "Storm 00000000"),
    (r": \d+ characters", ": 240 characters"),
    (r"for \d+ minutes more", "for 240 minutes more"),
    (r"SHA256:[A-Za-z0-9+/]{43}", "SHA256:" + "F" * 43),
)


@dataclass
class Told:
    """What happened at the terminals of a deployment's people so far."""

    office: Office
    parts: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def types(self, person: str, *words: str, **more: object) -> str:
        """One command at which nothing is asked; gives what was shown."""
        with self.asking(person, *words, **more) as screen:  # type: ignore[arg-type]
            pass
        return screen.transcript

    @contextmanager
    def asking(
        self,
        person: str,
        *words: str,
        code: int = 0,
        leaves: tuple[str, ...] = (),
        program: str = PROGRAM,
        **environment: str,
    ) -> Iterator[Screen]:
        """One command with its terminal; at the end of the block it must end with this exit code.

        One that ends badly ``leaves`` these kinds in the ledger and no other.
        """
        before, folder = self.office.kinds(), Path(self.office.folder.name)
        about = {"folder": folder, "by": person, "cwd": self.office.folder.parent, "columns": COLUMNS}
        with terminal(*words, program=program, **about, **environment) as screen:  # type: ignore[arg-type]
            yield screen
            ended = screen.ended()
        shown = still(screen.raw)
        self.parts.append(f"{person} $ dispatcher {typed(words)}\n{shown.rstrip()}\n[{ended}]\n")
        assert ended == code, shown
        assert "Traceback" not in shown
        if code:
            assert self.office.kinds()[len(before) :] == list(leaves), shown
            assert any(words in shown for words in ("Next: ", "--help", "Did you mean")), shown

    def says(self, what: str) -> None:
        """A line between the commands: what happened meanwhile."""
        self.parts.append(f"[{what}]\n")

    def is_kept_as(self, name: str) -> None:
        """The transcript is the one that is kept; with ``TRANSCRIPTS=write`` it is kept from now on."""
        text, file = normal("\n".join(self.parts), self.tokens), KEPT / f"{name}.txt"
        assert str(self.office.folder.parent) not in text, "a transcript knows no machine"
        if os.environ.get("TRANSCRIPTS") == "write":
            file.write_text(text)
        changed = "\n".join(unified_diff(file.read_text().splitlines(), text.splitlines(), lineterm=""))
        assert not changed, f"read what changed, then: make transcripts\n{changed}"


def typed(words: tuple[str, ...]) -> str:
    """Words as people type them: with double quotes, where there are spaces."""
    return " ".join(f'"{word}"' if " " in word or not word else word for word in words)


def still(raw: str) -> str:
    """What stands on a terminal in the end: what was painted over is gone."""
    shown, at = "", 0
    for move in REPAINT.finditer(raw):
        shown += raw[at : move.start()]
        lines = shown.split("\n")
        up = (move[1] or "").count("\x1b[1A")
        shown = "".join(f"{line}\n" for line in lines[: len(lines) - 1 - up])
        at = move.end()
    lines = LOOKS.sub("", shown + raw[at:]).replace("\r", "").splitlines()
    return "\n".join(line.rstrip() for line in lines)


def normal(text: str, tokens: Sequence[str] = ()) -> str:
    """The same of every run: each id, digest, token and time under a name of its length."""
    for number, found in enumerate(dict.fromkeys((*tokens, *TOKEN.findall(text)))):
        text = re.sub(rf"\b{found}\b", (LIVE_TOKENS if "-" in found else TOKENS)[number], text)
    ids: dict[str, str] = {}
    counts: dict[str, Iterator[int]] = {}
    for match in ID.finditer(text):
        if match[0] not in ids:
            ids[match[0]] = f"{match[1]}-{next(counts.setdefault(match[1], count(1))):010}"
    text = ID.sub(lambda match: ids[match[0]], text)
    letters = iter("abcdef")
    digests: dict[str, str] = {}
    for match in DIGEST.finditer(text):
        if match[0][:12] not in digests:
            digests[match[0][:12]] = next(letters)
    text = DIGEST.sub(lambda match: digests[match[0][:12]] * len(match[0]), text)
    for pattern, name in SAME:
        text = re.sub(pattern, name, text)
    return text

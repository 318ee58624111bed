"""A folder that a web server of ours serves: files are written whole, by one writer at a time, and fetched back.

Rules (reference: cap 3.8, 6)
  1. A file appears whole or not at all: temporary file, fsync, rename, fsync of its folder.
  2. Writers of any process take the lock first. A temporary name is therefore nobody else's, and is reused.
  3. A folder that is not there is never made: a share that is not mounted would be published to nobody.
  4. What was written is no evidence of what the public gets: where the address is known, the file is asked for there
     and compared byte by byte.
  5. What it takes to say what became of a file is here once: a file that stands may have been published, however its
     writing ended, and one that does not stand was not.

    with served.locked(timeout_s):        # one writer at a time
        served.put("a.xml", data)         # raises OSError: nothing was published
    seen = await served.fetched(http, {"a.xml": data}, timeout_s)
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from channels.contract import Account, Outcome, Probe, ReadBack, Seen, Verdict
from channels.http import Answer, Http, TransportError

ADDRESS = "public_base_url"
"""The account setting that says where the folder is served."""

MOST_BYTES = 4_000_000
"""The largest file that is fetched back: some four times an index of as many entries as a feed is held to, with long
headlines in two languages."""

_POLL_S = 0.01
_ROOM = 100_000  # bytes that a file and its index may need
_GONE = (404, 410)


@dataclass(frozen=True, slots=True)
class Served:
    """One folder; ``base_url`` is where it is served, empty where that is not known."""

    path: Path
    base_url: str = ""

    @classmethod
    def of(cls, account: Account) -> Served:
        """The folder of an account. Raises ValueError where its settings name none."""
        return cls(Path(setting(account, "folder")), account.settings.get(ADDRESS, "").rstrip("/"))

    @contextmanager
    def locked(self, timeout_s: float) -> Iterator[None]:
        """Hold the folder's lock. Raises TimeoutError when it is not free in time, OSError without a folder."""
        handle = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            _lock(handle, time.monotonic() + timeout_s)
            yield
        finally:
            os.close(handle)

    def get(self, name: str) -> bytes | None:
        """A file's bytes, or None where the folder was read and has none. Raises OSError."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            os.stat(self.path)  # noqa: PTH116 - a missing folder must not look like a missing file
            return None

    def put(self, name: str, data: bytes) -> None:
        """Write a file, which replaces one that has other bytes. Raises OSError with what was there in place."""
        target = self.path / name
        if self.get(name) == data:
            _sync(target.parent)
            return
        temporary = target.with_name(f".{target.name}.new")
        try:
            with temporary.open("wb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            temporary.rename(target)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            raise
        _sync(target.parent)

    def url(self, name: str) -> str | None:
        """Where the public finds a file, as far as that is known."""
        return f"{self.base_url}/{name}" if self.base_url else None

    def probe(self) -> Probe:
        """Whether the folder is there, can be written, and has room."""
        try:
            with tempfile.TemporaryFile(dir=self.path) as file:
                file.write(bytes(_ROOM))
        except OSError as error:
            return Probe(ok=False, detail=f"the folder {self.path} cannot be written: {why(error)}")
        return Probe(ok=True, detail=f"the folder {self.path} can be written")

    def broken(self, name: str, error: OSError, doubt: str) -> Outcome:
        """What became of a file whose writing ended so; ``doubt`` says what is open where the file stands."""
        absent = False
        with suppress(OSError):
            absent = self.get(name) is None
        if absent:
            return Outcome(Verdict.DEFERRED, reason=f"nothing was published: {why(error)}", code=why(error))
        return Outcome(Verdict.IN_DOUBT, reason=f"{doubt}: {why(error)}", code=why(error))

    async def fetched(self, http: Http, files: Mapping[str, bytes], timeout_s: float) -> ReadBack:
        """What the public gets under the files' addresses, against what it should be; ``timeout_s`` is for each."""
        for name, expected in files.items():
            answer = await self._ask(http, name, timeout_s)
            if isinstance(answer, ReadBack):
                return answer
            if answer.body != expected:
                reason = f"{self.url(name)} is served with other bytes than were published"
                return ReadBack(Seen.ALTERED, reason=reason)
        return ReadBack(Seen.VISIBLE)

    async def names(self, http: Http, index: str, named: Callable[[bytes], bool], timeout_s: float) -> ReadBack:
        """Whether the index that is served names what is served."""
        answer = await self._ask(http, index, timeout_s)
        if isinstance(answer, ReadBack):
            return answer
        if named(answer.body):
            return ReadBack(Seen.VISIBLE)
        reason = f"it is served, but {self.url(index)} does not list it: is an old one kept in a cache?"
        return ReadBack(Seen.MISSING, reason=reason)

    async def _ask(self, http: Http, name: str, timeout_s: float) -> Answer | ReadBack:
        """The answer that has the file, or what else is seen of it."""
        url = self.url(name) or ""
        try:
            answer = await http.request("GET", url, timeout_s=timeout_s, most_bytes=MOST_BYTES)
        except TransportError as error:
            return ReadBack(Seen.UNKNOWN, reason=f"{url} could not be fetched: {error}")
        if answer.status in _GONE:
            return ReadBack(Seen.MISSING, reason=f"the web server has no {url}: it answers {answer.status}")
        if answer.status != 200:
            return ReadBack(Seen.UNKNOWN, reason=f"{url} could not be fetched: {answer.status}")
        return answer


def setting(account: Account, key: str) -> str:
    """A setting that an account must have. Raises ValueError naming it."""
    value = account.settings.get(key, "")
    if not value:
        raise ValueError(f"account {account.id}: the setting {key} is missing")
    return value


def unusable(error: OSError) -> str:
    """That a folder cannot be read or written, in words."""
    return f"the folder cannot be used: {why(error)}"


def why(error: OSError) -> str:
    """What went wrong, without a path."""
    return error.strerror or str(error)


def _lock(handle: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise TimeoutError("another writer holds the folder's lock") from error
            time.sleep(_POLL_S)
        else:
            return


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""The folder: alert files that never change, and the Atom index made from them.

Rules (reference: cap 3.8)
  1. An alert file is written once, whole: temporary file, fsync, rename, fsync of the folder. Its name is its
     identifier, so a repeat finds it there.
  2. The index holds nothing of its own. It is made anew from the files, so a crash between file and index is mended
     by whoever comes next.
  3. A chain (an alert with its updates and its cancel) stays listed until the last of its expiries.
  4. Writers of any process take the lock first. A temporary name is therefore nobody else's, and is reused.
  5. A file that is not an alert is left out of the index and does not stop the others.

    with folder.locked(timeout_s):        # one writer at a time
        folder.put(name, data)            # raises OSError: nothing was published
        folder.index(...)                 # raises OSError: the alert is there, but not listed yet
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from lxml import etree

from channels.cap_feed import wire

INDEX = "feed.atom"
_ATOM = "http://www.w3.org/2005/Atom"
_POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class Folder:
    """One feed. ``base_url`` is where it is served, empty when not known; ``title`` names the sender."""

    path: Path
    title: str
    base_url: str = ""

    @contextmanager
    def locked(self, timeout_s: float) -> Iterator[None]:
        """Hold the feed's lock. Raises TimeoutError when it is not free in time, OSError without a folder."""
        handle = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            _lock(handle, time.monotonic() + timeout_s)
            yield
        finally:
            os.close(handle)

    def file(self, name: str) -> Path:
        """Where the alert of this identifier is."""
        return self.path / f"{name}.xml"

    def get(self, name: str) -> bytes | None:
        """An alert's bytes, or None where the folder was read and has none. Raises OSError."""
        try:
            return self.file(name).read_bytes()
        except FileNotFoundError:
            os.stat(self.path)  # noqa: PTH116 - a missing folder must not look like a missing alert
            return None

    def put(self, name: str, data: bytes) -> None:
        """Write an alert file. Raises OSError with nothing published."""
        _replace(self.file(name), data)

    def alerts(self) -> list[wire.Read]:
        """Every readable alert, oldest first. Raises OSError where the folder cannot be listed."""
        found: list[wire.Read] = []
        for file in self.path.iterdir():
            if file.suffix == ".xml" and not file.name.startswith("."):
                with suppress(wire.NotAnAlert):
                    found.append(wire.read(file.read_bytes()))
        return sorted(found, key=lambda alert: (alert.sent, alert.identifier))

    def lists(self, name: str) -> bool:
        """Whether the index names this identifier. Raises OSError other than for a missing index."""
        try:
            feed = etree.fromstring((self.path / INDEX).read_bytes(), etree.XMLParser(resolve_entities=False))
        except (FileNotFoundError, etree.XMLSyntaxError):
            return False
        return any(found.text == name for found in feed.iterfind(f"{{{_ATOM}}}entry/{{{_ATOM}}}id"))

    def rebuild(self, now: datetime) -> None:
        """Make the index anew from the files, without expired chains. Raises OSError with the old one in place."""
        shown = unexpired(self.alerts(), now)
        _replace(self.path / INDEX, self._atom(shown, now))

    def _atom(self, shown: list[wire.Read], now: datetime) -> bytes:
        feed = etree.fromstring(f'<feed xmlns="{_ATOM}"/>')
        address = f"{self.base_url}/{INDEX}" if self.base_url else ""
        _element(feed, "id", address or uuid5(NAMESPACE_URL, f"cap-feed:{self.title}").urn)
        _element(feed, "title", self.title)
        _element(feed, "updated", _atom_time(shown[-1].sent if shown else now))
        _element(_element(feed, "author"), "name", self.title)
        if address:
            _element(feed, "link", rel="self", type="application/atom+xml", href=address)
        for alert in reversed(shown):
            self._entry(feed, alert)
        return etree.tostring(feed, xml_declaration=True, encoding="UTF-8", pretty_print=True)

    def _entry(self, feed: etree._Element, alert: wire.Read) -> None:
        file = f"{alert.identifier}.xml"
        entry = _element(feed, "entry")
        _element(entry, "id", alert.identifier)
        _element(entry, "title", " / ".join(info.headline for info in alert.infos))
        _element(entry, "updated", _atom_time(alert.sent))
        href = f"{self.base_url}/{file}" if self.base_url else file
        _element(entry, "link", rel="alternate", type="application/cap+xml", href=href)


def chain(alerts: list[wire.Read], triple: str) -> list[wire.Read]:
    """The alerts that belong together with the one named, oldest first: who refers, and who is referred to."""
    names = {triple}
    while True:
        related = [alert for alert in alerts if names.intersection((alert.triple, *alert.references))]
        wider = names.union(*((alert.triple, *alert.references) for alert in related))
        if wider == names:
            return related
        names = wider


def unexpired(alerts: list[wire.Read], now: datetime) -> list[wire.Read]:
    """The alerts whose chain has a member that has not expired, in the order given."""
    alive: set[str] = set()
    for alert in alerts:
        if alert.expires > now and alert.triple not in alive:
            alive.update(member.triple for member in chain(alerts, alert.triple))
    return [alert for alert in alerts if alert.triple in alive]


def _lock(handle: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise TimeoutError("another writer holds the feed's lock") from error
            time.sleep(_POLL_S)
        else:
            return


def _replace(target: Path, data: bytes) -> None:
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


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _element(parent: etree._Element, tag: str, text: str = "", **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, f"{{{_ATOM}}}{tag}", attributes)
    element.text = text or None
    return element


def _atom_time(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

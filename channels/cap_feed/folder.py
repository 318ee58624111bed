"""The folder: alert files that never change, and the Atom index made from them.

Rules (reference: cap 3.8)
  1. An alert file is written once. Its name is its identifier, so a repeat finds it there.
  2. The index holds nothing of its own. It is made anew from the files, so a crash between file and index is mended
     by whoever comes next.
  3. A chain (an alert with its updates and its cancel) stays listed until the last of its expiries; an update or a
     cancel that came late, even past that, for a day at least: or nobody would learn of it.
  4. Where more than ``MOST_LISTED`` would be listed, those that a later one replaces are left out, the oldest first.
     Whatever nothing replaces (alert, update or cancel) stays in the index, however many they are.
  5. A file that is not an alert is left out of the index and does not stop the others.

    with folder.served.locked(timeout_s):  # one writer at a time
        folder.put(name, data)             # raises OSError: nothing was published
        folder.rebuild(...)                # raises OSError: the alert is there, but not listed yet
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from lxml import etree

from channels.cap_feed import wire
from channels.served import Served

INDEX = "feed.atom"
LATE = timedelta(days=1)
"""How long an update or a cancel is listed at least, also past its expiry (ours: some readers ask daily)."""

MOST_LISTED = 1_000
"""Entries of an index: some 450 kB, and 900 kB with long headlines (reference: cap 3.8, 900 kB at most)."""

_ATOM = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True, slots=True)
class Folder:
    """One feed in a folder that is served; ``title`` names the sender."""

    served: Served
    title: str

    def get(self, name: str) -> bytes | None:
        """An alert's bytes, or None where the folder was read and has none. Raises OSError."""
        return self.served.get(file_of(name))

    def put(self, name: str, data: bytes) -> None:
        """Write an alert file. Raises OSError with nothing published."""
        self.served.put(file_of(name), data)

    def alerts(self) -> list[wire.Read]:
        """Every readable alert, oldest first. Raises OSError where the folder cannot be listed."""
        found: list[wire.Read] = []
        for file in self.served.path.iterdir():
            if file.suffix == ".xml" and not file.name.startswith("."):
                with suppress(wire.NotAnAlert):
                    found.append(wire.read(file.read_bytes()))
        return sorted(found, key=lambda alert: (alert.sent, alert.identifier))

    def lists(self, name: str) -> bool:
        """Whether the index names this identifier. Raises OSError other than for a missing index."""
        return name in listed(self.served.get(INDEX) or b"")

    def rebuild(self, now: datetime, sign: Callable[[bytes], bytes]) -> None:
        """Make the index anew from the files, without expired chains. Raises OSError with the old one in place."""
        self.served.put(INDEX, sign(self._atom(shown(self.alerts(), now), now)))

    def _atom(self, alerts: list[wire.Read], now: datetime) -> bytes:
        feed = etree.fromstring(f'<feed xmlns="{_ATOM}"/>')
        address = self.served.url(INDEX)
        _element(feed, "id", address or uuid5(NAMESPACE_URL, f"cap-feed:{self.title}").urn)
        _element(feed, "title", self.title)
        _element(feed, "updated", _atom_time(alerts[-1].sent if alerts else now))
        _element(_element(feed, "author"), "name", self.title)
        if address:
            _element(feed, "link", rel="self", type="application/atom+xml", href=address)
        for alert in reversed(alerts):
            self._entry(feed, alert)
        return etree.tostring(feed, xml_declaration=True, encoding="UTF-8", pretty_print=True)

    def _entry(self, feed: etree._Element, alert: wire.Read) -> None:
        file = file_of(alert.identifier)
        entry = _element(feed, "entry")
        _element(entry, "id", alert.identifier)
        _element(entry, "title", " / ".join(info.headline for info in alert.infos))
        _element(entry, "updated", _atom_time(alert.sent))
        href = self.served.url(file) or file
        _element(entry, "link", rel="alternate", type="application/cap+xml", href=href)


def file_of(name: str) -> str:
    """The file of the alert with this identifier."""
    return f"{name}.xml"


def listed(index: bytes) -> set[str]:
    """The identifiers that an index names; none where it is no index."""
    try:
        feed = etree.fromstring(index, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return set()
    return {found.text for found in feed.iterfind(f"{{{_ATOM}}}entry/{{{_ATOM}}}id") if found.text}


def chain(alerts: Iterable[wire.Read], triple: str) -> list[wire.Read]:
    """The alerts that belong together with the one named, oldest first: who refers, and who is referred to."""
    known = list(alerts)
    heads = _heads(known)
    return [alert for alert in known if heads[alert.triple] == heads.get(triple, triple)]


def shown(alerts: Sequence[wire.Read], now: datetime) -> list[wire.Read]:
    """What the index lists, in the order given: whose chain has a member that has not expired or came late."""
    heads = _heads(alerts)
    alive = {heads[alert.triple] for alert in alerts if _listed_until(alert) > now}
    kept = [alert for alert in alerts if heads[alert.triple] in alive]
    replaced = {name for alert in kept for name in alert.references}
    spare = max(0, len(kept) - MOST_LISTED)
    left = {alert.triple for alert in [one for one in kept if one.triple in replaced][:spare]}
    return [alert for alert in kept if alert.triple not in left]


def _heads(alerts: Iterable[wire.Read]) -> dict[str, str]:
    """For each name, that of one member of its chain, the same for the whole chain."""
    heads: dict[str, str] = {}

    def head(name: str) -> str:
        while (above := heads.setdefault(name, name)) != name:
            heads[name] = heads[above]
            name = above
        return name

    for alert in alerts:
        for named in (alert.triple, *alert.references):
            heads[head(named)] = head(alert.triple)
    return {name: head(name) for name in list(heads)}


def _listed_until(alert: wire.Read) -> datetime:
    return max(alert.expires, alert.sent + LATE) if alert.references else alert.expires


def _element(parent: etree._Element, tag: str, text: str = "", **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, f"{{{_ATOM}}}{tag}", attributes)
    element.text = text or None
    return element


def _atom_time(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

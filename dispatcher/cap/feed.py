"""A list of alerts, Atom 1.0 or RSS 2.0, as the addresses it gives. Entries are hints: the alert itself is fetched.

Rules (reference: cap 3.8)
  1. Read as strictly as an alert: the same limits, no document type, nothing loaded.
  2. Of an entry's links the one typed as CAP counts, else its first that is not to itself; relative ones are by the
     list's own address.
  3. An entry that gives no address is a fault of its own and keeps nothing from the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from lxml import etree

from dispatcher.cap.reader import parsed
from dispatcher.cap.report import Fault, Unreadable, quoted

MAX_LIST_BYTES = 1_000_000
"""Of a list (Google's feeds have 900 kB at most; reference: cap 3.8)."""

MAX_ENTRIES = 500
CAP_TYPES = ("application/cap+xml", "application/common-alerting-protocol+xml")

_ATOM = "{http://www.w3.org/2005/Atom}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: where its alert is, and a digest of what the list says of it, by which a change is noticed."""

    address: str
    mark: str


@dataclass(frozen=True, slots=True)
class Listed:
    """The entries of a list, and in words what is wrong with others."""

    entries: tuple[Entry, ...]
    faults: tuple[str, ...]


def read_list(data: bytes, address: str) -> Listed:
    """Read a list that came from ``address``. Raises Unreadable for anything else."""
    if len(data) > MAX_LIST_BYTES:
        advice = f"the list has {len(data)} bytes: ask its sender for one of {MAX_LIST_BYTES} at most"
        raise Unreadable(Fault("too-large", "", advice))
    root = parsed(data)
    match etree.QName(root).localname:
        case "feed":
            items = root.findall(f"{_ATOM}entry")
        case "rss":
            items = root.findall("channel/item")
        case name:
            advice = f"the document is {quoted(name)}: give the address of an Atom or RSS list"
            raise Unreadable(Fault("not-a-list", "", advice))
    entries, faults = [], []
    for number, item in enumerate(items[:MAX_ENTRIES], 1):
        link = next(_links(item), "")
        target = urljoin(address, link.strip())
        if not link.strip() or urlsplit(target).scheme not in ("http", "https"):
            faults.append(f"entry {number} has no address of an alert")
        else:
            entries.append(Entry(target, _mark(item, target)))
    if len(items) > MAX_ENTRIES:
        faults.append(f"the list has {len(items)} entries: only the first {MAX_ENTRIES} are looked at")
    return Listed(tuple(entries), tuple(faults))


def _links(item: etree._Element) -> Iterator[str]:
    links = item.findall(f"{_ATOM}link")
    yield from (link.get("href", "") for link in links if link.get("type", "").lower() in CAP_TYPES)
    yield from (link.get("href", "") for link in links if link.get("rel", "alternate") == "alternate")
    yield from (link.text or "" for link in item.findall("link"))
    yield from (one.get("url", "") for one in item.findall("enclosure") if one.get("type", "").lower() in CAP_TYPES)


def _mark(item: etree._Element, target: str) -> str:
    """A new date is a new look; entries without any are looked at once."""
    dates = [item.findtext(name) or "" for name in (f"{_ATOM}updated", "pubDate", f"{_ATOM}id", "guid")]
    return hashlib.sha256("\n".join([target, *dates]).encode()).hexdigest()[:32]

"""Lists of alerts: Atom and RSS, as public sources write them."""

from pathlib import Path

import pytest

from dispatcher.cap.feed import MAX_ENTRIES, read_list
from dispatcher.cap.report import Unreadable

ADDRESS = "https://alerts.example/rivers/feed.atom"


def atom(*entries: str) -> bytes:
    """An Atom list."""
    inner = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{inner}</feed>'.encode()


def addresses(data: bytes) -> list[str]:
    """The alerts that a list gives."""
    return [entry.address for entry in read_list(data, ADDRESS).entries]


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ('<link href="1.xml"/>', "https://alerts.example/rivers/1.xml"),
        ('<link rel="self" href="0"/><link href="/1.xml"/>', "https://alerts.example/1.xml"),
        (
            '<link href="page.html"/><link type="application/cap+xml" href="1.xml"/>',
            "https://alerts.example/rivers/1.xml",
        ),
    ],
)
def test_the_link_to_the_alert_is_chosen(entry: str, address: str) -> None:
    """The one typed as CAP, else the first that is not to the entry itself, by the list's address."""
    assert addresses(atom(entry)) == [address]


def test_an_rss_list_is_as_good() -> None:
    """Its items' links, or an enclosure."""
    items = (
        '<item><link>https://a.example/1</link></item><item><enclosure type="application/cap+xml" url="2"/></item>'
    )
    data = f"<rss><channel>{items}</channel></rss>".encode()
    assert addresses(data) == ["https://a.example/1", "https://alerts.example/rivers/2"]


@pytest.mark.parametrize("link", ["", '<link href="javascript:alert(1)"/>', '<link href="file:///etc/passwd"/>'])
def test_an_entry_without_an_address_is_a_fault_of_its_own(link: str) -> None:
    """And the others are there."""
    listed = read_list(atom(link, '<link href="1.xml"/>'), ADDRESS)
    assert (len(listed.entries), len(listed.faults)) == (1, 1)


def test_a_new_date_makes_an_entry_new() -> None:
    """The same link with another date is looked at again."""
    marks = {
        read_list(atom(f'<updated>{day}</updated><link href="1.xml"/>'), ADDRESS).entries[0].mark for day in (1, 1, 2)
    }
    assert len(marks) == 2


def test_an_endless_list_is_cut_off_aloud() -> None:
    """Its first entries count."""
    listed = read_list(atom(*['<link href="1.xml"/>'] * (MAX_ENTRIES + 1)), ADDRESS)
    assert (len(listed.entries), len(listed.faults)) == (MAX_ENTRIES, 1)


@pytest.mark.parametrize("data", [b"", b"<html/>", b'<!DOCTYPE feed [<!ENTITY x "y">]><feed/>', b" " * 1_000_001])
def test_what_is_no_list_is_unreadable(data: bytes) -> None:
    """With a reason in words, and as strictly as an alert."""
    with pytest.raises(Unreadable):
        read_list(data, ADDRESS)


def test_public_lists_can_be_read(samples: Path) -> None:
    """Each of the sample set's is a list with addresses, or is refused with a reason."""
    if not samples.is_dir():
        pytest.skip("no ../shared/cap-samples beside the repository")
    read = {}
    for file in sorted((samples / "feeds").iterdir()):
        try:
            read[file.name] = len(read_list(file.read_bytes(), ADDRESS).entries)
        except Unreadable as error:
            read[file.name] = -len(error.faults)
    assert read["google-weather_index.atom"] > 0
    assert read["ibm-nws_atom_feed_example.xml"] > 100
    assert read["google-ny_index.rss"] > 0
    assert all(read[name] < 0 for name in read if name.endswith(".edxlde"))

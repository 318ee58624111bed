"""A feed of a long night: what its index leaves out, and what it never does."""

from datetime import timedelta

from channels.cap_feed import wire
from channels.cap_feed.folder import MOST_LISTED, shown
from channels.contract import LanguageText, Seen
from tests.channels.cap_feed.conftest import NOON
from tests.channels.cap_feed.test_fetched import INDEX, seen_of


def alert(number, *references):
    """The alert with this number, sent that many seconds past noon."""
    sent, text = NOON + timedelta(seconds=number), LanguageText("en-GB", "River rising", "", "")
    triple = f"alerts@city.example,d-{number},{wire.cap_time(sent)}"
    return wire.Read(f"d-{number}", triple, sent, "Actual", references, NOON + timedelta(hours=6), (text,))


def test_of_too_many_the_oldest_that_were_replaced_are_left_out():
    """Five updates of one alert, and one entry more than there is room for."""
    chained = [alert(0)]
    for number in range(1, 6):
        chained.append(alert(number, *(one.triple for one in chained)))
    others = [alert(number) for number in range(6, MOST_LISTED + 2)]
    assert shown([*chained, *others], NOON) == [*chained[2:], *others]


def test_what_nothing_replaced_stays_in_the_index_however_much_it_is():
    """A reader that comes late must learn of every alert that stands, of its update and of its cancel."""
    first = alert(0)
    update = alert(1, first.triple)
    standing = [alert(number) for number in range(2, MOST_LISTED + 10)]
    assert shown([first, update, *standing], NOON) == [update, *standing]


def test_up_to_the_limit_nothing_is_left_out():
    """A reader that asks now and then sees the whole of a chain."""
    first = alert(0)
    alerts = [first, alert(1, first.triple), *(alert(number) for number in range(2, MOST_LISTED))]
    assert shown(alerts, NOON) == alerts


def test_an_index_of_two_thousand_entries_is_fetched_back(tmp_path):
    """It is well over what is read of a platform's answer."""

    def lengthened(www):
        whole = (www / INDEX).read_bytes()
        start, end = whole.index(b"<entry>"), whole.index(b"</entry>") + len(b"</entry>")
        (www / INDEX).write_bytes(whole[:end] + whole[start:end].replace(b"d-1", b"d-2") * 2_000 + whole[end:])
        assert (www / INDEX).stat().st_size > 1.5 * 256 * 1024

    seen, _ = seen_of(tmp_path, lengthened)
    assert seen.seen is Seen.VISIBLE

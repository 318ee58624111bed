"""The charts: each states what its own values say, has them as a table, and tells nothing by colour alone."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from lxml import etree

from ops.review import bars, times
from ops.review.document import Figure
from tests.ops.review.example import example, untouched

FOUND = example()
PATH, END, DIRECTOR = FOUND.paths[0], "its first public post", "director-1 (duty director)"
CHARTS = {
    "timeline": times.timeline(FOUND.events, "timeline"),
    "accepted": times.accepted(FOUND.progress[0], FOUND.tallies, "accepted"),
    "latency": bars.latency(FOUND.latency, "latency"),
    "retries": bars.retries(FOUND.tallies, "retries"),
    "minutes": bars.minutes(PATH, "minutes"),
}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("timeline", "15 min 1 s from the first mark to the first public post; last: stood down by director-1"),
        (
            "accepted",
            "11,990 of 12,010 message deliveries were accepted, half of these within 1 min and the last within 2 min",
        ),
        ("latency", "Slowest was notify, message: 5.9 s at the median, 4.8 s of it in our queue"),
        ("retries", "106 of 12,020 deliveries took more than one attempt; 20 did not end well"),
        (
            "minutes",
            f"Of the 15 min 1 s from the start of {PATH.message} to {END}, 7 min went by waiting for {DIRECTOR}",
        ),
    ],
)
def test_a_title_states_the_finding(name: str, says: str) -> None:
    """Worked out from the values, not from what one expects."""
    assert CHARTS[name].title == says


def test_the_title_of_another_record_is_another() -> None:
    """With one wait longer, somebody else is named."""
    spans = (replace(PATH.spans[0], start=PATH.start.replace(hour=6)), *PATH.spans[1:])
    assert "waiting for author-1 (author)" in bars.minutes(replace(PATH, spans=spans), "minutes").title


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_read_aloud_by_its_title(name: str) -> None:
    """Its role, name and description are those of an image, and its letters are letters."""
    svg = etree.fromstring(CHARTS[name].svg)
    told = {str(one.get("id")): one.text for one in svg if one.get("id")}
    assert svg.get("role") == "img"
    assert told[str(svg.get("aria-labelledby")).partition(" ")[0]] == CHARTS[name].title
    assert svg.findall(".//{*}text")


UNITS = {
    "timeline": "time, UTC (+00:00)",
    "accepted": "UTC (+00:00)",
    "latency": "in seconds",
    "retries": "deliveries",
    "minutes": "in minutes",
}


@pytest.mark.parametrize(("name", "words"), UNITS.items())
def test_an_axis_says_what_it_counts(name: str, words: str) -> None:
    """Its unit, and for a moment the offset."""
    assert any(words in text for text in letters(CHARTS[name]))


def letters(figure: Figure) -> list[str]:
    """Every text of a chart."""
    return [str(text.text) for text in etree.fromstring(figure.svg).iterfind(".//{*}text")]


def test_every_bar_says_its_value() -> None:
    """Beside the bar, as in the table."""
    rows = {row[1] for row in CHARTS["minutes"].twin.rows}
    assert rows <= set(letters(CHARTS["minutes"]))


def test_every_mark_says_what_it_is() -> None:
    """In the lane where it happened."""
    assert {event.label for event in FOUND.events} <= set(letters(CHARTS["timeline"]))


def test_labels_are_no_formulas_and_no_markup() -> None:
    """Other people's words stand in a chart as they were written; what cannot be seen is spelled out."""
    words = "$x_2$ <b>&amp; a\u202eb\x00"
    drawn = times.timeline([replace(FOUND.events[0], label=words)], "timeline")
    assert "$x_2$ <b>&amp; a[U+202E]b[U+0000]" in letters(drawn)


def test_bars_of_one_chart_differ_in_more_than_colour() -> None:
    """Each kind has a hatch of its own; one may be plain."""
    svg = CHARTS["latency"].svg
    assert svg.count("<pattern ") == 2


def test_no_text_stands_on_its_side() -> None:
    """Nothing is to be read with the head turned."""
    turned = re.findall(r"rotate\((-?[\d.]+)", "".join(one.svg for one in CHARTS.values()))
    assert {float(turn) for turn in turned} == {0.0}


def test_the_table_has_the_values_of_the_chart() -> None:
    """To the last step; thinned out where there are many."""
    twin = CHARTS["accepted"].twin
    assert twin.heads == ("After", "x", "bluesky", "mastodon", "facebook", "cap feed", "notify")
    assert twin.rows[-1] == ("2 min", "2", "2", "2", "2", "2", "11,980")
    assert len(twin.rows) <= times.STEPS_IN_TABLE + 1


def test_a_channel_that_accepted_nothing_is_there() -> None:
    """What did not arrive must not be left out of the picture."""
    silent = replace(FOUND.tallies[0], channel="tiktok", states={"held": 3})
    drawn = times.accepted(FOUND.progress[0], (*FOUND.tallies, silent), "accepted")
    assert "0 of 3" in letters(drawn)


def test_many_marks_leave_their_words_to_the_table() -> None:
    """So that a chart of a long night stays on its page."""
    many = FOUND.events * 6
    drawn = times.timeline(many, "timeline")
    assert len(drawn.twin.rows) == len(many)
    assert not {event.label for event in many} & set(letters(drawn))


def test_nothing_to_show_is_said_and_not_drawn() -> None:
    """A chart of nothing is no chart."""
    empty = untouched()
    assert times.timeline(empty.events, "timeline") == Figure(
        "Nothing has happened yet", "", times.timeline(empty.events, "timeline").twin
    )
    assert (bars.latency((), "latency").svg, bars.retries((), "retries").svg) == ("", "")
    assert bars.latency((), "latency").title == "No latency was measured: nothing was sent"

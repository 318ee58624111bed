"""Captions: read whole or not at all, and written in one way."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.media.captions import MAX_BYTES, Cue, clean, read, written
from channels.media.residue import residue
from channels.media.structure import MediaError

CUE = "00:00:00.500 --> 00:00:02.000\nStay in\n"
PLAIN = f"WEBVTT\n\n{CUE}".encode()


def vtt(*blocks: str, header: str = "WEBVTT") -> bytes:
    return "\n\n".join([header, *blocks, ""]).encode()


@pytest.mark.parametrize(
    "given",
    [
        PLAIN,
        PLAIN.replace(b"\n", b"\r\n"),
        PLAIN.replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + PLAIN,
        PLAIN.rstrip(),
        vtt(CUE, header="WEBVTT - by A. Nother\nKind: captions\nX-Source: secret"),
        vtt("NOTE by A. Nother\nfilmed at home", CUE, "NOTE"),
        vtt(f"cue-1\n{CUE}"),
        vtt("00:00.500 --> 00:02.000\nStay  \t in "),
    ],
)
def test_the_same_words_and_times_are_the_same_bytes(given: bytes) -> None:
    """Names, comments and what follows the header are left behind, and so is how it was written."""
    assert clean(given, 2_000, exercise=False) == PLAIN


def test_every_cue_of_an_exercise_says_so() -> None:
    """On its first line, once."""
    marked = clean(vtt(CUE, "00:00:02.000 --> 00:00:03.000\nEXERCISE\nStay out"), 3_000, exercise=True)
    assert [cue.text for cue in read(marked)] == ["EXERCISE\nStay in", "EXERCISE\nStay out"]


def test_letters_that_stand_for_markup_are_words() -> None:
    """Written as WebVTT writes them, and read back."""
    made = written((Cue(0, 1_000, "< 5 m & rising -->", 1),))
    assert b"&lt; 5 m &amp; rising --&gt;" in made
    assert read(made)[0].text == "< 5 m & rising -->"


def test_cues_may_be_shown_together() -> None:
    """Two people speak at once."""
    assert len(read(vtt(CUE, "00:00:00.500 --> 00:00:01.000\nGo"))) == 2


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (b"", "begin with WEBVTT"),
        (b"1\n00:00:01,000 --> 00:00:02,000\nStay in\n", "begin with WEBVTT"),
        (b"WEBVTTx\n", "begin with WEBVTT"),
        (b"WEBVTT\n\n\xff", "not UTF-8"),
        (b"WEBVTT\n" + CUE.encode(), "line 2: leave a blank line"),
        (vtt(), "no cue"),
        (vtt("NOTE nothing"), "no cue"),
        (vtt("Stay in"), "line 3: no cue's times"),
        (vtt("a name\nStay in"), "line 4: no cue's times"),
        (vtt("00:00:01,000 --> 00:00:02,000\nStay in"), "line 3: no cue's times"),
        (vtt("00:61.000 --> 00:62.000\nStay in"), "line 3: no cue's times"),
        (vtt("00:02.000 --> 00:02.000\nStay in"), "line 3: the cue ends before it begins"),
        (vtt(CUE, "00:00.400 --> 00:02.000\nStay in"), "line 7: the cue begins before the one above"),
        (vtt("00:01.000 --> 00:02.001\nStay in"), "line 3: the cue ends after the video, which ends at 00:00:02.000"),
        (vtt("00:01.000 --> 00:02.000"), "line 3: the cue has no words"),
        (vtt("00:01.000 --> 00:02.000 line:0\nStay in"), "line 3: 'line:0' places the cue"),
        (vtt("00:01.000 --> 00:02.000\n<v Ann>Stay in"), "line 3: .* markup"),
        (vtt("00:01.000 --> 00:02.000\nStay&nbsp;in"), "line 3: .* markup"),
        (vtt("STYLE\n::cue { color: red }", CUE), "line 3: STYLE is not taken"),
        (vtt("REGION\nid:a", CUE), "line 3: REGION is not taken"),
        (vtt("00:01.000 --> 00:02.000\nStay\u202e in"), "line 3: invisible character U.202E"),
        (b"WEBVTT\n\n" + bytes(MAX_BYTES), "at most 500,000"),
    ],
)
def test_what_a_player_would_skip_or_show_otherwise_is_refused(given: bytes, why: str) -> None:
    """With its line."""
    with pytest.raises(MediaError, match=why):
        clean(given, 2_000, exercise=False)


@pytest.mark.parametrize(
    "given", [PLAIN + b"\n", PLAIN.replace(b"WEBVTT", b"WEBVTT secret"), vtt("NOTE secret", CUE), b"WEBVTT\n"]
)
def test_whoever_sends_sees_what_is_more_than_words_and_times(given: bytes) -> None:
    """Of what cleaning writes nothing is."""
    assert residue(PLAIN) == ()
    assert residue(given)


words = st.text("aŵ日🌊<&>-;l", min_size=1, max_size=9)
times = st.lists(st.integers(0, 10**7), min_size=2, max_size=8, unique=True).map(sorted)


@given(times, st.data())
def test_whatever_is_written_reads_back(moments: list[int], data: st.DataObject) -> None:
    """Word for word, at the same times, and clean."""
    cues = [(a, b, data.draw(words)) for a, b in pairwise(moments)]
    made = clean(written(Cue(*one, 1) for one in cues), 10**7, exercise=False)
    assert residue(made) == ()
    assert written(read(made)) == made
    assert [(cue.starts_ms, cue.ends_ms) for cue in read(made)] == [(a, b) for a, b, _ in cues]


@given(st.binary(max_size=60))
def test_hostile_bytes_are_refused_and_never_break_anything(rest: bytes) -> None:
    """Behind the header."""
    try:
        read(b"WEBVTT\n\n" + rest)
    except MediaError as error:
        assert str(error)  # noqa: PT017 - either end is right
    assert all(isinstance(one, str) for one in residue(b"WEBVTT" + rest))

"""The table of looks, and the copies of pictures."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from channels.capabilities import MediaKind
from channels.contract import Account, Rendering
from channels.medium import Part
from dispatcher.domain.message import TextKind
from dispatcher.domain.statement import Mode
from dispatcher.sending.media import MediaFolder
from dispatcher.service.previewing import Sheet, card
from ops.preview import looks, stills
from ops.preview.looks import Look, look_of
from ops.preview.page import HERE, page
from tests.channels.media.films import TURNS, turned
from tests.filmed import video
from tests.ops.preview.example import OURS, sheet, stored


@pytest.fixture
def folder(tmp_path: Path) -> MediaFolder:
    """An empty folder of media."""
    return MediaFolder(tmp_path / "media")


def test_every_channel_of_ours_has_a_look_and_every_look_a_style() -> None:
    """A row that is missing or misspelt is found here."""
    style = (HERE / "style.css").read_text()
    assert [name for name in OURS if look_of(name) == Look()] == []
    assert {look_of(name).shape for name in OURS} - set(re.findall(r"\.look--(\w+)", style)) == {"post"}


def test_a_channel_without_a_row_gets_a_plain_card(folder: MediaFolder) -> None:
    """A third party's, with its text and how long it is."""
    pigeon = Account("pigeon-1", "pigeon", "the loft", ("cy",))
    rendering = Rendering("pigeon", "pigeon-1", TextKind.PUBLISH, (Part("cy", "Arhoswch <b>i mewn</b>"),))
    whole = sheet(folder, (), kinds=())
    shown = page(replace(whole, cards=(card(pigeon, TextKind.PUBLISH, rendering, None, (), 0),)), folder)
    assert 'class="look look--plain"' in shown
    assert "Arhoswch &lt;b&gt;i mewn&lt;/b&gt;</div>" in shown
    assert "22 characters" in shown


def test_facts_are_words_or_data() -> None:
    """A list of words is words; anything else that has parts is data; what is empty is left out."""
    look = Look(facts={"Area": "area", "Data": "data", "More": "web", "Count": "count"})
    options = {"area": ["Old Town", "Harbour"], "data": {"a": ["ŷ"]}, "web": "", "count": 3}
    assert list(look.told(options)) == [
        ("Area", "Old Town, Harbour", False),
        ("Data", '{\n  "a": [\n    "ŷ"\n  ]\n}', True),
        ("Count", "3", False),
    ]


def test_a_copy_is_small_and_of_the_stored_file(folder: MediaFolder) -> None:
    """A picture and the first picture of a video, within the limits of a copy."""
    for medium in stored(folder, Mode.LIVE).values():
        kind, _, data = stills.Stills(folder).address(medium).partition(";base64,")
        assert kind in ("data:image/png", "data:image/jpeg")
        with Image.open(BytesIO(b64decode(data))) as image:
            assert image.width <= stills.COPY.max_width
            assert abs(image.width / image.height - medium.width / medium.height) < 0.02


@pytest.mark.parametrize("quarter", [90, 180, 270])
def test_a_video_that_was_held_sideways_stands_upright(quarter: int) -> None:
    """As every player shows it."""
    from channels.media.video import still

    upright, side = video().width, video().height
    with Image.open(BytesIO(still(turned(video().data, TURNS[quarter])))) as image:
        assert image.size == ((upright, side) if quarter == 180 else (side, upright))


def test_a_file_that_is_not_there_is_its_alternative_text(folder: MediaFolder, tmp_path: Path) -> None:
    """The page is made all the same."""
    picture = stored(folder, Mode.LIVE)[MediaKind.PICTURE]
    assert stills.Stills(MediaFolder(tmp_path / "nowhere")).address(picture) == ""


def test_a_page_does_not_grow_beyond_its_limit(folder: MediaFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same picture counts each time; when the page is full, the rest is alternative text."""
    picture, made = stored(folder, Mode.LIVE)[MediaKind.PICTURE], stills.Stills(folder)
    size = len(b64decode(made.address(picture).partition(",")[2]))
    monkeypatch.setattr(stills, "PAGE_BYTES", 2 * size)
    full = stills.Stills(folder)
    assert [bool(full.address(picture)) for _ in range(3)] == [True, True, False]


def test_the_page_asks_for_nothing_and_runs_nothing(folder: MediaFolder) -> None:
    """No script, no address but pictures' own data, and a policy that would forbid the rest."""
    shown = page(sheet(folder), folder)
    assert "<script" not in shown
    assert set(re.findall(r'src="(\w+):', shown)) == {"data"}
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', shown)
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy
    assert looks.FILE.name not in shown


def test_the_same_sheet_is_the_same_page(folder: MediaFolder) -> None:
    """To the byte."""
    shown: Sheet = sheet(folder)
    assert page(shown, folder) == page(shown, folder)

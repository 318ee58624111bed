"""The rendering's document: the same as ever without media, and with them nothing left open."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from channels.capabilities import MediaKind
from channels.contract import Caption, DeliveryKind, Job, Medium, Part, Rendering
from dispatcher.domain import canonical
from tests.cast import NOW

PICTURE = Medium(f"sha256:{'a' * 64}", MediaKind.PICTURE, "image/png", 9, 8, 7, (Part("en", "Map"),))
CAPTION = Caption("en", f"sha256:{'b' * 64}", 60)
VIDEO = Medium(f"sha256:{'c' * 64}", MediaKind.VIDEO, "video/mp4", 9, 8, 7, (Part("en", "Map"),), 1500, (CAPTION,))
PLAIN = Rendering("x", "a1", DeliveryKind.PUBLISH, (Part("en", "Flood"),), {"languages": ["en"]})
PICTURED = Rendering("x", "a1", DeliveryKind.PUBLISH, (Part("en", "Flood"),), {"languages": ["en"]}, (PICTURE,))
FILMED = Rendering("x", "a1", DeliveryKind.PUBLISH, (Part("en", "Flood"),), {"languages": ["en"]}, (VIDEO,))


def test_a_rendering_without_media_has_no_key_for_them() -> None:
    """What was signed before there were media keeps its digest."""
    assert canonical.encode(PLAIN.document()) == (
        b'{"account":"a1","channel":"x","kind":"publish","options":{"languages":["en"]},'
        b'"parts":[{"language":"en","text":"Flood"}],"schema":"rendering/v1"}'
    )


@pytest.mark.parametrize("rendering", [PLAIN, PICTURED, FILMED])
def test_a_document_reads_back(rendering: Rendering) -> None:
    """Through its canonical bytes."""
    document: Any = canonical.decode(canonical.encode(rendering.document()))
    assert Rendering.from_document(document) == rendering


def test_a_picture_has_no_key_for_what_videos_have() -> None:
    """What was signed before there were videos keeps its digest."""
    assert PICTURE.document().keys() == {"digest", "kind", "mime", "size", "width", "height", "alt"}
    assert VIDEO.document().keys() - PICTURE.document().keys() == {"duration_ms", "captions"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("digest", "../../etc/passwd"),
        ("digest", f"sha256:{'A' * 64}"),
        ("digest", f"sha256:{'a' * 64}\n"),
        ("kind", "song"),
        ("mime", 1),
        ("size", "9"),
        ("width", True),
        ("height", None),
        ("alt", {}),
        ("alt", [{"language": "en"}]),
        ("surplus", 1),
        ("duration_ms", 0),
        ("duration_ms", "1500"),
        ("captions", []),
        ("captions", {}),
        ("captions", [{"language": "en", "digest": "../../etc/passwd", "size": 1}]),
        ("captions", [{"language": "en", "digest": f"sha256:{'b' * 64}", "size": "1"}]),
        ("captions", [{"language": "en", "digest": f"sha256:{'b' * 64}"}]),
    ],
)
def test_a_medium_that_is_not_as_written_is_refused(name: str, value: object) -> None:
    """A rendering that holds one cannot be read."""
    document: Any = deepcopy(PICTURED.document())
    document["media"][0][name] = value
    with pytest.raises((ValueError, TypeError)):
        Rendering.from_document(document)


@pytest.mark.parametrize("media", [[], {}, None, [1]])
def test_a_list_of_media_holds_media(media: object) -> None:
    """An empty one is not written, and so not read."""
    with pytest.raises((ValueError, TypeError)):
        Rendering.from_document({**PICTURED.document(), "media": media})  # type: ignore[dict-item]


def test_the_bytes_do_not_show() -> None:
    """A job in a log holds no picture."""
    assert "planted" not in repr(Job("d", 1, PICTURED, NOW, 1.0, media={PICTURE.digest: b"planted"}))

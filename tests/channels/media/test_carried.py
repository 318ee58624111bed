"""A post's pictures: one alternative text each, in the account's languages, within what the channel takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from channels.capabilities import MediaKind, MediaLimit
from channels.contract import Account, Caption, Content, DeliveryKind, Medium, Part, RenderError, Rendering
from channels.media.carried import address_of, carried, media_problems

LIMIT = MediaLimit(MediaKind.PICTURE, ("image/png",), 1_000, 100, 50, 2, 20)
ALT = (Part("cy", "Map y llif"), Part("en-GB", " Flood map "))
PICTURE = Medium(f"sha256:{'a' * 64}", MediaKind.PICTURE, "image/png", 1_000, 100, 50, ALT)
CONTENT = Content(
    DeliveryKind.PUBLISH, (), datetime(2026, 11, 22, tzinfo=UTC), "City", exercise=False, media=(PICTURE,)
)


def alt(*languages: str, content: Content = CONTENT) -> tuple[Part, ...]:
    (medium,) = carried(content, Account("a", "x", "@city", languages))
    return medium.alt


def test_the_text_is_in_the_accounts_language() -> None:
    """One language stays itself."""
    assert alt("en-GB") == (Part("en-GB", "Flood map"),)


def test_several_languages_are_one_text_in_the_accounts_order() -> None:
    """As in the post itself."""
    assert alt("en-GB", "cy") == (Part("mul", "Flood map\n\nMap y llif"),)


def test_who_cannot_see_the_picture_hears_that_it_is_an_exercise() -> None:
    """The text begins as the post does."""
    (part,) = alt("cy", content=replace(CONTENT, exercise=True))
    assert part.text == "EXERCISE EXERCISE EXERCISE\n\nMap y llif"


def test_a_language_without_a_text_is_refused() -> None:
    """Naming the account, the language and what to do."""
    with pytest.raises(RenderError, match=r"@city posts in pl, .* attach the same file again"):
        alt("pl", "cy")


@pytest.mark.parametrize(("mime", "suffix"), [("image/png", ".png"), ("image/jpeg", ".jpg")])
@pytest.mark.parametrize("base", ["https://media.example/alerts", "https://media.example/alerts/"])
def test_a_picture_is_fetched_under_the_digest_of_its_bytes(base: str, mime: str, suffix: str) -> None:
    """Wherever the folder of media is served."""
    found = address_of(replace(PICTURE, mime=mime), base)
    assert found == f"https://media.example/alerts/{'a' * 64}{suffix}"


def problems(*media: Medium, limits: tuple[MediaLimit, ...] = (LIMIT,)) -> list[str]:
    return media_problems(Rendering("x", "a", DeliveryKind.PUBLISH, (), {}, media), limits)


FINE = replace(PICTURE, alt=(Part("en-GB", "x" * 20),))


def test_pictures_at_every_limit_are_taken() -> None:
    """As many, as large, as long."""
    assert problems(FINE, FINE) == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"mime": "image/jpeg"}, "takes no image/jpeg"),
        ({"size": 1_001}, "1,001 of at most 1,000 bytes"),
        ({"width": 101}, "101 by 50 of at most 100 by 50 pixels"),
        ({"height": 51}, "100 by 51 of at most"),
        ({"alt": (Part("en", "x" * 21),)}, "21 of at most 20 characters"),
        ({"alt": ()}, "one text"),
        ({"alt": (Part("en", " "),)}, "one text"),
        ({"alt": ALT}, "one text"),
        ({"alt": (Part("en", "a\u202eb"),)}, ""),
        ({"kind": MediaKind.VIDEO}, "takes none"),
    ],
)
def test_one_step_beyond_a_limit_is_a_problem(change: dict[str, Any], why: str) -> None:
    """Which picture, and what is wrong."""
    (found,) = problems(FINE, replace(FINE, **change))
    assert found.startswith(f"{change.get('kind', 'picture')} 2: ")
    assert why in found


def test_one_picture_too_many_is_a_problem() -> None:
    """With the count and the limit."""
    assert problems(FINE, FINE, FINE) == ["the post has 3 of at most 2 pictures; detach them, and attach fewer"]


SHAPED = replace(LIMIT, narrowest=4 / 5, widest=1.91, least=1)


@pytest.mark.parametrize(
    ("width", "height", "fits"), [(40, 50, True), (39, 50, False), (95, 50, True), (96, 50, False)]
)
def test_a_picture_has_a_shape_that_the_channel_takes(width: int, height: int, fits: bool) -> None:
    """Nothing is cropped: who attached it takes another."""
    found = problems(replace(FINE, width=width, height=height), limits=(SHAPED,))
    assert bool(found) is not fits
    assert all("takes pictures from 0.8 to 1.91 times as wide as high; attach another" in one for one in found)


def test_a_post_that_needs_a_picture_says_so() -> None:
    """And how one is attached; the way back is text, and needs none."""
    assert problems(limits=(SHAPED,)) == [
        "this channel takes no post without a picture; attach one: dispatcher message attach"
    ]
    assert media_problems(Rendering("x", "a", DeliveryKind.CORRECT, ()), (SHAPED,)) == []


def test_a_channel_of_text_alone_takes_none() -> None:
    """A rendering that has one all the same is a problem, never sent without."""
    assert problems(FINE, limits=()) == ["picture 1: this channel takes none"]


FILM = replace(PICTURE, kind=MediaKind.VIDEO, mime="video/mp4", duration_ms=2_000)
CAPTIONS = tuple(Caption(tag, f"sha256:{'b' * 64}", 9) for tag in ("cy", "en-GB", "pl"))
FILMS = replace(LIMIT, kind=MediaKind.VIDEO, mimes=("video/mp4",), most=1, shortest_s=2.0, longest_s=3.0)


def captions(medium: Medium, *languages: str) -> tuple[str, ...]:
    """The languages of a video's captions in a rendering."""
    content = replace(CONTENT, media=(replace(medium, alt=(*ALT, Part("pl", "Rzeka"), Part("de", "Fluss"))),))
    (made,) = carried(content, Account("a", "x", "@city", languages))
    return tuple(caption.language for caption in made.captions)


def test_captions_are_in_the_accounts_languages() -> None:
    """In its order, and no others; a video without any is one without sound."""
    assert captions(replace(FILM, captions=CAPTIONS), "en-GB", "cy") == ("en-GB", "cy")
    assert captions(FILM, "de") == ()


def test_a_language_without_captions_is_refused() -> None:
    """Naming the account, the language and what to do."""
    with pytest.raises(RenderError, match=r"@city posts in de, and a video has no captions for it: .* --captions"):
        captions(replace(FILM, captions=CAPTIONS), "cy", "de")


@pytest.mark.parametrize(("ms", "fits"), [(1_999, False), (2_000, True), (3_000, True), (3_001, False)])
def test_a_video_is_as_long_as_the_channel_takes(ms: int, fits: bool) -> None:
    """Nothing is cut: who attached it takes another."""
    found = problems(replace(FILM, alt=FINE.alt, duration_ms=ms), limits=(FILMS,))
    assert bool(found) is not fits
    assert all("this channel takes videos from 2 to 3 seconds; attach another" in one for one in found)


def test_pictures_and_a_video_are_too_much_for_one_post() -> None:
    """Where the channel takes both; where it takes one kind it never gets the other."""
    both = (FINE, replace(FILM, alt=FINE.alt))
    assert problems(*both, limits=(LIMIT, FILMS)) == [
        "a post carries pictures or a video, not both; detach them, and attach one kind"
    ]


def test_a_post_that_needs_a_video_says_so() -> None:
    """And too many are counted as what they are."""
    assert problems(limits=(replace(FILMS, least=1),)) == [
        "this channel takes no post without a video; attach one: dispatcher message attach"
    ]
    either = (replace(LIMIT, least=1), replace(FILMS, least=1))
    assert problems(limits=either) == [
        "this channel takes no post without a picture or a video; attach one: dispatcher message attach"
    ]
    assert problems(FINE, limits=either) == []
    two = (replace(FILM, alt=FINE.alt),) * 2
    assert problems(*two, limits=(FILMS,)) == ["the post has 2 of at most 1 videos; detach them, and attach fewer"]

"""What a message becomes on YouTube, and what is refused when it is written."""

from dataclasses import replace
from datetime import timedelta

import pytest

from channels.contract import Account, Content, DeliveryKind, LanguageText, Part, RenderError, Secret
from channels.youtube.adapter import Adapter
from channels.youtube.simulator import credential
from tests.channels.youtube.conftest import CAPTIONS, CHANNEL, NOON, SETTINGS, VIDEO

CONTENT = Content(
    DeliveryKind.PUBLISH,
    (LanguageText("en", "River rising", "Move."), LanguageText("cy", "Afon yn codi", "Symudwch.")),
    NOON + timedelta(hours=4),
    "Example City",
    exercise=False,
    link="https://city.example/flood",
    media=(replace(VIDEO, alt=(Part("cy", "Map"), Part("en", "A map"))),),
)
ACCOUNT = Account("yt-1", "youtube", "@city", ("en", "cy"), SETTINGS)


def test_every_language_stands_in_title_and_description():
    """In the account's order; and what else YouTube is told stands in what people sign."""
    rendering = Adapter.render(CONTENT, replace(ACCOUNT, settings={**SETTINGS, "notify": "yes"}))
    assert [part.text for part in rendering.parts] == [
        "River rising\n\nMove.\n\nAfon yn codi\n\nSymudwch.\n\nhttps://city.example/flood"
    ]
    assert rendering.options == {
        "title": "River rising / Afon yn codi",
        "languages": ["en", "cy"],
        "privacy": "public",
        "made_for_kids": False,
        "notify_subscribers": True,
    }
    assert rendering.media[0].captions == CAPTIONS


@pytest.mark.parametrize(
    ("headline", "body", "says"),
    [
        ("x" * 100, "Move.", ""),
        ("x" * 101, "Move.", "the title has 101 of at most 100 characters"),
        ("", "é" * 2_500, "no title: write a headline"),
        ("Flood", "é" * 2_496, ""),
        ("Flood", "é" * 2_497, "the description has 5001 of at most 5000 bytes; shorten it by 1"),
        ("Flood <now>", "Move.", "no < and no >"),
        ("Flood", "Water > 2 m", "no < and no >"),
        ("Flo\u202eod", "Move.", "title: invisible character"),
        ("Flood", "See http://city.example", "is not https"),
    ],
)
def test_a_text_that_does_not_fit_is_refused(headline, body, says):
    """When it is written, with the figures; nothing is cut."""
    content = replace(CONTENT, texts=(LanguageText("en", headline, body),), link=None)
    account = replace(ACCOUNT, languages=("en",))
    if not says:
        assert Adapter.render(content, account).parts[0].text.endswith(body)
        return
    with pytest.raises(RenderError, match=says):
        Adapter.render(content, account)


def test_an_exercise_is_marked_in_its_title():
    """Which is what people see first."""
    rendering = Adapter.render(replace(CONTENT, exercise=True), ACCOUNT)
    assert rendering.options["title"] == "EXERCISE: River rising / Afon yn codi"
    bare = replace(rendering, options={**rendering.options, "title": "River rising"})
    assert "begin with EXERCISE:" in Adapter.problems(bare)[0]


@pytest.mark.parametrize("change", [{"privacy": "unlisted"}, {"made_for_kids": True}, {"languages": []}])
def test_options_that_are_not_ours_are_refused(change):
    """A rendering says what YouTube is told."""
    rendering = Adapter.render(CONTENT, ACCOUNT)
    assert Adapter.problems(replace(rendering, options={**rendering.options, **change}))


@pytest.mark.parametrize("settings", [{"channel_id": ""}, {"channel_id": "@city"}, {"audited": "y"}, {"notify": "1"}])
def test_an_account_whose_settings_are_unsound_is_refused(settings):
    """Before anything is sent."""
    with pytest.raises(ValueError, match="account yt-1"):
        Adapter(replace(ACCOUNT, settings={**SETTINGS, **settings}), credential(CHANNEL), None, None)


def test_a_credential_that_is_not_whole_is_refused():
    """It names what is missing."""
    with pytest.raises(ValueError, match="has no client_id and no client_secret"):
        Adapter(ACCOUNT, {"refresh_token": Secret("r")}, None, None)

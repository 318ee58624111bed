"""A post in several languages says which, so that the gate can see that every language is carried."""

from __future__ import annotations

from datetime import timedelta

import pytest

from channels import registry
from channels.contract import Account, Content, DeliveryKind, LanguageText
from dispatcher.sending.prepared import rendering_languages
from tests.cast import NOW


@pytest.mark.parametrize("channel", ["x", "bluesky", "facebook", "tiktok", "webhook", "social_paid"])
def test_a_rendering_says_which_languages_it_carries(channel: str) -> None:
    """Every channel's rendering names all languages of its account, one post or several."""
    settings = {"base_url": "https://city.example/hook", "from": "paid@city.example", "agency": "a@agency.example"}
    settings |= {"kill_contact": "k@agency.example", "inclusion_list": "list-1", "platforms": "Facebook"}
    account = Account("a-1", channel, "Example", ("en-GB", "cy"), {**settings, "audience": "adults"})
    texts = (LanguageText("en-GB", "Storm", "Stay in."), LanguageText("cy", "Storm", "Arhoswch."))
    content = Content(DeliveryKind.PUBLISH, texts, NOW + timedelta(hours=6), "Example City", exercise=True)
    rendering = registry.adapter(channel).render(content, account)
    assert rendering_languages(rendering) == {"en-GB", "cy"}

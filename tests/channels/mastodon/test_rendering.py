"""Mastodon: what is rendered and signed, and which settings are taken."""

import json
from dataclasses import replace

import pytest

from channels.capabilities import Rate
from channels.contract import Account, Part, RenderError, Secret
from channels.http import Http, HttpPolicy
from channels.mastodon.adapter import Adapter
from channels.mastodon.simulator import LIMITS

ACCOUNT = Account("a1", "mastodon", "@council", ("en-GB", "cy"), {"base_url": "https://social.example"})


def made(settings, credential=None):
    """An adapter with these settings."""
    account = replace(ACCOUNT, settings=settings)
    held = {"token": Secret("sim-1001")} if credential is None else credential
    return Adapter(account, held, Http(HttpPolicy(frozenset())), lambda: None)


def test_every_language_stands_in_one_post(content):
    """The account's languages follow each other, the link stands once at the end."""
    rendering = Adapter.render(content, ACCOUNT)
    assert rendering.parts == (
        Part(
            "mul",
            "River rising\n\nMove to higher ground.\nCall 999 if in danger.\n\n"
            "Afon yn codi\n\nSymudwch i dir uwch ŵ.\n\nhttps://city.example/flood",
        ),
    )


def test_what_is_signed_holds_visibility_and_the_servers_figures(content):
    """Approvers sign who can see the post, and by which limits it was counted."""
    settings = {"visibility": "unlisted", "max_characters": "5000", "characters_reserved_per_url": "30"}
    assert Adapter.render(content, replace(ACCOUNT, settings=settings)).options == {
        "languages": ["en-GB", "cy"],
        "visibility": "unlisted",
        "max_characters": 5000,
        "characters_reserved_per_url": 30,
    }


def test_a_rendering_too_long_says_the_count_and_the_limit(content):
    """The error names what the post counts, the limit, and by how much to shorten; nothing is cut."""
    long = replace(content, texts=tuple(replace(text, body="ŵ" * 300) for text in content.texts))
    with pytest.raises(RenderError, match="has 678 of at most 500 characters; shorten it by 178"):
        Adapter.render(long, ACCOUNT)


def test_a_server_with_a_higher_limit_takes_more(content):
    """The limit is the server's own, given by the account's settings."""
    long = replace(content, texts=tuple(replace(text, body="ŵ" * 300) for text in content.texts))
    assert Adapter.render(long, replace(ACCOUNT, settings={"max_characters": "700"})).parts


@pytest.mark.parametrize("value", ["", "0", "-1", "5e2", "100001", "٥٠٠", "9" * 5000])
def test_a_limit_that_is_no_sensible_number_is_a_render_error(content, value):
    """A slip in the settings is named and not guessed at."""
    with pytest.raises(RenderError, match="max_characters must be a whole number"):
        Adapter.render(content, replace(ACCOUNT, settings={"max_characters": value}))


def test_500_characters_pass_and_501_do_not(make_job):
    """The limit itself is sendable."""
    rendering = make_job("a" * 500).rendering
    assert Adapter.problems(rendering) == []
    assert len(Adapter.problems(replace(rendering, parts=(Part("en", "a" * 501),)))) == 1


@pytest.mark.parametrize("text", ["Rain http://example.gov.uk", "Rain\u202e", "", "  "])
def test_what_should_not_be_sent_is_a_problem(make_job, text):
    """Plain http, hidden characters and empty posts are problems."""
    assert Adapter.problems(make_job(text).rendering) != []


@pytest.mark.parametrize(
    "changes",
    [
        {"visibility": "direct"},
        {"visibility": "private"},
        {"visibility": None},
        {"languages": []},
        {"languages": ["en", 1]},
        {"max_characters": None},
        {"max_characters": True},
        {"characters_reserved_per_url": 10**9},
    ],
)
def test_options_that_no_public_post_has_are_a_problem(make_job, changes):
    """A warning is for everybody, in named languages, counted by known figures."""
    rendering = make_job().rendering
    assert len(Adapter.problems(replace(rendering, options={**rendering.options, **changes}))) == 1


def test_a_credential_without_a_token_is_refused_at_once():
    """The adapter cannot be made without its token, and says which account lacks it."""
    with pytest.raises(ValueError, match="@council on Mastodon has no 'token'"):
        made({"base_url": "https://social.example"}, {})


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"base_url": ""}, "base_url"),
        ({"account_id": "../1"}, "account_id"),
        ({"visibility": "direct"}, "visibility must be public or unlisted"),
        ({"keeps_keys": "maybe"}, "keeps_keys must be yes or no"),
        ({"max_characters": "many"}, "max_characters must be a whole number"),
    ],
)
def test_a_wrong_setting_is_refused_when_the_adapter_is_made(settings, says):
    """The message names the setting."""
    with pytest.raises(ValueError, match=says):
        made({"base_url": "https://social.example", **settings})


def test_burst_and_refill_stay_below_what_a_server_takes():
    """In no three hours more than 300 posts leave."""
    rate = Adapter.capabilities.rate
    assert isinstance(rate, Rate)
    assert (rate.burst + rate.sends, rate.per_s) == (LIMITS["statuses"][0], LIMITS["statuses"][1].total_seconds())


def test_a_rendering_is_one_json_document(content):
    """What is signed holds plain values only."""
    assert json.loads(json.dumps(Adapter.render(content, ACCOUNT).document()))["options"]["visibility"] == "public"

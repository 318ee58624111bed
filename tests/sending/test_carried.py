"""Which languages a plan carries to the public: those of its message, whatever its armed texts are in."""

from __future__ import annotations

from dataclasses import replace

from channels.contract import DeliveryKind, Part, Rendering
from dispatcher.domain.message import TextKind
from dispatcher.sending.prepared import Texts, rendering_languages
from tests.builders import draft


def in_language(language: str, **options: object) -> Rendering:
    """A rendering in one language."""
    return Rendering("x", "x-1", DeliveryKind.PUBLISH, (Part(language, "…"),), dict(options))  # type: ignore[arg-type]


def test_armed_texts_carry_no_language_to_the_public() -> None:
    """A correction in Polish is no message in Polish."""
    plan = draft("x").plan
    digests = {kind: str(kind) for kind in TextKind}
    plan = replace(plan, destinations=(replace(plan.destinations[0], renderings=digests),))
    renderings = {str(kind): in_language("en-GB" if kind is TextKind.PUBLISH else "pl") for kind in TextKind}
    assert Texts(plan, renderings).carried_languages() == {"en-GB"}


def test_a_rendering_that_is_not_at_hand_carries_nothing() -> None:
    """What nobody gave is not counted on."""
    plan = draft("x").plan
    assert Texts(plan, {}).carried_languages() == frozenset()


def test_a_post_in_several_languages_carries_what_it_names() -> None:
    """One part of several languages counts by its list, a part of one language by itself."""
    assert rendering_languages(in_language("mul", languages=["en-GB", "cy"])) == {"en-GB", "cy"}
    assert rendering_languages(in_language("cy", languages="pl")) == {"cy"}

"""The figures of sending that the reference gives, in its own units: changing one is a decision, not a slip."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.sending import (
    clocks,
    decisions,
    issuing,
    lists,
    order,
    prepared,
    remote,
    sender,
    server,
    status,
    wire,
)


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        (clocks.TOLERANCE, timedelta(seconds=2)),
        (issuing.CODE_LIFE, timedelta(minutes=10)),
        (issuing.OPENING_LIFE, timedelta(minutes=10)),
        (sender.PERMIT_LIFE, timedelta(seconds=15)),
        (sender.REMEMBERED_BUNDLES, 16),
        (decisions.REMEMBERED, 10_000),
        (prepared.RESOLVED_BY, 2),
        (order.MAX_ORDERS, 1_000),
        (lists.KEY_BYTES, 32),
        (wire.MAX_FRAME, 16_777_216),
        (remote.MAX_ENVELOPE, 262_144),
        (server.MAX_CONNECTIONS, 64),
        (server.BACKLOG, 128),
    ],
)
def test_the_figures_of_sending_are_the_references(figure: object, value: object) -> None:
    """Clocks and codes (policy 6.4 and 6.6), orders and frames (architecture, decided 1), resolutions by two."""
    assert figure == value


def test_what_is_signed_or_digested_is_named_with_its_version() -> None:
    """Records of years ago are found under these words."""
    assert (status.SCHEMA, prepared.RENDERING_SCHEMA) == ("status/v1", "rendering/v1")


def test_a_handle_counts_as_kept_by_these_words() -> None:
    """A sender and an asker of different releases agree on them."""
    assert (wire.NOTED, wire.NOT_NOTED) == ({"noted": True}, {"noted": False})

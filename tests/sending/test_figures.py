"""The figures of sending that the reference gives, in its own units: changing one is a decision, not a slip."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.gate import decide
from dispatcher.sending import (
    clocks,
    decisions,
    issuing,
    lists,
    order,
    permit,
    prepared,
    remote,
    sender,
    server,
    spent,
    status,
    wire,
)
from tests.builders import draft
from tests.cast import NOW


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        (clocks.TOLERANCE, timedelta(seconds=2)),
        (issuing.CODE_LIFE, timedelta(minutes=10)),
        (issuing.OPENING_LIFE, timedelta(minutes=10)),
        (sender.PERMIT_LIFE, timedelta(seconds=15)),
        (prepared.REMEMBERED_BUNDLES, 16),
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


def test_what_happened_is_written_in_these_words() -> None:
    """The spent files of years ago are read by them."""
    words = "open unsent absent found accepted handed_over code_issued"
    assert [str(event) for event in spent.SpentEvent] == words.split()


def test_what_is_not_said_of_a_permit_is_not_made_up() -> None:
    """Without a record of its decision it names none."""
    assert permit.Permit("p-1", "dlv-1", NOW, ()).decision == ""


def test_a_permit_that_is_minted_without_a_record_names_none() -> None:
    """It is good all the same."""
    order = draft("x").order("x")
    minted = permit.mint(order, decide.Decision((), ("2026",)), NOW, lambda: "p-1")
    assert minted == permit.Permit("p-1", order.delivery, NOW, ("2026",), "")


def test_neither_packet_nor_code_is_in_what_a_traceback_shows() -> None:
    """The code is in the answer and nowhere else."""
    shown = repr(permit.HandOff(b"sealed", "1234-5678", NOW, NOW))
    assert ("sealed" in shown, "1234" in shown) == (False, False)

"""A place in a trace, as the W3C's recommendation has it; whatever else is written there is none."""

from __future__ import annotations

import pytest

from dispatcher.tracing.context import Place, begun, continued, place_in

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def counting(size: int) -> bytes:
    """Bytes that are not zero."""
    return bytes(range(1, size + 1))


def test_a_traceparent_is_read_and_written_again() -> None:
    """The example of the recommendation, section 3.2."""
    text = f"00-{TRACE}-{SPAN}-01"
    assert place_in(text) == Place(TRACE, SPAN, sampled=True)
    assert Place(TRACE, SPAN).traceparent == text


def test_a_later_version_is_read_by_what_is_known_of_it() -> None:
    """What it adds at its end is ignored."""
    assert place_in(f"cc-{TRACE}-{SPAN}-00-more") == Place(TRACE, SPAN, sampled=False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE}-{SPAN}-0g",
        "00-" + "४" * 32 + f"-{SPAN}-01",
    ],
)
def test_nonsense_is_no_traceparent(text: str) -> None:
    """And begins a trace of its own."""
    assert place_in(text) is None
    assert continued(text, counting) == begun(counting)


def test_a_callers_trace_goes_on_with_a_span_of_its_own() -> None:
    """And is kept, or not, as the caller wants."""
    made = continued(f"00-{TRACE}-{SPAN}-00", counting)
    assert (made.trace_id, made.span_id, made.sampled) == (TRACE, "0102030405060708", False)

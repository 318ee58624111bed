"""The caps of the egress proxy that somebody relies on."""

from __future__ import annotations

from dispatcher.egress.proxy import CHUNK, Limits
from dispatcher.settings import Timing

CALL_S = 30.0
"""The longest call of an adapter: X's (reference: platforms 2)."""


def test_a_connection_has_these_caps() -> None:
    """Docs and units name them; a chunk is what one connection may hold in memory each way."""
    usual = Limits(
        connections=64,
        request_s=5.0,
        connect_s=10.0,
        total_s=120.0,
        close_s=2.0,
        stop_s=8.0,
        bytes_each_way=16_777_216,
    )
    assert (Limits(), CHUNK) == (usual, 65_536)


def test_a_call_ends_before_its_tunnel_does() -> None:
    """Else the proxy would put a delivery in doubt."""
    assert Limits().total_s > Timing().lease_ms / 1000 > CALL_S

"""The sender: it alone holds a platform's credential, runs the gate itself, and sends.

Lives here: orders and permits, the spent file, the signed status, credentials, the sender in this process and the
one behind a local socket.
May not live here: SQL, Redis, anything that decides from a database row what may be sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dispatcher.sending.permit import HandOff, Permit, Refusal, Sender

__all__ = ["HandOff", "Permit", "Refusal", "Sender"]


def __getattr__(name: str) -> Any:
    """What is named above, when it is asked for: whoever only reads orders, as the store does, loads no gate."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dispatcher.sending import permit

    return getattr(permit, name)

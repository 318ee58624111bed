"""The sender: it alone holds a platform's credential, runs the gate itself, and sends.

Lives here: orders and permits, the spent file, the signed status, credentials, the sender in this process and the
one behind a local socket.
May not live here: SQL, Redis, anything that decides from a database row what may be sent.
"""

from dispatcher.sending.permit import HandOff, Permit, Refusal, Sender

__all__ = ["HandOff", "Permit", "Refusal", "Sender"]

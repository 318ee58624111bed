"""Is this statement authentic here? Authentic, not sufficient: whether enough people said it is the gate's to count.

Rules (reference: gate 3 and 4, reliability 2.3)
  1. The signature holds over the exact payload bytes in the namespace of the mode asked for; then the payload is
     read strictly, and its deployment and mode must be the ones asked for. A hardware key must have been touched.
  2. The key is on the roster, speaks for the person named, was valid at ``not_before``, and is not revoked: not by
     ``now`` where that is given, not ever where it is not (who holds a revoked key can write any date).
  3. The person held the role at ``not_before``. Where ``now`` is given, key and role must hold then too.
  4. ``statement.roster`` is the signer's roster version: a newer one than ours is refused, an older one passes
     because rules 2 and 3 are judged by our roster alone, so that a removal binds what was signed before it.
  5. The statement's own window is not judged here, only that it is not empty: an expired approval is authentic.
  6. The console only stops things, so as ``console`` nothing is signed but halts and revocations.
  7. One that fails is refused with the first rule that it broke, and never with any other exception.

A sender, for one plan::

    verifier = Verifier(trust.roster, deployment, mode)
    verified, refused = verifier.verify_all(order.envelopes, now)     # repeats cost no cryptography
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from dispatcher.domain.people import Key, Role, Roster
from dispatcher.domain.statement import Envelope, Mode, Statement, StatementError, StatementKind, Verified
from dispatcher.statements import sshsig
from dispatcher.statements.errors import RefusalCode, SshsigError, StatementRefused, WrongNamespace

MAX_PAYLOAD = 64 * 1024  # bytes; reference: reliability 2.2
_ROLES = frozenset(Role)
BY_CONSOLE = frozenset({StatementKind.HALT, StatementKind.REVOKE})
REMEMBERED = 4096  # envelopes; a few for each plan in flight

Refusals = list[tuple[Envelope, StatementRefused]]


class Verifier:
    """Verifies against one roster, and remembers which signatures hold.

    Only what can never change is remembered: that these bytes carry this signature. Roster, revocation and time
    are judged each time. Envelopes are compared whole.
    """

    def __init__(self, roster: Roster, deployment: str, mode: Mode, remembered: int = REMEMBERED) -> None:
        self.roster = roster
        self.deployment = deployment
        self.mode = mode
        self._read = lru_cache(maxsize=remembered)(lambda envelope: read_signed(envelope, mode))

    def verify(self, envelope: Envelope, now: datetime | None = None) -> Verified:
        """Return the statement as verified. Raises StatementRefused; see the module's rules."""
        statement, signature = self._read(envelope)
        _check_place(statement, self.deployment, self.mode)
        _check_roster_version(statement, self.roster)
        times = (statement.not_before,) if now is None else (statement.not_before, now)
        _check_key(statement, _key_of(statement, signature, self.roster), times, now)
        _check_role(statement, self.roster, times)
        return Verified(statement, signature.fingerprint, signature.hardware, signature.touched, signature.pin)

    def verify_all(
        self, envelopes: Iterable[Envelope], now: datetime | None = None
    ) -> tuple[list[Verified], Refusals]:
        """Sort envelopes into verified and refused, each refusal with its reason. Never raises for an envelope."""
        verified: list[Verified] = []
        refused: Refusals = []
        for envelope in envelopes:
            try:
                verified.append(self.verify(envelope, now))
            except StatementRefused as refusal:
                refused.append((envelope, refusal))
        return verified, refused


def read_signed(envelope: Envelope, mode: Mode) -> tuple[Statement, sshsig.Signature]:
    """Check the signature in the mode's namespace and read the payload: rule 1, and nothing about people.

    Raises StatementRefused with code signature, namespace, malformed or touch.
    """
    if len(envelope.payload) > MAX_PAYLOAD:
        raise StatementRefused(RefusalCode.MALFORMED, f"the statement is longer than {MAX_PAYLOAD} bytes")
    try:
        signature = sshsig.verify(envelope.signature, envelope.payload, sshsig.NAMESPACES[mode])
        statement = Statement.decode(envelope.payload)
    except WrongNamespace as error:
        raise StatementRefused(RefusalCode.NAMESPACE, error.message, error.next_step) from error
    except SshsigError as error:
        raise StatementRefused(RefusalCode.SIGNATURE, error.message, error.next_step) from error
    except StatementError as error:
        raise StatementRefused(RefusalCode.MALFORMED, str(error), "Make the statement again.") from error
    if signature.hardware and not signature.touched:
        raise StatementRefused(
            RefusalCode.TOUCH,
            f"hardware key {signature.fingerprint} signed without being touched",
            "Sign again with a key that asks for touch (made without -O no-touch-required).",
        )
    return statement, signature


def _check_place(statement: Statement, deployment: str, mode: Mode) -> None:
    if statement.deployment != deployment:
        raise StatementRefused(
            RefusalCode.DEPLOYMENT, f"signed for deployment {statement.deployment!r}, not {deployment}"
        )
    if statement.mode is not mode:
        raise StatementRefused(RefusalCode.MODE, f"a statement for {statement.mode}, not for {mode}")
    if statement.expires <= statement.not_before:
        raise StatementRefused(RefusalCode.WINDOW, "the statement expires before it begins", "Sign it again.")


def _check_roster_version(statement: Statement, roster: Roster) -> None:
    if statement.roster > roster.version:
        raise StatementRefused(
            RefusalCode.ROSTER_VERSION,
            f"signed under roster {statement.roster}; this host has {roster.version}",
            "Install the newer roster here.",
        )


def _key_of(statement: Statement, signature: sshsig.Signature, roster: Roster) -> Key:
    key, person = roster.key(signature.fingerprint), roster.person_of_key(signature.fingerprint)
    if key is None or person is None:
        raise StatementRefused(
            RefusalCode.UNKNOWN_KEY,
            f"{signature.fingerprint} is nobody's key on roster {roster.version}",
            "Sign with a key on the roster, or have two policy owners add this one.",
        )
    if person.id != statement.person:
        raise StatementRefused(RefusalCode.PERSON, f"says {statement.person!r}, but the key is {person.id}'s")
    return key


def _check_key(statement: Statement, key: Key, times: tuple[datetime, ...], now: datetime | None) -> None:
    if key.revoked_by(now) or key.revoked_by(statement.not_before):
        raise StatementRefused(
            RefusalCode.KEY_REVOKED,
            f"{statement.person}'s key {key.fingerprint} is revoked",
            "Sign with another key.",
        )
    if not all(key.valid_at(time) for time in times):
        raise StatementRefused(
            RefusalCode.KEY_WINDOW,
            f"{statement.person}'s key {key.fingerprint} was not, or is no longer, valid",
            "Sign with a key that is.",
        )


def _check_role(statement: Statement, roster: Roster, times: tuple[datetime, ...]) -> None:
    known = statement.role in _ROLES
    if not known or not all(roster.holds(statement.person, Role(statement.role), time) for time in times):
        raise StatementRefused(
            RefusalCode.ROLE,
            f"{statement.person} does not hold the role {statement.role!r} on roster {roster.version}",
            "Have somebody sign who does.",
        )
    if statement.role == Role.CONSOLE and statement.kind not in BY_CONSOLE:
        raise StatementRefused(
            RefusalCode.ROLE, f"the console only stops things, and cannot sign a {statement.kind}", "Sign it yourself."
        )

"""The suite that every adapter passes, ours and third parties', against its own simulated far side.

Rules it holds an adapter to
  1. Whatever the network does, ``send`` returns an outcome. ``deferred`` and ``rejected`` only where nothing was
     published; after a lost or unreadable answer it says ``in_doubt``, whether the platform acted or not.
  2. ``find`` then tells the two apart, where the platform can be read; and says ``unknown``, never ``absent``, when
     the platform's record could not be read.
  3. Repeating a job is harmless where the capabilities say so.
  4. No secret shows in anything that an adapter returns, notes or logs.
  5. ``render`` is pure, refuses what does not fit, and its document reads back the same. The longest text that fits
     is taken by the far side; one letter more is refused or becomes another part, and nothing is cut.
  6. Each refusal that the platform documents gets the verdict that it proves.
  7. Corrections and withdrawals keep rules 1 to 3 as posts do.
  8. Pictures are shown as they were signed, and trouble with uploading one leaves nothing in doubt.

May not live here: what only one platform does (its own tests hold that), and anything that reaches a real platform.

One command runs it over any adapter, ours or another's; ``NAME`` is a :class:`Subject`, or several::

    python -m channels.conformance MODULE:NAME …

In a test::

    SUBJECTS = [Subject(Adapter, XSimulator, account, {"token": Secret("sim-1001")})]

    @pytest.mark.parametrize(("subject", "case"), [(s, c) for s in SUBJECTS for c in cases(s)], ids=str)
    def test_the_adapter_keeps_the_contract(subject: Subject, case: str) -> None:
        run(case, subject)
"""

from __future__ import annotations

import asyncio
from functools import partial

from channels.capabilities import Capabilities, IdempotencyKind
from channels.conformance import checks
from channels.conformance.bench import Check, ConformanceError, Documented, Subject, content, on_bench
from channels.contract import DeliveryKind
from channels.listing import Listing
from channels.simulator.faults import FaultKind

__all__ = ["ConformanceError", "Documented", "Subject", "cases", "content", "run"]


def cases(subject: Subject) -> tuple[str, ...]:
    """The names of the checks that this adapter's capabilities call for."""
    return tuple(_table(subject))


def run(case: str, subject: Subject) -> None:
    """Run one check. Raises ConformanceError saying what was expected; KeyError for a case that does not apply."""
    asyncio.run(on_bench(_table(subject)[case], subject))


def _table(subject: Subject) -> dict[str, Check]:
    able = subject.make.capabilities
    return {
        **_sending(subject),
        **_reading(subject),
        **_carrying(subject),
        **({} if able.by_hand else _ways_back(able)),
    }


def _sending(subject: Subject) -> dict[str, Check]:
    table: dict[str, Check] = {
        "a post is accepted and published once": checks.accepted,
        "a refused connection is deferred": checks.unreachable,
        "a name that does not exist is deferred": checks.unresolved,
        "a failed TLS handshake is deferred": checks.unsecured,
        "a host that is not allowed is deferred": checks.not_allowed,
        "rendering is pure and reads back": checks.renders,
        "rendering refuses a missing language": checks.refuses_missing_language,
        "a probe without a far side says so": checks.probe_fails,
        "a probe that works publishes nothing": checks.probe_works,
    }
    table |= {f"{kind}: in doubt, then settled": partial(checks.lost, kind) for kind in checks.LOST}
    table |= {f"act_then_error {status}: in doubt": partial(checks.error, status) for status in (500, 502, 503, 504)}
    table |= {
        f"{kind}: never a claim that nothing happened": partial(checks.unreadable, kind) for kind in checks.UNREADABLE
    }
    table |= {
        f"{kind}: no claim beyond the truth": partial(checks.refused, kind)
        for kind in (FaultKind.TOKEN_EXPIRED, FaultKind.ECHO, FaultKind.ERROR_INSIDE, FaultKind.REFUSE)
    }
    table |= {f"documented {one}: {one.verdict}": partial(checks.documented, one) for one in subject.documented}
    hints = (0, 30) if subject.hints else (0,)
    table |= {f"throttled, hint {hint}: deferred": partial(checks.throttled, hint) for hint in hints}
    logins = (FaultKind.DROP, FaultKind.REFUSE)
    return table | {f"login {kind}: nothing is in doubt": partial(checks.login, kind) for kind in logins}


def _reading(subject: Subject) -> dict[str, Check]:
    table: dict[str, Check] = {}
    if subject.finds:
        table |= {f"read {kind}: unknown, never absent": partial(checks.unread, kind) for kind in checks.UNREAD}
        table["a post that read-back lags to show is found in the end"] = checks.lagging
    if subject.make.capabilities.can_read_back:
        table["read back shows a post, and misses one that is gone"] = checks.read_back
    if isinstance(subject.make, type) and issubclass(subject.make, Listing):
        table["a timeline has what was published since, and only that"] = checks.timeline
        table |= {
            f"timeline {kind}: a fault, and no post": partial(checks.unlisted, kind) for kind in checks.UNLISTED
        }
    return table


def _carrying(subject: Subject) -> dict[str, Check]:
    able, table = subject.make.capabilities, dict[str, Check]()
    if able.media:
        table["pictures are shown as they were signed"] = checks.pictured
    if able.media and not subject.pulls:
        kinds = (*checks.LOST, *checks.UNREADABLE, FaultKind.REFUSE, FaultKind.THROTTLE)
        table |= {f"upload {kind}: deferred, then shown": partial(checks.upload_lost, kind) for kind in kinds}
    if able.text:
        fits = partial(checks.at_its_limit, able.text)
        table["a text at its limit goes up whole, and one letter more is refused"] = fits
    return table


def _ways_back(able: Capabilities) -> dict[str, Check]:
    table: dict[str, Check] = {}
    if able.idempotency.kind is IdempotencyKind.IDEMPOTENT:
        table["a repeat changes nothing"] = checks.repeat
    if able.can_correct and able.edits:
        table["a correction changes the post in place"] = checks.edit
    elif able.can_correct:
        table["a correction is a post of its own"] = checks.correct
    if able.can_withdraw:
        table["a withdrawal may be repeated"] = checks.withdraw
    can = {DeliveryKind.CORRECT: able.can_correct, DeliveryKind.WITHDRAW: able.can_withdraw}
    return table | {
        f"{way} {kind}: in doubt, then settled": partial(checks.way_back_lost, way, kind)
        for way in can
        if can[way]
        for kind in (FaultKind.ACT_THEN_DROP, FaultKind.DROP)
    }

"""The stop book: what a sender was told of stays in force, whatever is deleted, torn, replayed or restarted."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dispatcher.domain.people import Roster
from dispatcher.domain.statement import Envelope, Mode, Statement, StatementKind
from dispatcher.sending.status import StatusRefused, read_status, sign_status
from dispatcher.sending.stopbook import StopBook
from dispatcher.statements.verify import Verifier
from tests.builders import draft, status
from tests.cast import DEPLOYMENT, NOW, SIGNERS, STATUS_SIGNER, person, roster, signed

SECOND = timedelta(seconds=1)
PLAN = draft("x").plan
HALT = signed(StatementKind.HALT, "ops-1", scope="all", target="")
REVOKE = signed(StatementKind.REVOKE, "security-1", subject=PLAN.digest)


def named(envelope: Envelope) -> str:
    """The id of a statement."""
    return Statement.decode(envelope.payload).id


def resumed(by: str) -> Envelope:
    """One person's resume of the halt."""
    return signed(StatementKind.RESUME, by, subject=named(HALT))


def book(folder: Path, people: Roster | None = None, mode: Mode = Mode.LIVE) -> StopBook:
    """The book of a sender that has just started."""
    return StopBook(folder / "stops.jsonl", Verifier(people or roster(), DEPLOYMENT, mode), STATUS_SIGNER.key)


def in_force(kept: StopBook) -> tuple[int, int, int]:
    """Halts, revocations, and stops that are listed but not at hand."""
    return len(kept.stops.halts), len(kept.stops.revoked), len(kept.stops.missing)


def test_what_it_was_told_of_is_in_force(tmp_path: Path) -> None:
    """A halt and a revocation count at once."""
    kept = book(tmp_path)
    kept.take([HALT, REVOKE], None, NOW)
    assert in_force(kept) == (1, 1, 0)


def test_deleting_a_stop_elsewhere_undoes_nothing(tmp_path: Path) -> None:
    """Told of fewer stops than before, it keeps those it has."""
    kept = book(tmp_path)
    kept.take([HALT, REVOKE], status([named(HALT), named(REVOKE)]), NOW)
    kept.take([], status([], at=NOW + SECOND), NOW)
    assert in_force(kept) == (1, 1, 0)


def test_stops_outlive_a_restart(tmp_path: Path) -> None:
    """A new process over the same disk has them before it is told anything."""
    book(tmp_path).take([HALT, REVOKE], None, NOW)
    assert in_force(book(tmp_path)) == (1, 1, 0)


@pytest.mark.parametrize("change", ["left", "role", "key"])
def test_a_halt_outlives_the_one_who_signed_it(tmp_path: Path, change: str) -> None:
    """Somebody who has left the roster, lost the role, or had the key revoked since, did halt."""
    book(tmp_path).take([HALT], None, NOW)
    halter = person("ops-1")
    (key,) = halter.keys
    people = {
        "left": Roster(4, DEPLOYMENT, tuple(p for p in roster().people if p.id != "ops-1")),
        "role": roster(ops_1=replace(halter, roles=person("author-1").roles)),
        "key": roster(ops_1=replace(halter, keys=(replace(key, revoked_at=NOW),))),
    }[change]
    assert in_force(book(tmp_path, people)) == (1, 0, 0)


def without(*people: str) -> Roster:
    """The cast after some have left."""
    whole = roster()
    return replace(whole, people=tuple(one for one in whole.people if one.id not in people))


def test_a_new_host_knows_the_halt_of_somebody_who_has_left(tmp_path: Path) -> None:
    """The signed status lists it, so it was authentic: it is in force, and nothing is missing."""
    kept = book(tmp_path, without("ops-1"))
    kept.take([HALT], status([named(HALT)]), NOW)
    assert in_force(kept) == (1, 0, 0)


def test_a_halt_of_a_stranger_that_nobody_listed_is_no_halt(tmp_path: Path) -> None:
    """Who is on no roster and in no status stops nothing."""
    kept = book(tmp_path, without("ops-1"))
    kept.take([HALT], status([]), NOW)
    assert in_force(kept) == (0, 0, 0)


def test_the_resume_of_somebody_who_has_left_ends_nothing(tmp_path: Path) -> None:
    """What ends a stop needs a signer who is there: the halt holds, and nothing is missing."""
    first, second = resumed("director-1"), resumed("director-2")
    kept = book(tmp_path, without("director-2"))
    kept.take([HALT, first, second], status([named(one) for one in (HALT, first, second)]), NOW)
    assert in_force(kept) == (1, 0, 0)


def test_a_resume_by_two_others_outlives_a_restart(tmp_path: Path) -> None:
    """The book also remembers what ended."""
    book(tmp_path).take([HALT, resumed("director-2"), resumed("director-1")], None, NOW)
    assert in_force(book(tmp_path)) == (0, 0, 0)


def test_a_listed_stop_that_is_not_at_hand_is_missing(tmp_path: Path) -> None:
    """Until its statement arrives."""
    kept = book(tmp_path)
    kept.take([], status([named(HALT)]), NOW)
    before = in_force(kept)
    kept.take([HALT], None, NOW)
    assert (before, in_force(kept)) == ((0, 0, 1), (1, 0, 0))


def test_a_listed_stop_stays_listed_through_a_restart(tmp_path: Path) -> None:
    """A restart does not forget what a status said, and no older status can be played back then."""
    book(tmp_path).take([], status([named(HALT)]), NOW)
    again = book(tmp_path)
    again.take([], status([], at=NOW - SECOND), NOW)
    assert (in_force(again), again.stops.status_at) == ((0, 0, 1), NOW)


def test_a_newer_status_that_lists_less_forgets_nothing(tmp_path: Path) -> None:
    """A status grows only; one made after rows were deleted does not unlist them."""
    kept = book(tmp_path)
    kept.take([], status([named(HALT)]), NOW)
    kept.take([], status([], at=NOW + SECOND), NOW)
    assert (in_force(kept), kept.stops.status_at) == ((0, 0, 1), NOW + SECOND)


def test_an_older_status_is_ignored(tmp_path: Path) -> None:
    """A replay makes nothing fresher and nothing staler."""
    kept = book(tmp_path)
    kept.take([], status(), NOW)
    kept.take([], status([named(HALT)], at=NOW - SECOND), NOW)
    assert (in_force(kept), kept.stops.status_at) == ((0, 0, 0), NOW)


FORGED_STATUS = {
    "signed with a person's key": sign_status(DEPLOYMENT, Mode.LIVE, NOW, [], SIGNERS["ops-1"]),
    "for the other mode": status(mode=Mode.EXERCISE),
    "for another deployment": sign_status("other-city", Mode.LIVE, NOW, [], STATUS_SIGNER),
    "with a changed time": Envelope(status().payload.replace(b"12:00:00", b"12:00:01"), status().signature),
    "of another kind": Envelope(HALT.payload, STATUS_SIGNER.sign("dispatcher-live-v1", HALT.payload)),
    "with an unknown key": Envelope(
        (more := status().payload.replace(b"{", b'{"a":1,', 1)), STATUS_SIGNER.sign("dispatcher-live-v1", more)
    ),
    "without a signature": Envelope(status().payload, ""),
}


@pytest.mark.parametrize("forged", FORGED_STATUS.values(), ids=FORGED_STATUS.keys())
def test_a_forged_status_is_refused(tmp_path: Path, forged: Envelope) -> None:
    """It is not read, and it changes nothing."""
    kept = book(tmp_path)
    kept.take([], forged, NOW)
    assert kept.stops.status_at is None
    with pytest.raises(StatusRefused):
        read_status(forged, STATUS_SIGNER.key, DEPLOYMENT, Mode.LIVE)


NOT_STOPS = {
    "an approval": signed(StatementKind.APPROVE, "checker-1", subject=PLAN.digest, channels=["x"]),
    "in the other mode": signed(StatementKind.HALT, "ops-1", mode=Mode.EXERCISE, scope="all"),
    "in a role not held": replace(HALT, payload=HALT.payload.replace(b'"ops"', b'"minister"')),
    "not signed": replace(HALT, signature=""),
    "no statement": Envelope(b"{}", SIGNERS["ops-1"].sign("dispatcher-live-v1", b"{}")),
}


@pytest.mark.parametrize("envelope", NOT_STOPS.values(), ids=NOT_STOPS.keys())
def test_what_is_not_an_authentic_stop_is_not_taken_in(tmp_path: Path, envelope: Envelope) -> None:
    """Nobody can fill the book with inventions."""
    kept = book(tmp_path)
    kept.take([envelope], None, NOW)
    assert (in_force(kept), kept.version, (tmp_path / "stops.jsonl").exists()) == ((0, 0, 0), 0, False)


def test_a_torn_line_costs_neither_the_lines_before_nor_after(tmp_path: Path) -> None:
    """A crash in the middle of writing, then another halt, then a restart."""
    book(tmp_path).take([HALT, REVOKE], None, NOW)
    path = tmp_path / "stops.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    after = book(tmp_path)
    second = signed(StatementKind.HALT, "security-1", scope="channel", target="x")
    after.take([second], None, NOW)
    assert (in_force(after), in_force(book(tmp_path))) == ((2, 0, 0), (2, 0, 0))


def test_a_halt_is_in_force_even_when_it_cannot_be_written(tmp_path: Path) -> None:
    """A disk that fails stops nobody from stopping; the halt is written when it can be."""
    kept = book(tmp_path)
    path = tmp_path / "stops.jsonl"
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        kept.take([HALT], None, NOW)
    stopped = in_force(kept)
    path.rmdir()
    kept.take([], None, NOW)
    assert (stopped, in_force(book(tmp_path))) == ((1, 0, 0), (1, 0, 0))


def test_the_version_changes_when_what_is_stopped_changes_and_only_then(tmp_path: Path) -> None:
    """Judgements are remembered by it."""
    kept = book(tmp_path)
    versions = [kept.version]
    for stops, listed in (
        ([HALT], None),
        ([HALT], None),
        ([], status()),
        ([REVOKE], None),
        ([resumed("director-2")], None),
    ):
        kept.take(stops, listed, NOW)
        versions.append(kept.version)
    assert versions == [0, 1, 1, 1, 2, 2]


def test_a_status_is_written_when_it_lists_something_new_and_not_every_time(tmp_path: Path) -> None:
    """One is made every five seconds; the file does not grow with them."""
    kept = book(tmp_path)
    for second in range(5):
        kept.take([], status([named(HALT)], at=NOW + second * SECOND), NOW)
    lines = [json.loads(line) for line in (tmp_path / "stops.jsonl").read_text().splitlines() if line]
    assert [list(line) for line in lines] == [["status"]]


def test_a_listed_halt_under_a_forged_signature_goes_on_missing(tmp_path: Path) -> None:
    """Whoever can put a row beside it cannot make the sender think that it is at hand."""
    kept = book(tmp_path)
    kept.take([replace(HALT, signature="")], status([named(HALT)]), NOW)
    assert in_force(kept) == (0, 0, 1)


def test_a_resume_that_was_passed_over_is_at_hand_once_it_is_listed(tmp_path: Path) -> None:
    """Told of before any status lists it, it counts for nothing; told of after, it is not missing."""
    kept, resume = book(tmp_path, without("director-2")), resumed("director-2")
    kept.take([resume], None, NOW)
    kept.take([], status([named(resume)]), NOW)
    missing = in_force(kept)
    kept.take([resume], None, NOW)
    assert (missing, in_force(kept)) == ((0, 0, 1), (0, 0, 0))


def test_of_two_statuses_of_one_moment_the_first_counts(tmp_path: Path) -> None:
    """Newer means later."""
    kept = book(tmp_path)
    kept.take([], status(), NOW)
    kept.take([], status([named(HALT)]), NOW)
    assert in_force(kept) == (0, 0, 0)


def test_bytes_that_are_no_text_cost_no_stop(tmp_path: Path) -> None:
    """A damaged line is passed over like a torn one."""
    book(tmp_path).take([HALT], None, NOW)
    with (tmp_path / "stops.jsonl").open("ab") as file:
        file.write(b"\xff\xfe\n")
    assert in_force(book(tmp_path)) == (1, 0, 0)


def test_a_restart_writes_no_status_again(tmp_path: Path) -> None:
    """What was read from the file is in the file."""
    book(tmp_path).take([], status([named(HALT)]), NOW)
    before = (tmp_path / "stops.jsonl").read_bytes()
    book(tmp_path).take([], None, NOW)
    assert (tmp_path / "stops.jsonl").read_bytes() == before

"""The sequencer signs one head after the other, copies each out, and stops where the database was rolled back."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from dispatcher.domain.merkle import Tree
from dispatcher.ledger import copies
from dispatcher.ledger.notes import Checkpoint, NoteRefused, origin_of, read_note, seal, split_notes
from dispatcher.statements.signing import KeyFileSigner
from dispatcher.store import checkpoints, leading
from tests.office import Office, office_at
from tests.servers import until
from workers.sequencer import LEADS_FOR, Sequencer


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A deployment whose heads are copied to two folders, the first of them over what `init` wrote."""
    with office_at(tmp_path / "city") as made:
        settings = replace(made.desk.settings, checkpoints=("checkpoints", str(tmp_path / "elsewhere")))
        made.desk = replace(made.desk, settings=settings)
        sequencer(made, "relay:0").tick()
        made.clock.now += LEADS_FOR
        yield made


def sequencer(office: Office, owner: str = "relay:1") -> Sequencer:
    signer = KeyFileSigner(office.desk.settings.path("keys", "status"))
    return Sequencer(owner, office.desk.store, office.desk.settings, signer, office.desk.trust)


def record(office: Office, *kinds: str) -> None:
    with office.desk.store.write() as work:
        for kind in kinds:
            work.record(kind)


def files(office: Office) -> list[Path]:
    settings = office.desk.settings
    return [copies.file_in(settings.path(place), settings.deployment) for place in settings.checkpoints]


def copied(office: Office) -> list[list[Checkpoint]]:
    """The heads in each copy."""
    found = [file.read_text() if file.exists() else "" for file in files(office)]
    return [[read_note(note).checkpoint for note in split_notes(text)] for text in found]


def sizes(office: Office) -> list[list[int]]:
    """Of each head in each copy, counted from the first one."""
    return [[head.size - heads[0].size for head in heads[1:]] for heads in copied(office)]


def test_each_turn_signs_the_head_of_all_entries_so_far(office: Office) -> None:
    """With the relay's key, over the leaves as they stand in the ledger."""
    one = sequencer(office)
    record(office, "thing.done", "thing.done")
    assert one.tick() == 2
    record(office, "thing.done")
    assert one.tick() == 1
    with office.desk.store.read() as work:
        taken = checkpoints.taken_by_all(work)
        leaves = b"".join(bytes.fromhex(each.leaf) for _, page in checkpoints.records(work, taken) for each in page)
        noted = list(checkpoints.notes(work))
    begun = noted[0][0]
    assert [size - begun for size, _ in noted] == [0, 2, 3]
    for size, note in noted:
        read = read_note(note)
        read.verify(origin_of("example-city"), KeyFileSigner(office.desk.settings.path("keys", "status")).point)
        assert read.checkpoint.root == Tree(leaves[: size * 32]).root


def test_nothing_is_signed_where_nothing_was_written(office: Office) -> None:
    """A head says that something was added."""
    one = sequencer(office)
    record(office, "thing.done")
    assert [one.tick(), one.tick()] == [1, 0]
    assert sizes(office) == [[1], [1]]


def test_every_head_is_copied_out(office: Office) -> None:
    """To each folder, and to one that was away as soon as it is back."""
    one, away = sequencer(office), files(office)[1].parent
    record(office, "thing.done")
    one.tick()
    shutil.rmtree(away)
    away.write_text("no folder")
    record(office, "thing.done")
    one.tick()
    assert sizes(office)[0] == [1, 2]
    away.unlink()
    one.tick()
    assert sizes(office) == [[1, 2], [1, 2]]


def test_one_sequencer_leads_and_the_next_takes_over(office: Office) -> None:
    """Two relays, one ledger: the second signs nothing before the first has fallen silent."""
    one, other = sequencer(office, "relay:1"), sequencer(office, "relay:2")
    record(office, "thing.done")
    one.tick()
    record(office, "thing.done")
    assert other.tick() == 0
    office.clock.now += LEADS_FOR
    assert other.tick() == 1
    record(office, "thing.done")
    assert [one.tick(), other.tick()] == [0, 1]
    assert sizes(office) == [[1, 2, 3], [1, 2, 3]]


def rolled_back(office: Office) -> None:
    """The database as it was one entry ago, as after a restore from a backup."""
    with office.desk.store.write() as work:
        for table in ("ledger", "checkpoints"):
            work.execute(text(f"DROP TRIGGER {table}_kept"))
        work.execute(text("DELETE FROM ledger WHERE id = (SELECT max(id) FROM ledger)"))
        work.execute(text("DELETE FROM checkpoints WHERE size = (SELECT max(size) FROM checkpoints)"))
    office.clock.now += LEADS_FOR


def overtaken(office: Office) -> Sequencer:
    """A sequencer whose database was rolled back under it, and written to since."""
    one = sequencer(office)
    for _ in range(2):
        record(office, "thing.done")
        one.tick()
    rolled_back(office)
    office.desk.store._chain = None
    record(office, "another.thing")
    return one


def test_nothing_is_signed_after_a_database_was_rolled_back(office: Office) -> None:
    """Its copies know a head that it does not: to sign another past would hide what was lost."""
    overtaken(office)
    assert sequencer(office, "relay:2").tick() == 0
    assert sizes(office) == [[1, 2], [1, 2]]


def test_a_note_that_nobody_of_ours_signed_stops_nothing(office: Office) -> None:
    """Whoever can write into a folder of copies cannot end the record with it."""
    key = KeyFileSigner(office.desk.settings.path("keys", "exercise", "ops-1"))
    head = Checkpoint(origin_of(office.desk.settings.deployment), 1_000, b"\x00" * 32, office.clock.now)
    copies.append(files(office)[0], [seal(head, key.point, key.sign_plain)])
    record(office, "thing.done")
    assert sequencer(office).tick() == 1


def test_a_restore_under_a_sequencer_that_goes_on_running_is_noticed(office: Office) -> None:
    """It looks at what was copied out each time, and not only when it begins to lead."""
    one = overtaken(office)
    assert one.tick() == 0


def test_a_copy_that_was_away_while_a_restore_was_owned_up_to_stops_nobody(office: Office) -> None:
    """Its heads were made before somebody said so."""
    one, away = sequencer(office), files(office)[1]
    for _ in range(2):
        record(office, "thing.done")
        one.tick()
    rolled_back(office)
    office.desk.store._chain = None
    kept = away.read_bytes()
    away.unlink()
    record(office, "database.restored")
    assert one.tick() == 1
    away.write_bytes(kept)
    record(office, "thing.done")
    office.clock.now += LEADS_FOR
    assert sequencer(office, "relay:2").tick() == 1


def test_a_torn_copy_is_gone_on_with(office: Office) -> None:
    """Whatever stands at its end, heads go on being signed and copied, that one again."""
    one, (file, _) = sequencer(office), files(office)
    record(office, "thing.done")
    one.tick()
    file.write_bytes(file.read_bytes()[:-20] + b"\n")
    record(office, "thing.done")
    assert one.tick() == 1
    assert sizes_of(file) == [0, 1, 2]


def sizes_of(file: Path) -> list[int]:
    """Of the heads that can be read, counted from the first."""
    heads = []
    for note in copies.every(file):
        with suppress(NoteRefused):
            heads.append(read_note(note).checkpoint.size)
    return [size - heads[0] for size in heads]


def test_a_sequencer_with_nothing_to_do_says_that_it_is_alive(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever watches goes by the leader's term; one that may not sign is silent."""
    monkeypatch.setattr("workers.sequencer.BEAT_S", 0.0)
    one = sequencer(office)

    def heard() -> datetime:
        with office.desk.store.read() as work:
            return next(until for role, _, until in leading.terms(work) if role == "sequencer")

    one.tick()
    before = heard()
    office.clock.now += LEADS_FOR
    one.tick()
    assert heard() > before


def test_a_restore_that_somebody_owned_up_to_goes_on(office: Office) -> None:
    """The entry says who, and the copies keep the heads of both pasts."""
    one = sequencer(office)
    for _ in range(2):
        record(office, "thing.done")
        one.tick()
    rolled_back(office)
    office.desk.store._chain = None
    record(office, "database.restored")
    other = sequencer(office, "relay:2")
    assert other.tick() == 1
    record(office, "thing.done")
    assert other.tick() == 1
    assert sizes(office)[0] == [1, 2, 2, 3]
    first, _ = copied(office)
    assert first[2].root != first[3].root


def test_a_sequencer_that_is_stopped_takes_in_the_last_entries(office: Office) -> None:
    """What its own process wrote at the end is not left waiting for another."""

    async def run() -> None:
        stopping = asyncio.Event()
        one = sequencer(office)
        running = asyncio.create_task(one.run(stopping))
        record(office, "thing.done")
        await asyncio.to_thread(until, lambda: sizes(office)[0] == [1], "a head")
        stopping.set()
        await running
        record(office, "role.stopped")
        await one.finish()

    asyncio.run(run())
    assert sizes(office)[0][-1] == 2

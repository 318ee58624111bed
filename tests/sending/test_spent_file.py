"""The spent file on its disk: torn, damaged, full."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from channels.contract import Job, Note, Outcome, Verdict
from dispatcher.domain import canonical
from dispatcher.domain.errors import Invalid
from dispatcher.sending.permit import Permit
from dispatcher.sending.spent import SpentEvent, SpentFile
from tests.cast import NOW
from tests.sending.kit import MAYBE, House, house_in, note, run, sent


async def open_one(path: Path, key: str = "k") -> SpentFile:
    """A spent file with one attempt in it."""
    spent = SpentFile(path)
    await spent.append(key, SpentEvent.OPEN, "dlv-1 t", NOW)
    return spent


def test_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    """A crash while writing leaves half a line, whose byte never left; what comes after is whole again."""
    path = tmp_path / "spent.jsonl"

    async def main() -> list[Any]:
        await (await open_one(path)).close()
        with path.open("ab") as file:
            file.write(path.read_bytes()[:-9])
        await (await open_one(path, "k2")).append("k2", SpentEvent.ACCEPTED, "dlv-1 t", NOW)
        again = SpentFile(path)
        return [again.account(key).last is not None for key in ("k", "k2")] + [again.account("k2").settled]

    assert run(main) == [True, True, SpentEvent.ACCEPTED]


@pytest.mark.parametrize("line", ['{"key": "k"}', "[]", "torn", '{"key":"k","event":"gone","job":"d","at":"now"}'])
def test_a_damaged_line_stops_the_sender(tmp_path: Path, line: str) -> None:
    """What was sent is then not known, so nothing is."""
    path = tmp_path / "spent.jsonl"
    path.write_text(f"{line}\n")
    with pytest.raises(Invalid, match=r"spent\.jsonl: line 1 is damaged"):
        SpentFile(path)


def full(spent: SpentFile) -> None:
    """Fill the disk under a spent file: every write fails from now on."""
    device = os.open("/dev/full", os.O_WRONLY)
    os.dup2(device, spent._descriptor)
    os.close(device)


async def with_full_disk(house: House, act: Callable[[], Awaitable[Any]]) -> Any:
    """Do something with no space left."""
    full(house.sender._keeping.spent)
    return await act()


def test_nothing_leaves_when_the_disk_is_full(tmp_path: Path) -> None:
    """No record, no byte; and nothing is in doubt."""
    house = house_in(tmp_path)

    async def main() -> Any:
        permit = await house.permit(house.drafted.order("x"))
        return await with_full_disk(house, lambda: house.sender.send(permit, note))

    outcome = run(main)
    assert (outcome.verdict, outcome.code, house.made()) == (Verdict.DEFERRED, "spent", 0)


def test_a_full_disk_leaves_no_doubt_behind(tmp_path: Path) -> None:
    """The same process may send as soon as there is space."""
    house = house_in(tmp_path)

    async def main() -> Any:
        permit = await house.permit(house.drafted.order("x"))
        await with_full_disk(house, lambda: house.sender.send(permit, note))
        return await house.ask(house.drafted.order("x"))

    assert isinstance(run(main), Permit)


def test_an_outcome_counts_even_when_it_cannot_be_written(tmp_path: Path) -> None:
    """The post is out; the file still says open, so no restart sends it again."""
    house = house_in(tmp_path)
    platform = house.platforms["x"]
    send = platform.send

    async def filling(job: Job, note: Note) -> Outcome:
        full(house.sender._keeping.spent)
        return await send(job, note)

    platform.send = filling  # type: ignore[method-assign]

    async def main() -> list[str]:
        first = await sent(house)
        house.start()
        return [first, await sent(house)]

    assert run(main) == ["accepted", MAYBE]


def test_an_outcome_does_not_wait_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told while its line is still being written; the disk says open until then."""
    house, go_on, flush = house_in(tmp_path), threading.Event(), os.writev
    platform = house.platforms["x"]
    send = platform.send

    def slow_flush(descriptor: int, lines: Sequence[memoryview]) -> int:
        assert go_on.wait(10)
        return flush(descriptor, lines)

    async def sending(job: Job, note: Note) -> Outcome:
        monkeypatch.setattr(os, "writev", slow_flush)
        return await send(job, note)

    platform.send = sending  # type: ignore[method-assign]

    async def main() -> Verdict:
        permit = await house.permit(house.drafted.order("x"))
        outcome = await house.sender.send(permit, note)
        go_on.set()
        return outcome.verdict

    assert run(main) is Verdict.ACCEPTED


def test_what_was_noted_is_in_the_file_once_it_is_closed(tmp_path: Path) -> None:
    """A worker that is asked to stop leaves nothing unwritten."""
    path = tmp_path / "spent.jsonl"

    async def main() -> None:
        spent = await open_one(path)
        spent.note("k", SpentEvent.ACCEPTED, "dlv-1 t", NOW)
        await spent.close()

    run(main)
    assert SpentFile(path).account("k").settled is SpentEvent.ACCEPTED


def test_half_a_line_on_a_full_disk_is_taken_back(tmp_path: Path) -> None:
    """The next line that fits stands alone, and the file can be read."""
    path = tmp_path / "spent.jsonl"

    async def main() -> list[Any]:
        spent = await open_one(path)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, hard))
        try:
            with pytest.raises(OSError, match="spent file"):
                await spent.append("k2", SpentEvent.OPEN, "dlv-2 t", NOW)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await spent.append("k3", SpentEvent.OPEN, "dlv-3 t", NOW)
        again = SpentFile(path)
        return [again.account(key).last is not None for key in ("k", "k2", "k3")]

    assert run(main) == [True, False, True]


def test_appends_share_a_write(tmp_path: Path) -> None:
    """A chunk's lines are all on disk when each append returns, in the order asked for."""
    path = tmp_path / "spent.jsonl"

    async def main() -> list[str]:
        spent = SpentFile(path)
        await asyncio.gather(*(spent.append(f"k{n}", SpentEvent.OPEN, f"d{n} t", NOW) for n in range(200)))
        return [json.loads(line)["key"] for line in path.read_text().splitlines()]

    assert run(main) == [f"k{n}" for n in range(200)]


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Nobody else reads or writes what was sent."""
    run(SpentFile(tmp_path / "new" / "spent.jsonl").close)
    assert (tmp_path / "new" / "spent.jsonl").stat().st_mode & 0o777 == 0o600


def test_an_attempt_that_could_not_be_written_issues_no_code(tmp_path: Path) -> None:
    """What is taken back is what was asked for, and nothing else is put in its place."""

    async def main() -> bool:
        spent = SpentFile(tmp_path / "spent.jsonl")
        full(spent)
        with pytest.raises(OSError, match="No space left"):
            await spent.append("k", SpentEvent.OPEN, "dlv-1 t", NOW)
        return spent.account("k").code_issued

    assert run(main) is False


def test_folders_on_the_way_to_the_file_are_made(tmp_path: Path) -> None:
    """However deep a deployment lies."""
    path = tmp_path / "deployment" / "sender" / "spent.jsonl"
    run(SpentFile(path).close)
    assert path.read_bytes() == b""


def test_a_look_that_found_out_nothing_is_not_written(tmp_path: Path) -> None:
    """Neither present nor absent is no event, and the file reads back."""
    house = house_in(tmp_path)
    house.platforms["x"].unreadable = True

    async def main() -> None:
        await house.sender.find(house.bundle, house.drafted.order("x"))

    run(main)
    assert house.spent_path.read_bytes() == b""


def test_a_destination_is_found_under_the_same_name_in_years(tmp_path: Path) -> None:
    """Plan, account, text and recipient, digested under a versioned word: it must never be another."""
    house = house_in(tmp_path)
    run(lambda: sent(house))
    order, plan = house.drafted.order("x"), house.drafted.plan
    name = canonical.digest("spent/v1", f"{plan.digest}\0x-1\0{order.rendering}\0x-1".encode())
    assert {json.loads(line)["key"] for line in house.spent_path.read_text().splitlines()} == {name}

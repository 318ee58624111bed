"""Each exit code, provoked for real: the table that programs rely on."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatcher.cli.errors import EXIT_CODES
from dispatcher.store import records
from tests.cli.conftest import Office
from tests.statements.support import ssh_keygen
from tests.terminal import terminal

PAGE = Path(__file__).parents[2] / "docs" / "json.md"


def done(office: Office) -> int:
    """Something that can be done."""
    return office.run("status", code=0).code


def bug(office: Office) -> int:
    """A fault that nobody thought of."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "incidents", lambda *_: 1 / 0)
        return office.run("incident", "list", code=1).code


def wrong_input(office: Office) -> int:
    """A name that nothing has."""
    return office.run("incident", "show", "inc-0000", code=2).code


def gate(office: Office) -> int:
    """A release that nobody approved."""
    return office.run("release", office.plan(), by="director-1", code=3).code


def signature(office: Office) -> int:
    """An approval without a key."""
    return office.run("clearance", "approve", office.plan(), code=4).code


def stale(office: Office) -> int:
    """A plan that somebody else released a moment ago."""
    return office.run("release", office.released(), by="director-2", code=5).code


def partial(office: Office) -> int:
    """A release whose one delivery the platform refused."""
    plan = office.released()
    office.move("leased", "sending", "rejected", reason="content")
    return office.run("watch", plan, code=6).code


def no_terminal(office: Office) -> int:
    """A key with a passphrase, and nobody to type it."""
    plan, key = office.plan(), office.key("checker-1")
    subprocess.run([ssh_keygen(), "-p", "-q", "-P", "", "-N", "secret", "-f", key], check=True, capture_output=True)
    return office.run("clearance", "approve", plan, by="checker-1", code=7).code


def forbidden(office: Office) -> int:
    """Somebody who would end their own halt."""
    name = office.run("halt", "--mode", "exercise", by="ops-1").json["statement"]
    return office.run("resume", name, by="ops-1", code=8).code


def away(office: Office) -> int:
    """A database that is none."""
    database = office.folder / "data" / "dispatcher.db"
    database.unlink()
    database.mkdir()
    return office.run("incident", "list", code=9).code


def record(office: Office) -> int:
    """A backup in which a byte was changed."""
    office.run("backup", office.folder.parent / "copy", by="ops-1")
    copy = office.folder.parent / "copy"
    changed = next(file for file in sorted(copy.rglob("*.toml")) if file.is_file())
    changed.write_bytes(changed.read_bytes() + b"# changed\n")
    return office.run("restore", "--rehearse", copy, code=10).code


def unwell(office: Office) -> int:
    """A key that everybody on the machine may read."""
    (office.folder / "keys" / "status").chmod(0o644)
    return office.run("doctor", code=11).code


def interrupted(office: Office) -> int:
    """Ctrl-C."""
    plan = office.released()
    with terminal("watch", plan, folder=office.folder, ACCESSIBLE="1") as screen:
        screen.expect("ready")
        screen.press("ctrl-c")
        return screen.ended()


PROVOKED: dict[int, Callable[[Office], int]] = {
    0: done,
    1: bug,
    2: wrong_input,
    3: gate,
    4: signature,
    5: stale,
    6: partial,
    7: no_terminal,
    8: forbidden,
    9: away,
    10: record,
    11: unwell,
    130: interrupted,
}


@pytest.mark.system
@pytest.mark.parametrize("code", list(PROVOKED))
def test_each_code_is_what_it_says(office: Office, code: int) -> None:
    """By a command that ends so."""
    assert PROVOKED[code](office) == code


def test_every_code_is_provoked_and_on_the_page() -> None:
    """None is promised that nothing shows, and the page has the table of the code."""
    assert list(PROVOKED) == list(EXIT_CODES)
    rows = dict(re.findall(r"^\| `(\d+)` \| (.+?) \|", PAGE.read_text(), re.MULTILINE))
    assert rows == {str(code): meaning for code, meaning in EXIT_CODES.items()}

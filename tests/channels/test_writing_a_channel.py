"""docs/writing-a-channel.md does what it says: its files are installed as they stand, tested, and sent through."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from channels import registry
from channels.contract import Account, Secret
from channels.registry import ENTRY_POINTS
from channels.simulator.faults import FaultKind
from channels.simulator.server import Simulator
from dispatcher.bootstrap import open_desk
from dispatcher.domain.errors import GateClosed
from dispatcher.sender_bootstrap import now
from dispatcher.service import accounts
from tests.cast import EXAMPLE_POLICY
from tests.packages import install, on_path
from tests.paid import put_in_force
from tests.stage import MODE, Stage, far_sides, stage_at

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "writing-a-channel.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w./-]+)`\n\n```\w+\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
OFFERS: Mapping[str, str] = tomllib.loads(FILES["pyproject.toml"])["project"]["entry-points"][ENTRY_POINTS]


@dataclass(frozen=True)
class Site:
    """A folder in which the page's package is installed."""

    folder: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of the page's ``python -m`` commands."""
        path = os.pathsep.join([str(self.folder), str(ROOT)])
        return subprocess.run(
            [sys.executable, "-m", *words],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The package of the page, installed and on this process's path."""
    folder = tmp_path / "site"
    modules = {name: text for name, text in FILES.items() if name.endswith(".py")}
    install(folder, OFFERS, modules, "noticeboard")
    with on_path(folder):
        yield Site(folder)


def conformance(site: Site, name: str = "SUBJECT") -> subprocess.CompletedProcess[str]:
    """The page's command."""
    command = re.search(r"^python -m (channels\.conformance) (\S+):SUBJECT$", PAGE, re.MULTILINE)
    assert command
    return site.run(command[1], f"{command[2]}:{name}")


def test_the_adapter_of_the_page_passes_the_suite(site: Site) -> None:
    """With the one command that the page names, and with every check that applies to it."""
    done = conformance(site)
    assert (done.returncode, done.stderr) == (0, "")
    kept, of = re.findall(r"noticeboard: (\d+) of (\d+) checks kept", done.stdout)[0]
    assert kept == of
    assert int(of) > 50


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("not 400 <= status < 500", "False", "expected in_doubt, got rejected"),
        ("notice {job.delivery}", "notice {id(job)}", "published 2 times, not once"),
        ("return error.outcome()", "raise", "it raised Ambiguous"),
    ],
)
def test_a_mistake_is_named_by_the_command(site: Site, right: str, wrong: str, said: str) -> None:
    """It ends with 1, and says what was expected."""
    file = site.folder / "noticeboard" / "adapter.py"
    assert right in file.read_text()
    file.write_text(file.read_text().replace(right, wrong))
    done = conformance(site)
    assert done.returncode == 1
    assert said in done.stdout


@pytest.mark.parametrize(
    ("name", "said"), [("NOTHING", "has no attribute 'NOTHING'"), ("Adapter", "name a channels.conformance.Subject")]
)
def test_the_command_says_what_it_needs(site: Site, name: str, said: str) -> None:
    """Where there is no subject of that name, it ends with 2."""
    done = conformance(site, name)
    assert done.returncode == 2
    assert said in done.stderr


def test_the_pages_far_side_is_served_beside_ours(site: Site) -> None:
    """By the command that the page names, with another port."""
    command = re.search(r"^python -m (channels\.simulator) --port 8790 (--also) (\S+)$", PAGE, re.MULTILINE)
    assert command
    path = os.pathsep.join([str(site.folder), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": path}
    words = [sys.executable, "-m", command[1], command[2], command[3]]
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        try:
            base = f"{json.loads(served.stdout.readline())['url']}/noticeboard"
            assert subject(site).account(base).settings["base_url"] == base
            probe = f"import urllib.request as u; u.urlopen('{base}/notices/x')"
            asked = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
            assert "404" in asked.stderr
        finally:
            served.terminate()


def subject(site: Site) -> Any:
    """The page's subject, in this process."""
    del site
    from noticeboard.subject import SUBJECT  # type: ignore[import-not-found]

    return SUBJECT


def add_boards(stage: Stage) -> None:
    """Add an exercise account, as the page does."""
    settings = {"base_url": f"{stage.far.url}/noticeboard"}
    account = Account("town-boards", "noticeboard", "Town boards", ("en-GB",), settings)
    accounts.add(stage.desk, account, MODE, {"token": Secret("boards-of-example-town")}, "ops-1")


def stage_with_boards(root: Path, far: Simulator) -> Stage:
    """A deployment under the page's policy, with that account."""
    stage = stage_at(root, far, timing={"lease_ms": 60_000})
    put_in_force(stage.folder, EXAMPLE_POLICY.read_text() + FILES["policy.toml"], now())
    stage.desk.store.close()
    stage.desk = open_desk(stage.folder)
    add_boards(stage)
    return stage


def test_a_message_reaches_the_boards_in_an_exercise(site: Site, tmp_path: Path) -> None:
    """Through the whole machine, although the first answer is lost: put up once."""
    with far_sides(subject(site).simulator) as far:
        stage = stage_with_boards(tmp_path, far)
        plan = stage.cleared()
        stage.fault("noticeboard", FaultKind.ACT_THEN_DROP)
        stage.release(plan)
        stage.work(lambda: stage.ended(plan), roles=("relay", "accounts"))
        assert stage.states(plan) == {"accepted": 1}
        (posted,) = far.journal.published("noticeboard")
        assert "Storm tonight" in posted.text
        stage.desk.store.close()


def test_a_channel_that_policy_does_not_name_is_refused(site: Site, tmp_path: Path) -> None:
    """Being installed allows nothing: the gate says G05, and who can change it."""
    with far_sides(subject(site).simulator) as far:
        stage = stage_at(tmp_path, far)
        add_boards(stage)
        with pytest.raises(GateClosed) as refused:
            stage.submitted()
        stage.desk.store.close()
    assert [reason[0] for reason in refused.value.reasons] == ["G05"]


def test_a_package_that_went_away_takes_no_other_account_with_it(site: Site, tmp_path: Path) -> None:
    """Its account's delivery waits; the other's goes out."""
    with far_sides(subject(site).simulator) as far:
        stage = stage_with_boards(tmp_path, far)
        stage.account("webhook")
        plan = stage.cleared()
        stage.release(plan)
        (site.folder / "noticeboard" / "adapter.py").write_text("raise RuntimeError('gone')")
        sys.modules.pop("noticeboard.adapter", None)
        registry._offer.cache_clear()
        stage.work(lambda: stage.states(plan)["accepted"] == 1, roles=("relay", "accounts"))
        states = {row.account: row.state for row in stage.rows(plan)}
        assert states == {"webhook-1": "accepted", "town-boards": "ready"}
        assert far.journal.published("noticeboard") == []
        stage.desk.store.close()

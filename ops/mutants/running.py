"""Runs tests in forked processes: all of them once to see what each covers, then a few against each mutant."""

from __future__ import annotations

import gc
import os
import pickle
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType
from typing import TypeVar

import coverage
import hypothesis
import pytest

from ops.mutants.operators import Mutant

T = TypeVar("T")

TESTS = (
    *("tests/gate", "tests/statements", "tests/sending", "tests/egress", "tests/ledger", "tests/channels/text"),
    "tests/domain",
)
ARGUMENTS = (
    *("-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # Hypothesis is there before its pytest plugin
    *("-x", "-q", "--no-header"),
    *("--ignore=tests/gate/test_rosters.py", "--ignore=tests/sending/test_mutations.py"),  # 100,000 draws each
)
SURVIVED, NOT_SWAPPED = 0, 3
MEMORY = 4 << 30
SLOW_S = 3.0
ON_IMPORT = ""
FIGURES = "/test_figures.py::"
"""Tests of constants: they run no line of the file, and are tried against whatever an import does."""


@dataclass(frozen=True, slots=True)
class Map:
    """Which tests run which lines of which file (``ON_IMPORT``: an import does), and for how many seconds."""

    branches: float
    lines: Mapping[str, Mapping[int, Sequence[str]]]
    seconds: Mapping[str, float]

    def running(self, file: str, lines: Collection[int] | None = None) -> set[str]:
        """The tests that run any of these lines, or any of the file."""
        known = self.lines.get(file, {})
        return {test for line in (known if lines is None else lines) for test in known.get(line, ())}


class _Recorder:
    """Tells coverage which test is running, and notes how long it took."""

    def __init__(self, measuring: coverage.Coverage) -> None:
        self._measuring = measuring
        self.seconds: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        self._measuring.switch_context(item.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration


class _Tried:
    """Runs the chosen tests, the quick ones first, and ends the process at the first that fails or takes too long."""

    def __init__(self, seconds: Mapping[str, float], chosen: Collection[str] = (), file: str = "") -> None:
        self._seconds, self._chosen, self._file = seconds, chosen, file

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        # A figure stands in the name of its test: changed by a mutant, it is under no name that was chosen.
        figures = {item.nodeid for item in items if FIGURES in item.nodeid}
        items[:] = self.picked(items, {*self._chosen, *figures}, self._file)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        signal.alarm(10 + int(5 * self._seconds[nodeid]))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os._exit(1)

    def picked(self, items: Iterable[pytest.Item], chosen: Collection[str], file: str) -> list[pytest.Item]:
        """The chosen ones that are not slow: those named after the file first, then the quick ones."""
        taken = (item for item in items if item.nodeid in chosen and self._seconds[item.nodeid] < SLOW_S)
        return sorted(taken, key=lambda i: (Path(file).stem not in i.path.stem, self._seconds[i.nodeid]))


class _Swapping(_Tried):
    """Instead of running the tests: runs some of them for each mutant, in a fork that has all of them imported."""

    def __init__(self, map_: Map, mutants: Sequence[Mutant], jobs: int) -> None:
        super().__init__(map_.seconds)
        self._map, self._mutants, self._jobs = map_, mutants, jobs
        self.codes: list[int] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """All are wanted."""

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        functions = _functions()
        gc.freeze()
        self.codes = _each(self._mutants, partial(self._try, session, functions), self._jobs)
        return True

    def _try(self, session: pytest.Session, functions: Mapping[object, list[FunctionType]], mutant: Mutant) -> int:
        try:
            for code in _codes(compile(mutant.applied(), mutant.file, "exec")):
                for function in functions.get(_key(mutant.file, code), ()):
                    function.__code__ = code
        except ValueError:
            return NOT_SWAPPED
        items = self.picked(session.items, self._map.running(mutant.file, mutant.lines), mutant.file)
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return SURVIVED


def covered(packages: Sequence[str]) -> Map:
    """Run all tests in a process of their own and return what they cover; prints the branches that no test takes.

    Raises SystemExit where a test fails.
    """

    def run() -> Map:
        measuring = coverage.Coverage(data_file=None, branch=True, source=packages)
        recorder = _Recorder(measuring)
        measuring.start()
        if pytest.main([*ARGUMENTS, *TESTS], plugins=[recorder]):
            sys.exit("The tests fail as it is: mend them first.")
        measuring.stop()
        data = measuring.get_data()
        lines = {os.path.relpath(file): data.contexts_by_lineno(file) for file in data.measured_files()}
        return Map(measuring.report(show_missing=True, skip_covered=True), lines, dict(recorder.seconds))

    return _apart(run)


def swapped(map_: Map, mutants: Sequence[Mutant], jobs: int) -> list[int]:
    """Try mutants of functions, all in forks of one process that has imported everything: the exit code of each."""

    def run() -> list[int]:
        plugin = _Swapping(map_, mutants, jobs)
        pytest.main([*ARGUMENTS, "-s", *TESTS], plugins=[plugin])
        return plugin.codes

    return _apart(run)


def imported(map_: Map, mutants: Sequence[Mutant], jobs: int) -> list[int]:
    """Try mutants each in a process that imports it: the exit code of each."""
    return _each(mutants, partial(_import, map_), jobs)


def _import(map_: Map, mutant: Mutant) -> int:
    code, get_code = compile(mutant.applied(), mutant.file, "exec"), SourceFileLoader.get_code

    def changed(loader: SourceFileLoader, name: str) -> CodeType | None:
        return code if Path(loader.path) == Path(mutant.file).resolve() else get_code(loader, name)

    SourceFileLoader.get_code = changed  # type: ignore[method-assign, assignment]
    chosen = map_.running(mutant.file) - {ON_IMPORT} | {test for test in map_.seconds if FIGURES in test}
    near = {test for test in chosen if FIGURES in test or Path(mutant.file).stem in test.partition("::")[0]}
    for some in (near, chosen - near):  # those named after the file see most changes, and are few to import
        signal.alarm(60)
        files = sorted({test.partition("::")[0] for test in some})
        tried = _Tried(defaultdict(float, map_.seconds), some, mutant.file)
        result = pytest.main([*ARGUMENTS, "-s", *files], plugins=[tried]) if files else SURVIVED
        if result not in (SURVIVED, pytest.ExitCode.NO_TESTS_COLLECTED):
            return int(result)
    return SURVIVED


def _each(mutants: Sequence[Mutant], attempt: Callable[[Mutant], int], jobs: int) -> list[int]:
    """The exit codes of attempts, ``jobs`` of them at a time, each in a process of its own."""
    codes, running, waiting = [SURVIVED] * len(mutants), dict[int, int](), list(range(len(mutants)))[::-1]
    with tempfile.TemporaryDirectory() as folder:
        while waiting or running:
            if waiting and len(running) < jobs:
                number = waiting.pop()
                running[_fork(partial(_alone, attempt, mutants[number], Path(folder)))] = number
                continue
            process, status = os.wait()
            with suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)  # what its tests started
            shutil.rmtree(Path(folder, str(process)), ignore_errors=True)
            codes[running.pop(process)] = os.waitstatus_to_exitcode(status)
            if len(waiting) % 100 == 0:
                print(f"{len(waiting)} to go", flush=True)
    return codes


def _alone(attempt: Callable[[Mutant], int], mutant: Mutant, folder: Path) -> int:
    """Try one mutant in a process that is quiet, limited, and has a folder of its own for what tests write."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(silence, stream)
    mine = folder / str(os.getpid())
    mine.mkdir()
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(mine)
    return attempt(mutant)


def _fork(work: Callable[[], int]) -> int:
    """Start a process that does this and nothing after it."""
    sys.stdout.flush()
    if process := os.fork():
        return process
    code = 1
    try:
        # Finding a failure is enough: no search for the smallest one, and the same examples each time.
        hypothesis.settings.register_profile(
            "mutants",
            database=None,
            deadline=None,
            derandomize=True,
            phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.settings.load_profile("mutants")
        code = work()
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(code)


def _apart(work: Callable[[], T]) -> T:
    """What ``work`` returns, done in another process, so that nothing is imported here. Raises SystemExit."""
    with tempfile.TemporaryFile() as file:

        def run() -> int:
            pickle.dump(work(), file)
            file.flush()
            return 0

        if os.waitpid(_fork(run), 0)[1]:
            sys.exit(1)
        file.seek(0)
        made: T = pickle.load(file)  # noqa: S301 - written above
        return made


def _functions() -> Mapping[object, list[FunctionType]]:
    """Every function there is, by the place of its code."""
    found = defaultdict(list)
    for one in gc.get_objects():
        if isinstance(one, FunctionType):
            found[_key(os.path.relpath(one.__code__.co_filename), one.__code__)].append(one)
    return found


def _key(file: str, code: CodeType) -> object:
    return file, code.co_qualname, code.co_firstlineno


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)

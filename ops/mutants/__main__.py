"""``python -m ops.mutants [--coverage] [PATH ...]``: see the package."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.mutants.operators import Mutant, mutants_of
from ops.mutants.running import NOT_SWAPPED, ON_IMPORT, SURVIVED, Map, covered, imported, swapped

PACKAGES = (
    *("dispatcher/gate", "dispatcher/statements", "dispatcher/sending", "dispatcher/egress", "dispatcher/ledger"),
    "channels/text",
)
BUILD = Path("build")
REASONS = Path(__file__).with_name("survivors.toml")
KILLED_AT_LEAST = 0.95
WHOLE = 100.0


@dataclass(frozen=True, slots=True)
class Found:
    """How many mutants there were of each package, and which no test noticed."""

    total: Counter[str]
    survivors: Sequence[Mutant]


def main() -> int:
    """Print and write what was found; the exit code is 0 only if enough was killed and the rest is explained."""
    parser = argparse.ArgumentParser(prog="make mutants", description="Do the tests notice a change in the code?")
    parser.add_argument("--coverage", action="store_true", help="only the branch coverage")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once")
    parser.add_argument("paths", nargs="*", default=PACKAGES, help="files or folders to mutate")
    given = parser.parse_args()
    BUILD.mkdir(exist_ok=True)
    map_ = covered(PACKAGES)
    if given.coverage:
        return int(map_.branches < WHOLE)
    files = [
        file for path in map(Path, given.paths) for file in ([path] if path.is_file() else sorted(path.glob("*.py")))
    ]
    found = _try([mutant for file in files for mutant in mutants_of(file)], map_, given.jobs)
    return _report(found)


def _try(mutants: Sequence[Mutant], map_: Map, jobs: int) -> Found:
    """First all mutants of what tests call, then those that an import may show."""
    total = Counter(str(Path(mutant.file).parent) for mutant in mutants)
    tests = [map_.running(mutant.file, mutant.lines) for mutant in mutants]
    called = [m for m, by in zip(mutants, tests, strict=True) if m.function and by - {ON_IMPORT}]
    print(f"{len(mutants)} mutants, {len(called)} of them in functions that tests call", flush=True)
    codes = dict(zip(map(id, called), swapped(map_, called, jobs), strict=True))
    left = [m for m in mutants if codes.get(id(m), SURVIVED) in (SURVIVED, NOT_SWAPPED)]
    by_import = [m for m in left if codes.get(id(m)) == NOT_SWAPPED or ON_IMPORT in map_.running(m.file, m.lines)]
    print(f"{len(left)} are left, {len(by_import)} of them run by an import", flush=True)
    tried = zip(map(id, by_import), imported(map_, by_import, jobs), strict=True)
    killed = {mutant for mutant, code in tried if code != SURVIVED}
    return Found(total, [m for m in left if id(m) not in killed])


def _report(found: Found) -> int:
    reasons = {
        (r["file"], r["function"], r["mutation"]): r["reason"] for r in tomllib.loads(REASONS.read_text())["survivor"]
    }
    survivors = [
        {
            "file": m.file,
            "line": getattr(m.node, "lineno", m.lines.stop - 1),
            "function": m.function,
            "mutation": m.mutation,
            "reason": reasons.get((m.file, m.function, m.mutation), ""),
        }
        for m in found.survivors
    ]
    lived = Counter(str(Path(m.file).parent) for m in found.survivors)
    for package, total in found.total.items():
        print(f"{package}: {total - lived[package]} of {total} killed ({1 - lived[package] / total:.1%})")
    whole = found.total.total()
    document = {"killed": whole - len(survivors), "total": whole, "survivors": survivors}
    (BUILD / "mutants.json").write_text(json.dumps(document, indent=2) + "\n")
    unexplained = [s for s in survivors if not s["reason"]]
    for one in unexplained:
        print("{file}:{line} {function}: {mutation}".format(**one), file=sys.stderr)
    few = any(1 - lived[package] / total < KILLED_AT_LEAST for package, total in found.total.items())
    return int(few or bool(unexplained))


if __name__ == "__main__":
    sys.exit(main())

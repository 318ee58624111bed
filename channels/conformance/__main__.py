"""Run the suite: ``python -m channels.conformance MODULE:NAME …``, each name a ``Subject`` or several of them.

Says how many checks each adapter kept, and of each that it did not what was expected. Exit codes: 0 where all were
kept, 1 where not, 2 where there is nothing of that name to check.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any

from channels.conformance import ConformanceError, Subject, cases, run


def main() -> int:
    """Parse the arguments, run every check, and return the exit code."""
    about = "Hold adapters to the contract, against their simulated far sides."
    parser = argparse.ArgumentParser(prog="python -m channels.conformance", description=about)
    parser.add_argument("subjects", nargs="+", metavar="MODULE:NAME", help="a Subject, or a sequence of them")
    broken = 0
    for where in parser.parse_args().subjects:
        try:
            subjects = list(_subjects(where))
        except (ImportError, AttributeError, TypeError) as error:
            parser.error(f"{where}: {error}; name a channels.conformance.Subject, or a sequence, as MODULE:NAME")
        broken += sum(_broken(subject) for subject in subjects)
    return 1 if broken else 0


def _subjects(where: str) -> Iterator[Subject]:
    found: Any = EntryPoint("subject", where, "conformance").load()
    for subject in [found] if isinstance(found, Subject) else found:
        if not isinstance(subject, Subject):
            raise TypeError(f"{type(subject).__name__} is no Subject")
        yield subject


def _broken(subject: Subject) -> int:
    names = cases(subject)
    faults = {name: fault for name in names if (fault := _fault(name, subject))}
    lines = [f"{subject}: {len(names) - len(faults)} of {len(names)} checks kept"]
    lines += [f"  not kept: {name}\n    {fault}" for name, fault in faults.items()]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    return len(faults)


def _fault(name: str, subject: Subject) -> str:
    try:
        run(name, subject)
    except ConformanceError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - rule 2 of the contract: an exception is a bug of the adapter
        return f"it raised {type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    sys.exit(main())

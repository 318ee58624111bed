"""Where the ``dispatcher`` command begins: Ctrl-C while its modules are imported ends it as it does later.

May not be here: an import at module level that takes time, for nothing catches Ctrl-C before it is done.
"""

from __future__ import annotations

import sys

INTERRUPT = 130
INTERRUPTED = "interrupted; what was not finished was not done"


def run() -> None:
    """The ``dispatcher`` command; see :func:`dispatcher.cli.main.run`."""
    try:
        from dispatcher.cli import main

        main.run()
    except KeyboardInterrupt:
        sys.stderr.write(f"Error: {INTERRUPTED}\nNext: dispatcher status\n")
        sys.exit(INTERRUPT)

"""Where the ``dispatcher`` command begins: Ctrl-C while its modules are imported ends it as it does later.

May not be here: an import at module level that takes time, for nothing catches Ctrl-C before it is done.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

INTERRUPT = 130
INTERRUPTED = "interrupted; what was not finished was not done"


def run() -> None:
    """The ``dispatcher`` command; see :func:`dispatcher.cli.main.run`."""
    try:
        import signal

        usual = signal.getsignal(signal.SIGINT)
        if usual is signal.default_int_handler:  # else somebody started it with Ctrl-C ignored
            signal.signal(signal.SIGINT, _end)
        from dispatcher.cli import main

        signal.signal(signal.SIGINT, usual)
        main.run()
    except KeyboardInterrupt:
        _end()


def _end(*_: object) -> NoReturn:
    """End here, not by an error, which an import may turn into another: nothing has been begun yet."""
    sys.stderr.write(f"Error: {INTERRUPTED}\nNext: dispatcher status\n")
    sys.stderr.flush()
    os._exit(INTERRUPT)

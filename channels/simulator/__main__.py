"""Run the simulator as a process: ``python -m channels.simulator --port 8790 [--smtp-port 8791] [--journal FILE]``.

``--also MODULE:CLASS`` serves a third party's far side beside ours.

Prints ``{"url": "http://127.0.0.1:8790", "smtp": "smtp://127.0.0.1:8791"}`` as one line once it listens. On SIGTERM
or SIGINT it writes the journal and ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path

from channels.simulator.provider import Provider
from channels.simulator.providers import PROVIDERS
from channels.simulator.server import Simulator


def main() -> None:
    """Parse the arguments and serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m channels.simulator", description="All far sides, simulated.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--smtp-port", type=int, default=0, help="port of the mail server; 0 takes a free one")
    parser.add_argument("--journal", type=Path, help="file to which the journal is written on request and at the end")
    parser.add_argument("--also", action="append", default=[], metavar="MODULE:CLASS", help="one more far side")
    given = parser.parse_args()
    more = [EntryPoint("provider", where, "simulator").load() for where in given.also]
    asyncio.run(_serve([*PROVIDERS, *more], given.port, given.smtp_port, given.journal))


async def _serve(providers: Sequence[type[Provider]], port: int, smtp_port: int, journal_file: Path | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Simulator(providers, port=port, journal_file=journal_file, smtp_port=smtp_port) as simulator:
        sys.stdout.write(json.dumps({"url": simulator.url, "smtp": simulator.address("press_email")}) + "\n")
        sys.stdout.flush()
        await stop.wait()
        simulator.write_journal()


if __name__ == "__main__":
    main()

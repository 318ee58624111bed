"""Run the simulator as a process: ``python -m channels.simulator --port 8790 [--smtp-port 8791] [--journal FILE]
[--serve FOLDER]``.

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
from importlib.metadata import EntryPoint
from pathlib import Path

from channels.simulator.providers import PROVIDERS
from channels.simulator.server import Simulator


def main() -> None:
    """Parse the arguments and serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m channels.simulator", description="All far sides, simulated.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--smtp-port", type=int, default=0, help="port of the mail server; 0 takes a free one")
    parser.add_argument("--journal", type=Path, help="file to which the journal is written on request and at the end")
    parser.add_argument("--also", action="append", default=[], metavar="MODULE:CLASS", help="one more far side")
    parser.add_argument("--serve", type=Path, help="folder that holds those of our feeds and pages, to serve them")
    given = parser.parse_args()
    more = [EntryPoint("provider", where, "simulator").load() for where in given.also]
    simulator = Simulator(
        [*PROVIDERS, *more],
        port=given.port,
        journal_file=given.journal,
        smtp_port=given.smtp_port,
        served=given.serve,
    )
    asyncio.run(_serve(simulator))


async def _serve(simulator: Simulator) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with simulator:
        sys.stdout.write(json.dumps({"url": simulator.url, "smtp": simulator.address("press_email")}) + "\n")
        sys.stdout.flush()
        await stop.wait()
        simulator.write_journal()


if __name__ == "__main__":
    main()

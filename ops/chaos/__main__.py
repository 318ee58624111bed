"""``python -m ops.chaos [--seconds S] [--seed N] [--database sqlite|postgresql|both]``: see the package."""

from __future__ import annotations

import argparse
import json
import secrets
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ops.chaos.campaign import Campaign, Size, run

BUILD = Path("build")
DATABASES = ("sqlite", "postgresql")
ADDED = ("deliveries", "lost", "duplicated", "false_sent", "held", "held_published", "requests", "ambiguous")
ADDED_TOO = ("attempts", "unmatched", "leftovers")


def main() -> int:
    """Run, print and write; the exit code is 0 only if nothing was lost, doubled, false, unmatched or left over."""
    parser = argparse.ArgumentParser(prog="make chaos", description="Break a deployment while it sends, and count.")
    parser.add_argument("--seconds", type=float, default=60, help="how long faults strike, per database (60)")
    parser.add_argument("--seed", type=int, default=None, help="replays the schedule of faults, not the interleaving")
    parser.add_argument("--database", choices=[*DATABASES, "both"], default="both")
    given = parser.parse_args()
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    databases = DATABASES if given.database == "both" else (given.database,)
    print(f"EXERCISE. {given.seconds:g} s of faults on {' and '.join(databases)}; seed {seed}", flush=True)
    campaigns = [run(BUILD / "chaos" / name, name, seed, Size(given.seconds)) for name in databases]
    (BUILD / "chaos.json").write_text(json.dumps(document(seed, campaigns), indent=2) + "\n")
    print(f"{table(campaigns)}\n\nWritten to {BUILD / 'chaos.json'}.")
    return 0 if all(campaign.good for campaign in campaigns) else 1


def document(seed: int, campaigns: Sequence[Campaign]) -> dict[str, Any]:
    """What ``chaos.json`` holds: sums over the databases, and each by itself."""
    each = {campaign.database: campaign.document() for campaign in campaigns}
    sums = {name: sum(known[name] for known in each.values()) for name in (*ADDED, *ADDED_TOO)}
    faults = sum((campaign.faults for campaign in campaigns), Counter[str]())
    return {**sums, "faults": dict(faults), "seed": seed, "good": all(c.good for c in campaigns), "databases": each}


def table(campaigns: Sequence[Campaign]) -> str:
    """A line per figure and a column per database."""
    each = [campaign.document() for campaign in campaigns]
    rows = [(name, [known[name] for known in each]) for name in (*ADDED, *ADDED_TOO, "settled_s", "drained")]
    kinds = sorted({kind for campaign in campaigns for kind in campaign.faults})
    rows += [(f"fault {kind}", [campaign.faults[kind] for campaign in campaigns]) for kind in kinds]
    why = sorted({reason for known in each for reason in known["held_for"]})
    rows += [(f"held {reason}", [known["held_for"].get(reason, 0) for known in each]) for reason in why]
    head = f"{'':<22}{''.join(f'{campaign.database:>12}' for campaign in campaigns)}"
    lines = [f"{name:<22}{''.join(f'{cell!s:>12}' for cell in cells)}" for name, cells in rows]
    return "\n".join(
        [head, *lines, *(line for campaign in campaigns for line in (*campaign.leftovers, *campaign.record))]
    )


if __name__ == "__main__":
    raise SystemExit(main())

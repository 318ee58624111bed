"""``python -m ops.demo [--fault kill]``: see the package."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dispatcher.domain.lifecycle import UNSETTLED
from dispatcher.service.evidence import PRINCIPLES
from ops.demo.alert import storm
from ops.demo.cast import FAULTS, LIST, accounts, write_numbers
from ops.demo.stage import DemoFailed, Stage, running, set_up, until
from ops.demo.tally import Tally, count

BUILD = Path("build")
ENDS_WITHIN_S = 75.0
KILL_AFTER = 30


def main() -> int:
    """Play the exercise; the exit code is 0 only if nothing was lost or doubled."""
    parser = argparse.ArgumentParser(prog="make demo", description="One exercise against simulated platforms.")
    parser.add_argument("--fault", choices=["kill"], help="kill the workers by kill -9 during the fan-out")
    fault = parser.parse_args().fault
    print("EXERCISE EXERCISE EXERCISE. Simulated platforms, exercise keys, nothing leaves this machine.")
    started = time.monotonic()
    try:
        with set_up(BUILD) as stage, running(stage):
            tally = play(stage, fault, started)
    except DemoFailed as failure:
        print(f"\nThe demo failed: {failure}", file=sys.stderr)
        return 1
    (BUILD / "demo.json").write_text(json.dumps(tally.document(), indent=2) + "\n")
    print(f"\n{json.dumps(tally.document())}\n\nWritten to {BUILD / 'demo.json'}.")
    print("Nothing lost, nothing doubled." if tally.good else "NOT GOOD: see by_state, lost and doubled above.")
    print("This was an EXERCISE.")
    return 0 if tally.good else 1


def play(stage: Stage, fault: str | None, started: float) -> Tally:
    """The story, from the accounts to the tally."""
    feed = (stage.deployment / "feed").absolute()
    prepare(stage, feed)
    plan, incident, refused = clear(stage)
    for order in FAULTS:
        stage.fault(**order)
    if fault == "kill":
        stage.fault(provider="notify", kind="late", delay_s=0.2, times=80)
    dispatch = stage.act("director-1", "release", plan)
    if fault == "kill":
        kill_workers(stage)
    rows = until(lambda: ended(stage, plan), "every delivery has ended", ENDS_WITHIN_S)
    released_at = datetime.fromisoformat(dispatch["released_at"])
    seconds = time.monotonic() - started
    tally = count(
        rows, stage.journal(), sorted(feed.iterdir()), released_at=released_at, refused=refused, seconds=seconds
    )
    show(rows, released_at)
    prove(stage, incident)
    return tally


def prove(stage: Stage, incident: str) -> None:
    """The record: verified here, reviewed, and handed over in a pack that verifies itself without the product."""
    held = stage.act(None, "ledger", "verify")
    print(f"  {held['entries']} entries hold, {held['anchored']} of them against a head kept outside the database")
    review, pack = (stage.deployment.parent / name for name in ("review.html", "evidence.zip"))
    stage.act("reviewer-1", "review", incident, "--html", str(review))
    stage.act("reviewer-1", "evidence", "export", incident, "--to", str(pack))
    with zipfile.ZipFile(pack) as opened:
        verifier = Path(opened.extract("verify.py", pack.parent))
    heads = next((stage.deployment / "checkpoints").iterdir())
    print(f"\n$ python -I {verifier.name} {pack.name} --checkpoint {heads.name}")
    command = [sys.executable, "-I", str(verifier), str(pack), "--checkpoint", str(heads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    if done.returncode:
        raise DemoFailed(f"the evidence pack does not verify:\n{done.stdout}{done.stderr}")
    print("".join(f"  {line}\n" for line in done.stdout.strip().splitlines()))
    print(f"The review of this exercise: {review}; its evidence: {pack}")


def prepare(stage: Stage, feed: Path) -> None:
    """What daytime routine does: accounts, a list, a device, assessments, the exemption and its mitigations."""
    secrets = stage.deployment.parent / "secret"
    for account in accounts(stage.simulator, feed):
        words = [
            "account",
            "add",
            account.name,
            "--channel",
            account.channel,
            "--handle",
            account.handle,
            "--mode",
            "exercise",
        ]
        for language in account.languages:
            words += ["--language", language]
        for name, value in account.settings.items():
            words += ["--set", f"{name}={value}"]
        for name, secret in account.secrets.items():
            file = secrets.with_name(f"secret-{name}")
            file.write_text(secret.reveal())
            words += ["--secret-file", f"{name}={file}"]
        stage.act("ops-1", *words, quiet=True)
    print("\n13 accounts added on x, bluesky, webhook, cap_feed, notify and tiktok")
    for file in secrets.parent.glob("secret-*"):
        file.unlink()
    numbers = stage.deployment.parent / "numbers.csv"
    write_numbers(numbers)
    stage.act("ops-1", "recipients", "import", LIST, str(numbers), "--mode", "exercise")
    numbers.unlink()
    stage.act("ops-1", "device", "register", "phone-1", "--account", "tiktok-city")
    record = stage.deployment.parent / "evidence.txt"
    record.write_text("What was looked at, by whom and when, stands here in a real department.\n")
    proof = ("--mode", "exercise", "--evidence", str(record))
    safe = stage.deployment.parent / "assessment.toml"
    safe.write_text("".join(f'{principle} = "Found suitable for an exercise."\n' for principle in PRINCIPLES))
    for channel in ("x", "bluesky", "tiktok"):
        assessed = ("--outcome", "permitted", "--record", str(safe), "--mode", "exercise")
        stage.act("director-1", "evidence", "assess", channel, *assessed)
    scope = ("tiktok", "--account", "tiktok-city")
    need = ("--need", "reaches young adults whom nothing else reaches", "--mode", "exercise")
    stage.act("security-1", "evidence", "exempt", *scope, *need)
    stage.act("security-1", "evidence", "attest", *scope, "--device", "phone-1", "--app-version", "41.2", *proof)


def clear(stage: Stage) -> tuple[str, str, int]:
    """From the alert to a cleared plan, by seven people's keys. Returns plan, incident and the number of refusals."""
    alert = stage.deployment.parent / "storm.xml"
    alert.write_text(storm(datetime.now(UTC)))  # noqa: TID251 - the demo is timed from now
    stage.act(None, "cap", "validate", str(alert))
    incident = stage.act("author-1", "incident", "declare", "--from-cap", str(alert), "--mode", "exercise")["id"]
    stage.act("author-1", "incident", "activate", incident)
    message = stage.act("author-1", "message", "draft", incident, "--link", "https://www.gov.uk/example")["message"]
    stage.act("author-1", "message", "arm", message)
    stage.act("author-1", "message", "preview", message, quiet=True)
    words = ("--list", f"sms-city={LIST}", "--purpose", "exceptional_public_safety", "--window", "4h")
    need = ("--no-alternative", "people under 25, whom nothing else reaches")
    plan = stage.act("author-1", "clearance", "submit", message, *words, *need)["plan"]
    print("\nBefore the others have signed, the gate refuses:")
    stage.act("director-1", "release", plan, fails=3)
    stage.act("checker-1", "clearance", "approve", plan, "--role", "checker")
    stage.act("welsh-checker-1", "clearance", "approve", plan)
    stage.act("security-1", "clearance", "approve", plan, "--role", "security")
    stage.act("director-1", "clearance", "approve", plan, "--role", "duty_director")
    decision = stage.act(
        "private-office-1", "evidence", "decide", plan, "--decision", "agreed", "--channel", "tiktok"
    )
    stage.act("private-office-1", "evidence", "confirm", plan, "--code", decision["code"])
    stage.act("director-1", "clearance", "show", plan)
    refused = stage.act(None, "ledger", "tail", "--kind", "release.refused", "--incident", incident, quiet=True)
    return plan, incident, len(refused["entries"])


def kill_workers(stage: Stage) -> None:
    """Kill both sending workers while their requests are under way."""

    def under_way() -> bool | None:
        requests = [r for r in stage.journal()["requests"] if r["provider"] == "notify"]
        return len(requests) >= KILL_AFTER or None

    until(under_way, "the fan-out is under way", 20)
    for role in ("accounts", "recipients"):
        pid = stage.roles()[role]
        os.kill(pid, signal.SIGKILL)
        print(f"\nkill -9 {pid} ({role})")


def ended(stage: Stage, plan: str) -> list[dict[str, Any]] | None:
    """All deliveries of the plan, once none is left for a machine to move."""
    rows: list[dict[str, Any]] = stage.act(None, "delivery", "list", "--plan", plan, "-n", "1000", quiet=True)[
        "deliveries"
    ]
    return None if any(row["state"] in UNSETTLED for row in rows) else rows


def show(rows: list[dict[str, Any]], released_at: datetime) -> None:
    """Every destination, and each chunk of the list, with its state, attempts and time from release."""
    print(f"\n{'destination':<24}{'channel':<10}{'state':<14}{'tries':>5}{'seconds':>9}  reason")
    lists = [row for row in rows if row["list"]]
    for row in sorted((row for row in rows if not row["list"]), key=lambda row: str(row["account"])):
        _line(row["account"], row["channel"], row["state"], row["attempts"], _after(row, released_at), row["reason"])
    for start in range(0, len(lists), 20):
        chunk = sorted(lists, key=lambda row: int(row["position"]))[start : start + 20]
        states = ", ".join(f"{n} {s}" for s, n in sorted(_counted(chunk).items()))
        last = max((_after(row, released_at) or 0.0 for row in chunk), default=0.0)
        name = f"sms-city {start + 1}-{start + len(chunk)}"
        _line(name, "notify", states, sum(row["attempts"] for row in chunk), last, "")


def _line(name: str, channel: str, state: str, attempts: int, seconds: float | None, reason: str) -> None:
    shown = "" if seconds is None else f"{seconds:.2f}"
    print(f"{name:<24}{channel:<10}{state:<14}{attempts:>5}{shown:>9}  {reason}")


def _after(row: dict[str, Any], released_at: datetime) -> float | None:
    at = row.get("accepted_at")
    return None if at is None else (datetime.fromisoformat(at) - released_at).total_seconds()


def _counted(rows: list[dict[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["state"]] = counts.get(row["state"], 0) + 1
    return counts


if __name__ == "__main__":
    raise SystemExit(main())

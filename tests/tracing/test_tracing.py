"""A release and its attempts belong together, at a real OTLP receiver, after a retry and on another worker too."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis as redis_client
from click.testing import CliRunner
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Wire
from sqlalchemy import update

from channels.simulator.faults import FaultKind
from channels.simulator.server import Simulator
from dispatcher import log
from dispatcher.cli.main import root
from dispatcher.sender_bootstrap import now
from dispatcher.store.tables import DISPATCHES
from dispatcher.tracing.context import begun, place_in
from dispatcher.tracing.spans import NOWHERE, open_spans
from ops.reading import having_read
from tests.stage import MODE, Stage, far_sides, stage_at
from tests.tracing.collector import Receiver, receiving
from workers.broker import NAMESPACE, queue_name
from workers.doorbell import open_doorbell
from workers.tracing import Tracing

pytestmark = pytest.mark.system
NONSENSE = "00-not-a-trace-01"


@pytest.fixture
def far() -> Iterator[Simulator]:
    """All simulated platforms."""
    with far_sides() as simulator:
        yield simulator


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Where spans are sent."""
    with receiving() as started:
        yield started


def staged(tmp_path: Path, far: Simulator, receiver: Receiver | None, redis: str = "") -> Stage:
    """A deployment with one account on X, whose spans go to the receiver if there is one."""
    stage = stage_at(tmp_path, far, **({"redis": redis} if redis else {}))
    if receiver:
        file = stage.folder / "deployment.toml"
        file.write_text(f'traces = "{receiver.url}"\n{file.read_text()}')
        stage.desk = replace(stage.desk, settings=replace(stage.desk.settings, traces=receiver.url))
    stage.account("x")
    return stage


def by_command(stage: Stage, plan: str, traceparent: str | None) -> dict[str, Any]:
    """Release a plan as a person does, in this trace."""
    key = stage.folder / "keys" / "exercise" / "director-1"
    environment = {"TRACEPARENT": traceparent, "DISPATCHER_KEY": str(key), "SSH_AUTH_SOCK": None}

    def run(*words: str) -> dict[str, Any]:
        everywhere = ["--deployment", str(stage.folder), "--json"]
        done = CliRunner(env=environment).invoke(root, [*everywhere, *words])
        assert done.exit_code == 0, done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    return run(*having_read(("release", plan), run))


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The attempts that were logged."""
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line for line in logged if line.get("event") == "attempt"]


def test_a_release_and_its_attempts_belong_together(tmp_path: Path, far: Simulator, receiver: Receiver) -> None:
    """The caller's trace goes on in the release; the attempt is a client's span, linked to it, under a consumer's."""
    stage, caller = staged(tmp_path, far, receiver), begun()
    plan = stage.cleared()
    by_command(stage, plan, caller.traceparent)
    stage.work(lambda: stage.ended(plan))
    (release,), (attempt,) = receiver.named("release"), receiver.named("send x")
    (chunk,) = [span for span in receiver.named("process") if span.span_id == attempt.parent_id]
    assert (release.trace_id, release.parent_id) == (caller.trace_id, caller.span_id)
    assert (release.kind, chunk.kind, attempt.kind) == (
        Wire.SPAN_KIND_PRODUCER,
        Wire.SPAN_KIND_CONSUMER,
        Wire.SPAN_KIND_CLIENT,
    )
    assert chunk.links == attempt.links == ((release.trace_id, release.span_id),)
    assert chunk.trace_id == attempt.trace_id != release.trace_id
    assert (release.service, attempt.service) == ("dispatcher-release", "dispatcher-accounts")
    assert attempt.attributes["dispatcher.verdict"] == "accepted"


def test_a_retry_on_another_worker_is_linked_to_the_same_release(
    tmp_path: Path, far: Simulator, receiver: Receiver
) -> None:
    """The first process ends after the first attempt; another makes the second."""
    stage = staged(tmp_path, far, receiver)
    plan = stage.cleared()
    made = stage.release(plan)
    stage.fault("x", FaultKind.THROTTLE, delay_s=1.0)
    stage.work(lambda: any(row.failures for row in stage.rows(plan)))
    stage.work(lambda: stage.ended(plan))
    attempts = receiver.named("send x")
    place = place_in(made.traceparent)
    assert place is not None
    assert len(attempts) > 1
    assert {attempt.links for attempt in attempts} == {((place.trace_id, place.span_id),)}
    assert [a.attributes["dispatcher.attempt"] for a in attempts] == list(range(1, len(attempts) + 1))
    assert len({attempt.span_id for attempt in attempts}) == len(attempts)


def test_no_attribute_holds_text_secret_or_recipient(tmp_path: Path, far: Simulator, receiver: Receiver) -> None:
    """All that was sent, searched for each of them."""
    stage = staged(tmp_path, far, receiver)
    stage.account("notify")
    stage.numbers(3)
    plan = stage.cleared(lists=("city",))
    by_command(stage, plan, None)
    stage.work(lambda: stage.ended(plan))
    assert len(receiver.named("send notify")) == 3
    told = json.dumps([span.attributes for span in receiver.spans])
    assert not [word for word in ("Stay indoors", "Storm", "07700", "+4477", "Bearer", "secret") if word in told]


def test_a_nonsensical_traceparent_is_ignored_wherever_it_stands(
    tmp_path: Path, far: Simulator, receiver: Receiver
) -> None:
    """In the environment the release begins a trace; in the row, written by hand, the attempt is in none."""
    stage = staged(tmp_path, far, receiver)
    plan = stage.cleared()
    by_command(stage, plan, NONSENSE)
    (release,) = receiver.named("release")
    assert release.parent_id == ""
    with stage.desk.store.write() as work:
        work.execute(update(DISPATCHES).values(traceparent=NONSENSE))
    stage.work(lambda: stage.ended(plan))
    assert stage.states(plan)["accepted"] == 1
    assert receiver.named("send x") == []


@pytest.mark.usefixtures("logging_put_back")
def test_attempts_are_logged_with_their_trace_where_nothing_is_exported(
    tmp_path: Path, far: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """Trace and span of the attempt, and the trace of its release."""
    stage = staged(tmp_path, far, None)
    log.configure("accounts", str(MODE), now)
    plan = stage.cleared()
    made = stage.release(plan)
    stage.work(lambda: stage.ended(plan))
    (line,) = lines(capsys)
    release = place_in(made.traceparent)
    assert release is not None
    assert line["release_trace_id"] == release.trace_id
    assert (len(line["trace_id"]), len(line["span_id"])) == (32, 16)
    assert "dropped" not in line


def test_a_doorbell_carries_the_traceparent(tmp_path: Path, far: Simulator, redis_url: str) -> None:
    """In the message's options, beside Dramatiq's own."""
    stage = staged(tmp_path, far, None, redis_url)
    plan = stage.cleared()
    made = stage.release(plan, open_doorbell(stage.desk.settings))
    with redis_client.Redis.from_url(redis_url) as client:
        messages = client.hvals(f"{NAMESPACE}:{queue_name('accounts', str(MODE))}.msgs")
    assert [json.loads(message)["options"]["traceparent"] for message in messages] == [made.traceparent]


def test_no_exporter_is_loaded_where_nothing_is_exported() -> None:
    """A worker without an endpoint does not pay for it; redis-py, by itself, loads what it finds of OpenTelemetry."""
    script = "import sys, workers.engine, dispatcher.tracing.spans as s; s.open_spans('', 'a', 'b', 'c')"
    script += "; sys.exit(bool({'opentelemetry.exporter', 'opentelemetry.proto'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", script], check=False, cwd=Path(__file__).parents[2]).returncode == 0


def test_a_receiver_that_is_away_stops_nothing(tmp_path: Path, far: Simulator) -> None:
    """The plan goes out, and the worker ends."""
    stage = staged(tmp_path, far, Receiver("http://127.0.0.1:9"))
    plan = stage.cleared()
    stage.release(plan)
    stage.work(lambda: stage.ended(plan))
    assert stage.states(plan)["accepted"] == 1


def test_no_endpoint_means_nowhere() -> None:
    """And no chunk asks for the time."""
    assert open_spans("", "accounts", "live", "example-city") is NOWHERE
    assert Tracing("accounts", now).chunk([]).ended() is None

"""What the rivals' workers run: one send, one committed row. Imported by their own command lines."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from functools import cached_property
from typing import Any

import apprise
import celery
import dramatiq
import psycopg
import requests
from dramatiq.brokers.redis import RedisBroker

REDIS = "RIVAL_REDIS"
URL = "RIVAL_URL"
DATABASE = "RIVAL_DATABASE"
BODY = '{"type": "alert.published", "data": {"texts": [{"language": "en-GB", "text": "%s"}]}}' % ("x" * 250)


class Rows(threading.local):
    """The table of a rival: a row per send, durable as ours are. A connection for each thread."""

    def __init__(self, database: str) -> None:
        self._database = database

    @cached_property
    def _connection(self) -> Any:
        connection = self._connected()
        connection.execute("CREATE TABLE IF NOT EXISTS rival_sends (number bigint, status integer)")
        return connection

    def _connected(self) -> Any:
        if self._database.startswith("postgresql"):
            return psycopg.connect(self._database.replace("+psycopg", ""), autocommit=True)
        connection = sqlite3.connect(self._database.removeprefix("sqlite:///"), isolation_level=None, timeout=60)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def add(self, number: int, status: int) -> None:
        """Commit one row."""
        mark = "%s" if self._database.startswith("postgresql") else "?"
        self._connection.execute(f"INSERT INTO rival_sends VALUES ({mark}, {mark})", (number, status))  # noqa: S608

    def count(self) -> int:
        """How many sends are recorded."""
        return int(self._connection.execute("SELECT count(*) FROM rival_sends").fetchone()[0])

    def clear(self) -> None:
        """Forget all."""
        self._connection.execute("DELETE FROM rival_sends")


class _Here(threading.local):
    """One HTTP session for each thread."""

    @cached_property
    def session(self) -> requests.Session:
        return requests.Session()


_here = _Here()
_rows = Rows(os.environ.get(DATABASE, ""))
_redis = os.environ.get(REDIS, "redis://127.0.0.1:1")


def _send(number: int) -> None:
    headers = {"webhook-id": str(number), "content-type": "application/json"}
    answer = _here.session.post(os.environ[URL], data=BODY, headers=headers, timeout=60)
    _rows.add(number, answer.status_code)


dramatiq.set_broker(RedisBroker(url=_redis))  # type: ignore[no-untyped-call]
app = celery.Celery("rival", broker=_redis.replace("unix://", "redis+socket://"))
app.conf.update(task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=4)

_by_dramatiq = dramatiq.actor(max_retries=0, queue_name="rival")(_send)
_by_celery = app.task(name="rival.send", ignore_result=True)(_send)


def send_by_dramatiq(count: int) -> None:
    """Enqueue so many sends."""
    for number in range(count):
        _by_dramatiq.send(number)


def send_by_celery(count: int) -> None:
    """Enqueue so many sends."""
    for number in range(count):
        _by_celery.delay(number)


def notify(address: str, count: int) -> None:
    """Have Apprise notify so many addresses."""
    sender = apprise.Apprise()
    for number in range(count):
        sender.add(f"{address}-{os.getpid()}-{number}")
    if not asyncio.run(sender.async_notify(body=BODY, title="alert")):
        raise SystemExit("apprise did not send everything")

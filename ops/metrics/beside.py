"""What the exporter asks besides the database: Redis, this host's disks, and the console where it runs here."""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from itertools import product
from pathlib import Path

from channels.registry import Lane
from dispatcher.domain.statement import Mode
from dispatcher.settings import Settings
from ops.metrics.pages import Page
from workers.broker import NAMESPACE, queue_name
from workers.doorbell import redis_url
from workers.redis_clients import open_redis

WITHIN_S = 1.0
CONSOLE = ("run", "console.url")


def put_redis(page: Page, settings: Settings) -> None:
    """Put what Redis says of itself, and how many rings wait. Raises RedisError, EmbeddedError, Invalid."""
    options = {"socket_timeout": WITHIN_S, "socket_connect_timeout": WITHIN_S}
    with open_redis(redis_url(settings), **options) as client:
        said = client.info()
        lengths = client.pipeline(transaction=False)
        queues = list(product(map(str, Lane), map(str, Mode)))
        for lane, mode in queues:
            lengths.llen(f"{NAMESPACE}:{queue_name(lane, mode)}")
            lengths.zcard(f"{NAMESPACE}:{queue_name(lane, mode)}.XQ")
        answers = iter(lengths.execute())
        for (lane, mode), waiting, dead in zip(queues, answers, answers, strict=True):
            page.put("doorbell_messages", waiting, lane=lane, mode=mode)
            page.put("doorbell_dead_letters", dead, lane=lane, mode=mode)
    page.put("redis_aof_enabled", said.get("aof_enabled") == 1)
    page.put("redis_aof_write_ok", said.get("aof_last_write_status", "ok") == "ok")
    page.put("redis_noeviction", said.get("maxmemory_policy") == "noeviction")
    page.put("redis_memory_used_bytes", said.get("used_memory"))
    page.put("redis_memory_limit_bytes", said.get("maxmemory"))


def put_host(page: Page, settings: Settings) -> None:
    """Put the room on the disks that a deployment needs. Raises OSError."""
    for name in dict.fromkeys(("data", settings.media, *settings.checkpoints)):
        folder = settings.path(name)
        if folder.exists():
            room = shutil.disk_usage(folder)
            page.put("disk_free_bytes", room.free, folder=name)
            page.put("disk_size_bytes", room.total, folder=name)


def console_at(settings: Settings) -> Path:
    """The file that says where the console listens, while it runs on this host."""
    return settings.path(*CONSOLE)


def ask_console(settings: Settings) -> None:
    """See that the console answers. Raises OSError."""
    address = console_at(settings).read_text().strip().rstrip("/")
    with urllib.request.urlopen(f"{address}/healthz", timeout=WITHIN_S) as answer:  # noqa: S310 - our own file
        answer.read(64)

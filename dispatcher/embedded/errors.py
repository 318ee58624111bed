"""What can go wrong while a deployment is started; every message says what is wrong and what to do next.

::

    EmbeddedError
    ├── DeploymentUnusable   the folder is missing or cannot be written, or the disk is full
    ├── AlreadyRunning       another process holds the lock; carries its pid
    ├── RedisMissing         no redis-server on this machine
    ├── RedisFailed          redis-server did not get ready; carries the end of its log
    ├── ProcfileInvalid      the Procfile cannot be read
    └── StepFailed           a one-shot step (migrate) ended badly; carries the end of its log
"""

from __future__ import annotations


class EmbeddedError(Exception):
    """The deployment cannot be started, or not now. Nothing was sent and nothing is lost."""


class DeploymentUnusable(EmbeddedError):
    """The deployment's folder is missing, cannot be written, or its disk has too little room."""


class AlreadyRunning(EmbeddedError):
    """The lock is held. ``pid`` is the process that took it, or None when its file does not say."""

    def __init__(self, message: str, pid: int | None) -> None:
        super().__init__(message)
        self.pid = pid


class RedisMissing(EmbeddedError):
    """There is no redis-server to start."""


class RedisFailed(EmbeddedError):
    """redis-server ended, or did not answer in time."""


class ProcfileInvalid(EmbeddedError):
    """The Procfile is missing, or a line of it cannot be read."""


class StepFailed(EmbeddedError):
    """A one-shot step ended with another exit code than 0."""

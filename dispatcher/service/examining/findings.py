"""What an examination comes to: findings, each with what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is, the worst first."""

    FAILING = "failing"
    WARNING = "warning"
    NOTE = "note"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. ``what`` is so; ``why`` that matters; ``fix`` is a command or a sentence."""

    level: Level
    what: str
    why: str = ""
    fix: str = ""
    family: str = ""


def failing(what: str, why: str, fix: str) -> Finding:
    """Something that stops the deployment from doing what it is for, or from being trusted."""
    return Finding(Level.FAILING, what, why, fix)


def warning(what: str, why: str, fix: str) -> Finding:
    """Something that will fail, or that only works for now."""
    return Finding(Level.WARNING, what, why, fix)


def note(what: str, why: str = "", fix: str = "") -> Finding:
    """Something to know; it may be meant so."""
    return Finding(Level.NOTE, what, why, fix)


def ok(what: str) -> Finding:
    """Something that was looked at and is well."""
    return Finding(Level.OK, what)

"""``dispatcher review`` and ``dispatcher report``: an incident's record as a document."""

from __future__ import annotations

from collections.abc import Iterator
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dispatcher.cli.commands import Option, Verb, write
from dispatcher.cli.output import facts, next_step, plain
from dispatcher.cli.session import Session
from dispatcher.service.reviewing import review as reviewing
from dispatcher.service.reviewing.review import Review

if TYPE_CHECKING:
    from ops.review.document import Document

_FILE = click.Path(dir_okay=False, path_type=Path)


def _forms(command: Any) -> Any:
    """The options that say in what form a document is given; they come as one argument, ``form``."""

    @wraps(command)
    def formed(*args: Any, html: Path | None, pdf: Path | None, markdown: bool, **named: Any) -> Any:
        return command(*args, form={"html": html, "pdf": pdf, "markdown": markdown}, **named)

    for option in reversed(_FORMS):
        formed = option(formed)
    return formed

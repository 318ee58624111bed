"""What every page of the console has at hand."""

from __future__ import annotations

from dataclasses import dataclass

from jinja2 import Environment
from starlette.requests import Request

from dispatcher.service.desk import Desk, Pen
from dispatcher.settings import Settings
from ops.console.fragments import Fragments
from ops.console.limits import Limits
from ops.console.live import Live


@dataclass(frozen=True, slots=True)
class Console:
    """One process of the console. ``pen`` is its own key, with which it stops things; None where it has none."""

    desk: Desk
    live: Live
    templates: Environment
    fragments: Fragments
    limits: Limits
    pen: Pen | None

    @property
    def settings(self) -> Settings:
        """The deployment's."""
        return self.desk.settings


def console_of(request: Request) -> Console:
    """The console that a request came to."""
    console: Console = request.app.state.console
    return console

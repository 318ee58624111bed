"""How pages are made: Jinja2 templates in which every text is escaped and every unseen character spelled out.

Rules
  1. All text from outside goes through one place: ``channels.text.spelled_out``, then escaping. Only what a template
     itself writes is markup.
  2. Times are UTC, with seconds. An age is written by the server, and counted on by the page's script.
  3. State is a word and a shape besides a colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from channels import registry
from channels.text import spelled_out
from dispatcher.domain.message import SPOKEN
from dispatcher.service.operating.values import Tone
from ops.console import telling
from ops.console.context import console_of
from ops.console.fragments import Rendered

TEMPLATES = Path(__file__).parent / "templates"
SHAPES: Mapping[Tone, str] = {
    Tone.DONE: "✔",
    Tone.GOING: "▶",
    Tone.WAITING: "◆",
    Tone.TROUBLE: "▲",
    Tone.STOPPED: "■",
    Tone.NOTHING: "○",
}
WORDS: Mapping[Tone, str] = {
    Tone.DONE: "reached",
    Tone.GOING: "going out",
    Tone.WAITING: "waiting",
    Tone.TROUBLE: "trouble",
    Tone.STOPPED: "stopped",
    Tone.NOTHING: "nothing yet",
}
MINUTE, HOUR, DAY = 60, 3_600, 86_400


def environment() -> Environment:
    """The templates of the console, with the filters that they share."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: spelled_out(value) if type(value) is str else value,
    )
    made.filters.update(moment=moment, lasting=lasting, since=since, left=left, many=many)
    made.filters.update(duration=duration, channel=registry.called, spoken=SPOKEN.get)
    telling.register(made)
    made.globals.update(tone_tag=tone_tag, mode_tag=mode_tag)
    return made


def render(request: Request, template: str, status: int = 200, **context: Any) -> Response:
    """A page. Every template has ``visitor``, ``overview``, ``now``, ``title``, ``mode`` and ``section``.

    ``mode`` is ``exercise``, ``live`` or empty where a page is about both; ``section`` the link of the navigation
    that it belongs to; ``fragments`` those of a live page, and ``page`` its key. Raises NotSeenYet.
    """
    console = console_of(request)
    shown: Rendered = context.pop("fragments", None) or console.fragments.shell()
    given = {"title": "", "mode": "", "section": "", "page": "shell", "refresh": None, **context}
    html = console.templates.get_template(template).render(
        visitor=getattr(request.state, "visitor", None),
        overview=console.live.overview,
        now=console.desk.clock(),
        away=console.live.away,
        shown=shown,
        version=f"{console.fragments.process}-{shown.version}",
        **given,
    )
    return HTMLResponse(html, status, headers={"Cache-Control": "no-store"})


async def render_live(request: Request, template: str, page: str, **context: Any) -> Response:
    """A page whose fragments change by themselves: those of ``page``. Raises NotFound, NotSeenYet, Unavailable."""
    shown = await console_of(request).fragments.of(page)
    return render(request, template, fragments=shown, page=page, **context)


def moment(at: datetime | None, now: datetime | None = None) -> Markup:
    """A time with seconds; with its day where that is not the day of ``now``."""
    if at is None:
        return Markup("never")
    form = "%H:%M:%S" if now is not None and at.date() == now.date() else "%Y-%m-%d %H:%M:%S"
    return Markup('<time datetime="{}">{}</time>').format(f"{at:%Y-%m-%dT%H:%M:%S}Z", f"{at:{form}}")


def since(at: datetime | None, now: datetime) -> Markup:
    """How long ago, such as ``3 min 20 s``; the page's script counts on."""
    if at is None:
        return Markup("never")
    return Markup('<span class="age" data-since="{}">{}</span>').format(_second(at), lasting(now - at))


def left(until: datetime | None, now: datetime) -> Markup:
    """How long from now; ``over`` when it is past."""
    if until is None:
        return Markup("")
    words = lasting(until - now) if until > now else "over"
    return Markup('<span class="age" data-until="{}">{}</span>').format(_second(until), words)


def _second(at: datetime) -> str:
    return f"{at.timestamp():.0f}"


def lasting(span: timedelta) -> str:
    """A length of time in at most two words: ``42 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    seconds = max(0, round(span.total_seconds()))
    for most, unit, words in ((MINUTE, 1, ("s", "")), (HOUR, MINUTE, ("min", "s")), (DAY, HOUR, ("h", "min"))):
        if seconds < most:
            return _two(seconds, unit, words)
    return _two(seconds, DAY, ("d", "h"))


def _two(seconds: int, unit: int, words: tuple[str, str]) -> str:
    whole, rest = divmod(seconds, unit)
    smaller = rest * {MINUTE: 1, HOUR: 1 / MINUTE, DAY: 1 / HOUR}.get(unit, 0)
    return f"{whole} {words[0]}" + (f" {int(smaller)} {words[1]}" if words[1] and int(smaller) else "")


def duration(seconds: float | None) -> str:
    """A number of seconds as a length of time; a dash for none."""
    return "–" if seconds is None else lasting(timedelta(seconds=seconds))


def many(number: float, one: str = "", more: str = "") -> str:
    """A number with its thousands set apart, and what is counted: ``1 post``, ``1,000 posts``."""
    said = f"{number:,.0f}"
    return f"{said} {one if said == '1' else more or one + 's'}" if one else said


def tone_tag(tone: Tone | str, word: str = "") -> Markup:
    """A tag that says a tone in a word, a shape and a colour."""
    return Markup('<strong class="govuk-tag tone tone--{}"><span aria-hidden="true">{}</span> {}</strong>').format(
        Tone(tone).value, SHAPES[Tone(tone)], word or WORDS[Tone(tone)]
    )


def mode_tag(mode: str) -> Markup:
    """EXERCISE or LIVE, as a tag beside what is one."""
    return Markup('<strong class="mode mode--{}">{}</strong>').format(mode, mode.upper())

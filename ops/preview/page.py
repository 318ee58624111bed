"""A preview as one HTML file: nothing in it runs, and nothing is fetched.

Rules
  1. The text of a card is the rendering's, to the character: what costs something is marked in it, and nothing is
     added. Unseen characters are spelled out, then everything is escaped.
  2. What is wrong stands on top, then every counter, then the cards; the way back is folded under each.
  3. An exercise is striped and says so, a live message says LIVE in another shape; neither by colour alone.
  4. The only markup let through is that of this package. The style is allowed by its hash, pictures by ``data:``.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from hashlib import sha256
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from channels.text import CostKind, shown_letters, spelled_out
from dispatcher.areas.drawing import map_svg
from dispatcher.domain.message import SPOKEN, TextKind
from dispatcher.sending.media import MediaFolder
from dispatcher.service import areas
from dispatcher.service.previewing import Card, Sheet, Told
from ops.preview.looks import look_of
from ops.preview.stills import Stills

HERE = Path(__file__).parent
OVER = "over"
"""The class of whatever stands beyond a limit."""


def page(sheet: Sheet, folder: MediaFolder) -> str:
    """The whole file; ``folder`` has the stored pictures and videos."""
    revision = sheet.revision
    drawn = Markup(map_svg(revision.polygons, revision.circles, names=revision.area))  # noqa: S704 - escaped there
    about = {"stills": Stills(folder), "publish": TextKind.PUBLISH, "where": areas.told(revision), "map": drawn}
    return _page().render(sheet=sheet, sections=sheet.by_account(), **about)


def marked(told: Told) -> Markup:
    """A text with what costs something marked, and with whatever lies beyond the limit."""
    letters, classes = shown_letters(told.text), [set[str]() for _ in told.text]
    for cost in told.counted.costs:
        for place in cost.places:
            end = len(letters) if cost.kind is CostKind.BEYOND else place.end
            for one in classes[place.start : end]:
                one.add(OVER if cost.kind is CostKind.BEYOND else str(cost.kind))
    runs = groupby(range(len(letters)), key=lambda at: sorted(classes[at]))
    return Markup().join(_run(why, "".join(letters[at] for at in run)) for why, run in runs)


def _run(why: Sequence[str], text: str) -> Markup:
    return Markup('<mark class="{}">{}</mark>').format(" ".join(why), text) if why else Markup.escape(text)


def filled(told: Told) -> int:
    """How full a text is, in hundredths of its limit; 100 at most."""
    counted = told.counted
    return 0 if not counted.most else min(100, round(100 * counted.count / counted.most))


def minute(at: datetime) -> str:
    """A moment as people read it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def names(cards: Sequence[Card]) -> str:
    """The accounts of a section, each once."""
    return "; ".join(dict.fromkeys(card.name for card in cards))


@cache
def _page() -> Template:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: spelled_out(value) if type(value) is str else value,
    )
    environment.filters |= {"marked": marked, "filled": filled, "names": names, "look": look_of, "minute": minute}
    style = (HERE / "style.css").read_text("utf-8").strip()
    allowed = b64encode(sha256(style.encode()).digest()).decode()
    environment.globals |= {"style": Markup(style), "allowed": Markup(allowed), "spoken": SPOKEN}  # noqa: S704 - ours
    return environment.get_template("page.html")

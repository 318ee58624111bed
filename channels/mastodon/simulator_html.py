"""How a Mastodon server shows a text: links, tags and mentions marked, paragraphs, everything else escaped.

A mention of somebody elsewhere loses the name of its server; a long link is shown whole, in three spans.

>>> shown("Rain & wind.\\nGo home.")
'<p>Rain &amp; wind.<br />Go home.</p>'
"""

from __future__ import annotations

import html
import re

from channels.text import links

_MARKED = re.compile(
    r"(?<![=/\w])(?:#(?P<tag>\w*[^\W\d]\w*)|@(?P<user>[A-Za-z0-9_]{1,64})@(?P<host>[A-Za-z0-9.-]{1,250}[A-Za-z0-9]))"
)
_SHOWN = 30


def shown(text: str) -> str:
    """The HTML of a text."""
    made, rest = "", text
    for link in links(text):
        before, _, rest = rest.partition(link)
        made += _plain(before) + _link(link)
    made += _plain(rest)
    paragraphs = (part.replace("\n", "<br />") for part in re.split(r"\n{2,}", made))
    return "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)


def _plain(text: str) -> str:
    made, end = "", 0
    for found in _MARKED.finditer(text):
        made += _escaped(text[end : found.start()]) + (_tag(found["tag"]) if found["tag"] else _mention(found))
        end = found.end()
    return made + _escaped(text[end:])


def _tag(name: str) -> str:
    return f'<a href="https://social.example/tags/{name}" class="mention hashtag" rel="tag">#<span>{name}</span></a>'


def _mention(found: re.Match[str]) -> str:
    address = f"https://{found['host']}/@{found['user']}"
    return f'<span class="h-card"><a href="{address}" class="u-url mention">@<span>{found["user"]}</span></a></span>'


def _link(link: str) -> str:
    prefix = link[: link.index("//") + 2]
    rest = link[len(prefix) :]
    seen, hidden = rest[:_SHOWN], rest[_SHOWN:]
    spans = ((prefix, "invisible"), (seen, "ellipsis" if hidden else ""), (hidden, "invisible"))
    inside = "".join(f'<span class="{kind}">{_escaped(part)}</span>' for part, kind in spans)
    return f'<a href="{_escaped(link)}" target="_blank" rel="nofollow noopener noreferrer">{inside}</a>'


def _escaped(text: str) -> str:
    return html.escape(text).replace("&#x27;", "&#39;")

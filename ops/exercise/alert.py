"""The CAP alert that a scenario begins with: its own texts, status Exercise, sent now, in force for six hours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from ops.exercise.scenario import Scenario, Text

IN_FORCE = timedelta(hours=6)
ALERT = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>{run}</identifier>
  <sender>warnings@example.org</sender>
  <sent>{sent}</sent>
  <status>Exercise</status>
  <msgType>Alert</msgType>
  <scope>Public</scope>
  <note>Exercise of the dispatcher. Not a real warning.</note>
{infos}
</alert>
"""
INFO = """  <info>
    <language>{language}</language>
    <category>Met</category>
    <event>{event}</event>
    <urgency>Expected</urgency>
    <severity>Severe</severity>
    <certainty>Likely</certainty>
    <effective>{sent}</effective>
    <expires>{expires}</expires>
    <headline>{headline}</headline>
    <description>{body}</description>
    <instruction>{instruction}</instruction>
    <area>
      <areaDesc>{area}</areaDesc>
      <polygon>{polygon}</polygon>
    </area>
  </info>"""


def alert(scenario: Scenario, texts: Mapping[str, Text], run: str, now: datetime) -> str:
    """The alert with an info per language of ``texts``."""
    sent, expires = _cap_time(now), _cap_time(now + IN_FORCE)
    known = {"sent": sent, "expires": expires, "event": scenario.title, "polygon": scenario.polygon}
    known["area"] = ", ".join(scenario.area)
    infos = [_info(language, text, known) for language, text in texts.items()]
    return ALERT.format(run=escape(run), sent=sent, infos="\n".join(infos))


def _info(language: str, text: Text, known: Mapping[str, str]) -> str:
    words = {"headline": text.headline, "body": text.body, "instruction": text.instruction, **known}
    return INFO.format(language=language, **{name: escape(word) for name, word in words.items()})


def _cap_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}-00:00"

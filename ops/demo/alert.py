"""The alert of the demo: a severe-weather warning in English and Welsh, written for this project, timed from now."""

from __future__ import annotations

from datetime import datetime, timedelta

TEMPLATE = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>exercise-{stamp}</identifier>
  <sender>warnings@example.org</sender>
  <sent>{sent}</sent>
  <status>Exercise</status>
  <msgType>Alert</msgType>
  <scope>Public</scope>
  <note>Exercise for the dispatcher's demo. Not a real warning.</note>
  <info>
    <language>en-GB</language>
    <category>Met</category>
    <event>Severe gale</event>
    <urgency>Expected</urgency>
    <severity>Severe</severity>
    <certainty>Likely</certainty>
    <effective>{sent}</effective>
    <expires>{expires}</expires>
    <headline>Severe gale tonight, Example Bay</headline>
    <description>Gusts of 90 mph from 21:00. Danger from flying debris.</description>
    <instruction>Stay indoors, away from windows.</instruction>
    <area>
      <areaDesc>Example Bay</areaDesc>
      <polygon>52.30,-4.40 52.60,-4.40 52.60,-3.90 52.30,-3.90 52.30,-4.40</polygon>
    </area>
  </info>
  <info>
    <language>cy-GB</language>
    <category>Met</category>
    <event>Severe gale</event>
    <urgency>Expected</urgency>
    <severity>Severe</severity>
    <certainty>Likely</certainty>
    <effective>{sent}</effective>
    <expires>{expires}</expires>
    <headline>Storm enbyd heno, Bae Enghraifft</headline>
    <description>Hyrddiau o 90 mya o 21:00. Perygl gan falurion.</description>
    <instruction>Arhoswch dan do, i ffwrdd o ffenestri.</instruction>
    <area>
      <areaDesc>Bae Enghraifft</areaDesc>
      <polygon>52.30,-4.40 52.60,-4.40 52.60,-3.90 52.30,-3.90 52.30,-4.40</polygon>
    </area>
  </info>
</alert>
"""


def storm(now: datetime) -> str:
    """The alert, sent now and in force for six hours."""
    return TEMPLATE.format(
        stamp=f"{now:%Y%m%d%H%M%S}", sent=_cap_time(now), expires=_cap_time(now + timedelta(hours=6))
    )


def _cap_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}-00:00"

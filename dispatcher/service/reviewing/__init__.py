"""The review of an incident, as values: what was known, decided, sent and seen, and where the minutes went.

Lives here: reading one incident's record into values, one part of it in each module; ``review.review`` puts all
together.
May not live here: how any of it is shown, and anything that writes, but for the reading itself.

Times are UTC, durations whole milliseconds, money whole pence. Lists are oldest first unless they say otherwise. What
may come a million times is counted and never listed: its detail is in the evidence pack. Nobody who was sent to is
named: a delivery to a recipient has its place in a list.
"""

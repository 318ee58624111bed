"""The demo: the storm exercise on a fresh deployment, from an alert to its evidence.

Lives here: what the demo adds to an exercise: a deployment of its own, the verified evidence pack, and its figures.
May not live here: how an exercise is played and scored; that is ``ops.exercise``, which this is one user of.
"""

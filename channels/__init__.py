"""Channels: how a rendering reaches one platform, and what the platform answered.

Lives here: the contract every adapter meets, the registry that names them, what they share (HTTP, text rules,
the conformance suite), one folder per channel, and the simulated far sides.

May not live here: anything that knows an incident, a plan, a signature or a database. A channel gets one job and
gives one outcome; whether the job may be done was decided before.
"""

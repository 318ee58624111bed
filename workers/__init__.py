"""Processes: who takes a delivery from a lane, and who finds what got lost on the way.

Lives here: the Dramatiq broker and its lanes, the actors (few lines each), the engine that leases and records chunks,
the relay (outbox, sweeper, schedule, status).

May not live here: the decision whether something may go out (that is the gate's, asked through the sender), the
credential of a platform, SQL, or the wire of a platform.
"""

"""``make chaos``: a real deployment is broken again and again while it sends; the far sides count what came of it.

Rules
  1. Everything is real: hosts with a folder each, their workers as processes, Redis, SQLite or PostgreSQL, and the
     simulated platforms with their faults.
  2. Lost, doubled and falsely accepted are counted by what the platforms saw, never by what we believe of it.
  3. The seed replays the schedule of faults. It does not replay how processes interleave: the same seed may find
     what it did not find before.

The way of one campaign::

    site made, plans cleared -> roles up -> plans released, faults strike -> faults end -> all settled or held
    -> roles asked to stop -> deliveries and attempts against the platforms' journal -> build/chaos.json

Lives here: the schedule, the processes and their faults, the count.
May not live here: anything that the product needs to run; a switch inside the product that a fault pulls.
"""

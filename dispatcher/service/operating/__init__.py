"""What on-call ops see, as data: how the public is being reached, what is stuck, why, and what may be done.

Console, exporter and CLI read the same values from here. Nothing here writes, draws or listens; every read is
bounded, however many deliveries there are.
"""

"""What on-call ops see, as data: how the public is being reached, what is stuck, why, and what may be done.

Lives here: one look at a deployment as values, which console, exporter and CLI share.
May not live here: anything that writes, draws or listens, and any read that grows with the number of deliveries
without a bound.
"""

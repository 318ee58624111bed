"""``make bench``: the figures that this product promises, measured on this machine.

Rules
  1. Every measurement runs on a deployment of its own, made as ``dispatcher init`` makes one, with real signatures.
  2. A figure is met or not by the one statistic that its promise names. Nothing is left out of what was measured.
  3. Results go to ``build/bench.json``; figures that were not measured this time stay there as they were.

Lives here: measurements and their figures.
May not live here: anything that the product needs to run.
"""

"""The exporter: what Prometheus scrapes. One process reads SQL and Redis itself and holds nothing of a worker's.

Lives here: what it exports, listed in ``names``, and ``exporting``, the role ``exporter``. A part that is away
(database, Redis, console) costs its own lines only.

May not live here: anything that writes or decides, any credential, and any label that grows with what is sent.
"""

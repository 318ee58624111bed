"""The exporter: what Prometheus scrapes. One process reads SQL and Redis itself and holds nothing of a worker's.

What it exports is listed in ``names``; ``exporting`` is the role ``exporter``. It writes nothing, decides nothing and
holds no credential. A part that is away (database, Redis, console) costs its own lines only.
"""

"""The truth, in SQL: tables, one unit of work, and the queries that move rows.

Lives here: SQLAlchemy mappings, the unit of work with its ledger, repositories, leases and the outbox.
May not live here: decisions (``dispatcher.gate``), signatures, anything that calls a platform or Redis.
"""

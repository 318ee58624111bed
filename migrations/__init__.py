"""Alembic migrations: numbered, one head, each suiting the code that still runs beside it.

Lives here: the environment, and one module per schema change under ``versions``.
May not live here: anything but schema changes; models are in ``dispatcher.store.tables``.
"""

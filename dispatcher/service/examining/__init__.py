"""The examination of a deployment: what is wrong with it, why that matters, and what mends it.

Lives here: one module per family of checks, each a function from a :class:`~.site.Site` to findings, and
``examine``, which runs them all. A check reads, and never writes; it never puts a secret into words. It goes on with
what it has: without a database, without Redis, with a broken ``deployment.toml``, as a user who may read no key.

May not live here: anything that changes a deployment, and sentences that no person could act on.
"""

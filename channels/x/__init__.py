"""X: one standalone post per message (API v2).

Lives here: the adapter, how an account is connected (``login.py``), X's wire format and what its answers mean, X's
far side for exercises and tests. May not live here: anything that the dispatcher or another channel imports; only the
registry names this folder.

X knows no idempotency key: after a lost answer the account's own timeline is read, and nothing is sent again before
that. Corrections are new posts, because replies and quotes are restricted; a withdrawal deletes
(reference: platforms 3).
"""

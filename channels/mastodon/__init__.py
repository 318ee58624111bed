"""Mastodon: one post per message on the account's own server.

Lives here: the adapter, Mastodon's wire format and what its answers mean, a server for exercises and tests.
May not live here: anything that the dispatcher or another channel imports; only the registry names this folder.

A post carries its delivery as ``Idempotency-Key``, which a server keeps for an hour: a repeat in that time is the
same post. A correction edits the post in place, in sight of all; a withdrawal deletes it (reference: platforms 7).
"""

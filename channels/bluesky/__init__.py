"""Bluesky: one record per message in the account's own repository (AT Protocol).

Lives here: the adapter, its session, the wire format and what the answers mean, a far side for exercises and tests.
May not live here: anything that the dispatcher or another channel imports; only the registry names this folder.

A post is written with ``putRecord`` under a key and with a time that follow from the delivery alone, so that a repeat
is the same bytes in the same place: nothing new is published. A correction replies to the original, so that readers
of the thread meet it; a withdrawal deletes the record (reference: platforms 6).
"""

"""The ledger: the append-only record of everything, written in the transaction it records.

Lives here: entries, writers' chains, and their verification.
May not live here: anything that changes or deletes an entry, and anything that decides.
"""

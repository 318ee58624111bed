"""Values, lifecycles and rules of public messaging.

Lives here: frozen values, canonical bytes, transition tables, pure functions over them.
May not live here: I/O, clocks, randomness, SQL, signatures' cryptography, anything that knows a platform's wire.
"""

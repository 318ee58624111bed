"""The one way out of a confined sender: a proxy that opens connections to listed hosts, and to nothing else.

Lives here: what may be reached (``guard``), and the connections themselves (``proxy``).
May not live here: the names of hosts (they are data), credentials, trust, SQL, Redis, what travels inside a tunnel.
"""

"""The embedded runtime: one machine, one command, nothing else to install or configure.

Lives here: the deployment's folder on this machine (locks, sockets, logs, room on the disk), the private Redis, and
the supervisor that starts the Procfile's roles and keeps them alive.

May not live here: anything that knows an incident, a delivery or a credential. The supervisor starts roles; what a
role may do is decided inside it. No Click either: the CLI maps the typed errors of ``errors`` to exit codes.
"""

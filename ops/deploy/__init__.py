"""Running a deployment's roles shut in: for systemd, for Kubernetes, and for one machine without either.

Lives here: hardened units (``systemd``), a manifest with its network policy and filter of system calls
(``kubernetes``), and the launcher of a confined sender by bubblewrap (``confined``). Each says what it denies.
May not live here: hosts, credentials or settings of a deployment; the check that a role is confined (``workers``).
"""

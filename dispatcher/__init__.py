"""The heart: what may be said, by whom, and what became of it.

Each folder below is one layer; imports run downwards only (see docs/architecture.md). Platforms live in
``channels``, processes in ``workers``, and what operators use beside the CLI in ``ops``.

May not live here: a platform's wire format, a process's main loop, a program for operators; and no way to a provider
but through ``sending``.
"""

"""Traces: which release an attempt belongs to, in W3C's terms, and how spans leave this process.

Lives here: ``context``, what every process does, at the cost of some random bytes; ``spans``, what only a deployment
that names an OTLP endpoint does, and it alone loads OpenTelemetry. Names of others' conventions stand in ``names``.

May not live here: any text, recipient or secret in a span, and anything that waits for whoever collects them.
"""

"""The pages of the console, one family per file: its ``ROUTES``, and ``LIVE`` where parts change by themselves."""

"""The pages of the console, one family per file; each has its ``ROUTES``, and LIVE where parts change by themselves."""

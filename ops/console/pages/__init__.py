"""The pages of the console, one family per file.

Lives here: handlers, each file with its ``ROUTES``, and ``LIVE`` where parts of a page change by themselves.

May not live here: rules about what may be done; handlers check the visitor's rights and call a use case.
"""

"""What people do, one family of use cases per file, one transaction each.

Lives here: the steps of declaring, drafting, clearing, releasing, stopping, handing off, and of asking where we are.
May not live here: command-line parsing, SQL beyond the store's functions, anything that calls a platform.
"""

"""The command line: one file per noun, each command a few lines around one use case.

Lives here: parsing, printing, signing at the keyboard, exit codes, and the command to type next.
May not live here: rules about what may be sent, SQL, anything that calls a platform; imports at module level that a
command which does not need them would pay for.
"""

"""Who said what: OpenSSH signatures over canonical JSON, the roster, the trust root.

Lives here: reading and making signatures, reading a sender's own trust files, deciding whether a statement is
authentic (right bytes, right key, right person, right role, right deployment and mode).
May not live here: whether enough people said it, or whether it may go out; that is the gate's.
"""

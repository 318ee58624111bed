"""Common Alerting Protocol 1.2, inward: other people's alerts as values that can be trusted to be what they say.

Lives here: the hardened reader, our own statement of the format (structure, value kinds, spec rules), the typed
alert, and the pure proposal of an incident from it.
May not live here: fetching, files, the clock, SQL, signing, our own outgoing feed (``channels.cap_feed``), a copy of
anyone's schema, or any decision that something may be sent: an alert only ever proposes.

    report = validate(data)                    # dispatcher.cap.validate: ok | refuse | feed, every fault in words
    proposal = propose(report.alert, now)      # dispatcher.cap.propose: what an officer is shown to declare
"""

"""May this go out, now, here? A pure function over the domain, and the policy it reads.

Lives here: the policy model, the eighteen clauses, the decision.
May not live here: I/O, clocks, signature checking (``dispatcher.statements``), SQL, anything that sends.
"""

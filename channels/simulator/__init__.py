"""The simulated far sides: every platform's documented contract as one local server, with faults to order.

Lives here: the server, the journal that counts what really happened, the fault menu, the table of providers. Each
platform's own behaviour lives beside its adapter, in ``channels/<name>/simulator.py``, and is written from the
platform's documentation, not from the adapter.

May not live here: anything that an adapter imports. Adapters meet the simulator over the network only.
"""

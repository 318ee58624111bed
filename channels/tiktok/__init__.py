"""TikTok: by people, on a registered device that touches no official system, or by machine where policy opens that.

By hand: the adapter that renders and hands over (``adapter.py``), what the people are asked to do (``handoff.py``),
sealing that into one HTML file (``packet.py``, ``page.html``, ``page.js``), and what they type to open it
(``codes.py``). None of these talks to TikTok.

By machine: the adapters of the two routes (``direct.py``), their calls and tokens (``api.py``, ``login.py``), what is
sent and read (``wire.py``, ``errors.py``), a file in chunks (``chunks.py``), a webhook's signature (``webhook.py``),
and the far side (``simulator.py``).

May not live here: the decision to issue a code, or which route is open.
"""

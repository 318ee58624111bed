"""TikTok by hand-off: people post, on a registered device that touches no official system.

Lives here: the adapter that renders and hands over (``adapter.py``), what the people are asked to do
(``handoff.py``), sealing that into one HTML file (``packet.py``, ``page.html``, ``page.js``), and what they type to
open it (``codes.py``).

May not live here: anything that talks to TikTok, and the decision to issue a code.
"""

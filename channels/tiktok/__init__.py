"""TikTok by hand-off: people post, on a registered device that touches no official system.

``adapter.py`` renders and hands over, ``handoff.py`` says what the people are asked to do, ``packet.py`` seals that
into one HTML file (``page.html``, ``page.js``), ``codes.py`` makes what they type to open it. No code here talks
to TikTok.

May not live here: a call to TikTok, a credential, the decision to issue a code (``dispatcher.gate``).
"""

"""Public pages: one static page per incident and language, and an index, in a folder that any web server can serve.

Lives here: what is kept of each delivery (``record``), the pages made from that (``pages``, with ``page.html``,
``style.css`` and the words around people's own text in ``words.toml``), the web server of exercises (``simulator``),
and the adapter.

May not live here: scripts, anything fetched from elsewhere, and serving the folder over HTTP.

Settings of an account
  ``folder``           an existing folder of its own, never created here; pages are made from its ``.records``
  ``public_base_url``  optional: where the folder is served; without it nothing is fetched back

One folder holds one mode: an exercise is refused by a folder that holds live pages, and the other way round.
"""

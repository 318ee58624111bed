"""CAP 1.2 out: signed alerts as files in a folder that any web server can serve, with an Atom index beside them.

Lives here: what a rendering becomes in CAP (``wire``), its signature (``signing``), the folder with its index
(``folder``), the web server of exercises (``simulator``), and the adapter.

May not live here: reading other people's alerts, and serving the folder over HTTP.

Settings of an account
  ``folder``           an existing folder; it is never created here, because a share that is not mounted would then
                       be published to nobody
  ``sender``           the CAP sender, a name in a domain of ours, such as ``alerts@city.example``
  ``public_base_url``  optional: where the folder is served; links in the index are relative without it, and nothing
                       is fetched back

Secrets: ``signing_key``, ``certificate``, and ``earlier_certificate`` after a change of keys; live alerts need them.

One folder holds one mode: an exercise is refused by a folder that holds live alerts, and the other way round.
"""

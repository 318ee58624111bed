"""CAP 1.2 out: alerts as files in a folder that any web server can serve, with an Atom index beside them.

Lives here: what a rendering becomes in CAP (``wire``), the folder with its lock and index (``folder``), and the
adapter. There is no simulator: the far side is a folder.

May not live here: reading other people's alerts, and serving the folder over HTTP.

Settings of an account
  ``folder``           an existing folder; it is never created here, because a share that is not mounted would then
                       be published to nobody
  ``sender``           the CAP sender, a name in a domain of ours, such as ``alerts@city.example``
  ``public_base_url``  optional: where the folder is served; links in the index are relative without it

One folder holds one mode: an exercise is refused by a folder that holds live alerts, and the other way round.
"""

"""What the channels on Meta's Graph API share: Facebook Pages and Threads.

Lives here: the calls (``graph``), what answers mean (``answers``), the error codes (``codes``) and the usage headers
(``usage``). May not live here: how one product posts, and anything that names a channel.
"""

"""What the channels on Meta's Graph API share: Facebook Pages, Instagram and Threads.

Lives here: the calls (``graph``), Facebook's login (``login``), posts that are prepared first (``containers``), what
answers mean (``answers``), the error codes (``codes``) and the usage headers (``usage``). May not live here: what
only one product does, and anything that names a channel.
"""

"""Threads: posts of one profile, with a picture or without, through Meta's Graph API.

Lives here: the adapter, how an account is connected (``login.py``), Threads' far side for exercises and tests. What
it shares with Facebook is :mod:`channels.meta`. May not live here: anything that the dispatcher or another channel
imports; posts of several pictures, and videos.

A post is prepared first, as a container, and then published. The container is noted in between, so that after a lost
answer it tells whether the post is up (reference: platforms 4.4).

Settings of an account
  ``user_id``         the profile's numeric id
  ``media_base_url``  optional: where the files of the media folder are served to the internet; unless set, posts go
                      out without their picture
  ``version``         optional: the API's version; ``v1.0`` unless set
  ``near_percent``    optional: from how much of a limit on the account waits; 95 unless set
  ``rest_s``          optional: how long it waits then, where Threads names no time; 60 unless set
  ``base_url``        optional: where the API is

Credential
  ``token``         a long-lived access token of the profile
  ``token_ends``    optional: when it ends, as RFC 3339 has it; then it is renewed (``login.py``)
  ``app_secret``    the secret of the Threads app that the token was given to
"""

"""Facebook: posts of one Page, with pictures or without, through Meta's Graph API.

Lives here: the adapter, edits on the wire, Facebook's far side for exercises and tests. What it shares with Threads
is :mod:`channels.meta`. May not live here: anything that the dispatcher or another channel imports; videos.

Facebook knows no idempotency key: after a lost answer the Page's own posts are read, and nothing is sent again before
that. A correction changes the post in its place; a withdrawal deletes it (reference: platforms 4.1, 4.2).

Settings of an account
  ``page_id``       the Page's numeric id
  ``app_id``        optional: the id of the app that the token was given to; then a probe learns when the token ends
  ``version``       optional: the Graph API's version, such as ``v25.0``
  ``near_percent``  optional: from how much of a limit on the account waits; 95 unless set
  ``rest_s``        optional: how long it waits then, where Facebook names no time; 60 unless set
  ``base_url``      optional: where the Graph API is

Credential
  ``token``         a Page access token
  ``app_secret``    the secret of the app that the token was given to
"""

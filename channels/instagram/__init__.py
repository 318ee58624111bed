"""Instagram: a picture with its caption on one professional account, through Meta's Graph API.

Lives here: the adapter, Instagram's far side for exercises and tests. What it shares with Threads and Facebook is
:mod:`channels.meta`. May not live here: anything that the dispatcher or another channel imports; posts of several
pictures, stories and videos.

Settings of an account
  ``ig_id``           the account's numeric id
  ``media_base_url``  where the files of the media folder are served to the internet, such as ``https://media.city.gov``
  ``may_delete``      optional: ``yes`` where the token may delete posts; ``no`` unless set, and a person deletes
  ``version``         optional: the Graph API's version, such as ``v25.0``
  ``near_percent``    optional: from how much of a limit on the account waits; 95 unless set
  ``rest_s``          optional: how long it waits then, where Instagram names no time; 60 unless set
  ``base_url``        optional: where the Graph API is; for a token of Instagram's own login it must be
                      ``https://graph.instagram.com``

Credential
  ``token``           an access token that may publish for the account
  ``app_secret``      the secret of the app that the token was given to
"""

"""YouTube: a video with its captions on one channel, through the Data API v3.

Lives here: the adapter, the resumable upload, what YouTube's answers mean, its far side for exercises and tests.
May not live here: anything that the dispatcher or another channel imports; thumbnails, playlists, live streams.

Settings of an account
  ``channel_id``  the channel's id, which begins with ``UC``
  ``audited``     ``yes`` once YouTube has audited the API project: until then it keeps every upload private
  ``notify``      optional: ``yes`` where subscribers are notified of a video; ``no`` unless set
  ``base_url``    optional: where the API is

Credential
  ``refresh_token``                 what the channel's owner gave to an OAuth client
  ``client_id``, ``client_secret``  the client's own
  ``token``                         optional: an access token; one ends after an hour, and is renewed
"""

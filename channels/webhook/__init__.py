"""Signed webhooks to partners' endpoints, after Standard Webhooks 1.0: a partner's own systems pass the message on.

Lives here: the body and its signature (``wire``), the adapter, and a receiver that keeps the standard's duties
(``simulator``).

May not live here: anything about a particular partner. One endpoint is one account.

Settings of an account
  ``base_url``  the endpoint's whole address; https outside a test deployment

Credential
  ``secret``    ``whsec_`` and the base64 of 24 to 64 bytes, shared with the receiver
"""

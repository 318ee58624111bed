"""Paid placement: an insertion order, e-mailed to the media agency as JSON and PDF, and its stop order.

Lives here: the order as data and as text (``order``), the PDF (``pdf``), the e-mail (``message``) and the adapter.
The login and what a mail server's replies mean are ``channels.mail``.

May not live here: an ads API (government accounts buy through a platform's representative; reference: policy 0.4,
platforms 2.8), the spend ledger, and what a plan may cost.

Settings of an account, whose handle is the agency's name
  ``base_url``, ``starttls``, ``from``, ``retry_after_s``   as for e-mail (``channels.mail``)
  ``agency``           the address that orders go to
  ``kill_contact``     the address that stop orders go to; ``kill_phone``, optional, stands beside it
  ``inclusion_list``   the reference of the list of placements that the agency keeps to
  ``platforms``        where it may be placed, with commas between; for ``tiktok_paid`` it is TikTok
  ``audience``         optional: who in the area is meant

Credential
  ``username``, ``password``   the login of the submission server
"""

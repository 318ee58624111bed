"""Press list: one e-mail per address of a recipient list, through the deployment's own submission server.

Lives here: the message and what replies mean (``wire``), the adapter, and a submission server simulated
(``simulator``, with its rules in ``simulator_rules``). The protocol itself is ``channels.smtp``.

May not live here: recipient lists, bounces and replies to what was sent.

Settings of an account
  ``base_url``       ``smtps://host`` or ``smtps://host:port``: TLS from the first byte, port 465 unless said
  ``starttls``       ``yes`` where the server wants STARTTLS instead; the port is then 587 unless said
  ``from``           the address that the messages are from, and to which what cannot be delivered comes back
  ``reply_to``       optional: the address that answers go to, such as the press office's
  ``retry_after_s``  optional: how long to wait after "try again later"; 60 unless said

Credential
  ``username``, ``password``   the login of the submission server
"""

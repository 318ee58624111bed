"""GOV.UK Notify: text messages and e-mail to a recipient list, one call per recipient.

Lives here: the API's payloads and answers (``wire``), the adapters of the channels ``notify`` and ``notify_email``,
and the service simulated (``simulator``).

May not live here: recipient lists, and callbacks from Notify.

In Notify, make a template whose whole content is ``((message))``; that of an e-mail has the subject ``((subject))``.
What people sign is then what is sent; the probe checks it. A service that starts its texts with its name sends that
name before the message.

Settings of an account
  ``template_id``        that template
  ``sms_sender_id``      optional, text messages: which of the service's senders to use
  ``email_reply_to_id``  optional, e-mail: which of the service's addresses answers go to
  ``base_url``           optional, for tests and exercises

Credential
  ``api_key``            a live key, in Notify's form: a name, the service's id, the secret
"""

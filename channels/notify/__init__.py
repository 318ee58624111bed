"""GOV.UK Notify: text messages to the numbers of a recipient list, one call per recipient.

Lives here: the API's payloads and answers (``wire``), the adapter, and the service simulated (``simulator``).

May not live here: recipient lists, and callbacks from Notify.

In Notify, make one text message template whose whole content is ``((message))``. The message that people sign is
then the message that is sent; the probe checks it. A service that starts its texts with its name sends that name
before the message.

Settings of an account
  ``template_id``    that template
  ``sms_sender_id``  optional: which of the service's senders to use
  ``base_url``       optional, for tests and exercises

Credential
  ``api_key``        a live key, in Notify's form: a name, the service's id, the secret
"""

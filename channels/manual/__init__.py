"""By hand: a platform that lets no machine post, where a person does, and signs the receipt.

Lives here: the adapter. There is no far side, no credential and no packet: the text is about to be public, and
`dispatcher handoff open` shows it to whoever posts it. May not live here: what is sealed for a device.

Settings of an account
  ``characters``  optional: how many characters the platform takes
"""

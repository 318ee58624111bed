"""Media rules shared by attaching, preview, plan and send: pictures and videos are made clean, and checked.

Lives here: functions over bytes and renderings. ``picture`` decodes and encodes, ``video`` copies; ``structure`` and
``boxes`` read files part by part without decoding, so that who sends loads no decoder; ``captions`` reads and writes
a video's captions, ``residue`` asks any of these what is left; ``carried`` is about a post's media.
May not live here: files that stay, network, anything that knows a platform: its capabilities say what it takes.

Strip first, hash second, approve third (reference: policy M03; reliability 4)::

    cleaned = picture.clean(data, exercise=False)     # no field of the original's metadata is left
    fitting = picture.fit(cleaned, limit)             # the very bytes that one channel sends, named by their digest
    assert not residue(fitting.data)                  # asked again of whatever is about to be signed, and sent
"""

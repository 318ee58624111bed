"""Media rules shared by attaching, preview, plan and send: pictures are made clean, made to fit, and checked.

Lives here: pure functions over bytes and renderings. ``picture`` decodes and encodes; ``structure`` reads files
segment by segment without decoding, so that who sends loads no decoder; ``carried`` is about a post's pictures.
May not live here: files, network, anything that knows a platform; what a platform takes is data in its capabilities.

Strip first, hash second, approve third (reference: policy M03; reliability 4)::

    cleaned = picture.clean(data, exercise=False)     # no field of the original's metadata is left
    fitting = picture.fit(cleaned, limit)             # the very bytes that one channel sends, named by their digest
    assert not structure.residue(fitting.data)        # asked again of whatever is about to be signed, and sent
"""

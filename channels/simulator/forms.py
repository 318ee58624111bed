"""Reading a form with a file in it, from the bytes of a request."""

from __future__ import annotations

import re


def fields(content_type: str, body: bytes) -> dict[str, bytes]:
    """The values of a multipart form by name, empty where it is none (RFC 7578)."""
    boundary = re.fullmatch(r"multipart/form-data; boundary=([0-9A-Za-z'+_.-]{1,70})", content_type)
    if boundary is None:
        return {}
    found = {}
    for part in body.split(b"--" + boundary[1].encode())[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', head)
        if name and value.endswith(b"\r\n"):
            found[name[1].decode()] = value[:-2]
    return found

"""Opening a hand-off packet without a browser, as its page does."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from channels.contract import Secret
from channels.tiktok.codes import normalise_code, secret_bytes


class Closed(Exception):
    """Wrong code, wrong device secret, or a changed file."""


def open_packet(html: bytes, device_secret: Secret, code: str) -> dict[str, Any]:
    """What a packet holds. Raises Closed where it does not open."""
    (data,) = re.findall(rb'id="packet">([^<]*)</script>', html)
    header, sealed = (b64decode(json.loads(data)[name]) for name in ("header", "sealed"))
    told = json.loads(header)
    password = secret_bytes(device_secret) + bytes(1) + normalise_code(code).encode()
    salt, nonce = b64decode(told["kdf"]["salt"]), b64decode(told["cipher"]["nonce"])
    key = PBKDF2HMAC(algorithm=SHA256(), length=32, salt=salt, iterations=told["kdf"]["iterations"]).derive(password)
    try:
        opened: dict[str, Any] = json.loads(AESGCM(key).decrypt(nonce, sealed, header))
    except InvalidTag:
        raise Closed from None
    return opened

"""A hand-off packet: one HTML file that a registered device opens offline, with its secret and a release code.

Rules
  1. The file asks for nothing from outside: style, script and data are in it, and its content policy allows no
     request, no other script and no other style.
  2. What it holds is canonical JSON under AES-256-GCM. Nothing about the message can be read without both secrets.
  3. The key: PBKDF2-HMAC-SHA256, 600,000 iterations (OWASP Password Storage Cheat Sheet), 128-bit random salt, over
     ``device secret (32 bytes) NUL release code (10 characters)``. The device secret has 256 bits of entropy, the
     code 50. Who lacks the device secret faces 2^256; who stole it still faces 2^50 codes of 600,000 HMACs each.
  4. The header (packet, device, task, exercise, times, KDF and cipher parameters) is the additional data: a
     packet with a changed header does not open.
  5. Sealing happens when the code is issued, for ten minutes at most and never beyond the window. The page refuses
     by the device's clock before and after, and takes the captions away when the time is over.

What no file can do: prove to its reader that its script is ours. The device's isolation, the way the file is carried
and the receipt's time answer for that. One packet, from issue to post::

    code = release_code(os.urandom)                                # the gate said yes
    html = seal(contents, device=…, device_secret=…, code=code, random_bytes=os.urandom, issued_at=…, …)
    # the file goes to the device, the code is read across to the second operator, they post, both sign the receipt
    receipt_is_late(issued_at, receipt_at)                         # True raises an alarm
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from importlib import resources

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from channels.by_hand import HandOverError
from channels.contract import Json, RandomBytes, Secret
from channels.tiktok import codes
from channels.tiktok.handoff import format_time

SCHEMA = "tiktok-packet/v1"
KDF = "PBKDF2-HMAC-SHA256"
KDF_ITERATIONS = 600_000
CIPHER = "AES-256-GCM"
SALT_BYTES = 16
NONCE_BYTES = 12
PACKET_ID_BYTES = 16

_POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def seal(
    contents: Mapping[str, Json],
    *,
    device: str,
    device_secret: Secret,
    code: str,
    random_bytes: RandomBytes,
    issued_at: datetime,
    expires_at: datetime,
    not_after: datetime,
) -> bytes:
    """Return the HTML file that shows ``contents`` to who holds the device's secret and the code.

    ``device`` is the device's id in the register, shown on the locked page. Raises HandOverError for a life
    that is not within ten minutes or outlasts the window, and for a malformed secret or code.
    """
    _check_life(issued_at, expires_at, not_after)
    salt, nonce = random_bytes(SALT_BYTES), random_bytes(NONCE_BYTES)
    header = _encode(
        {
            "schema": SCHEMA,
            "packet": random_bytes(PACKET_ID_BYTES).hex(),
            "device": device,
            "reference": contents["reference"],
            "exercise": contents["exercise"],
            "issued_at": format_time(issued_at),
            "expires_at": format_time(expires_at),
            "kdf": {"name": KDF, "iterations": KDF_ITERATIONS, "salt": _base64(salt)},
            "cipher": {"name": CIPHER, "nonce": _base64(nonce)},
        }
    )
    sealed = AESGCM(_key(device_secret, code, salt)).encrypt(nonce, _encode(dict(contents)), header)
    return _page(_encode({"header": _base64(header), "sealed": _base64(sealed)}))


def _check_life(issued_at: datetime, expires_at: datetime, not_after: datetime) -> None:
    if not issued_at < expires_at <= issued_at + codes.CODE_LIFE:
        raise HandOverError("a packet opens for ten minutes at most, from the issue of its code")
    if expires_at > not_after:
        raise HandOverError("a packet must expire within the plan's window: shorten its life, or renew the plan")


def _key(device_secret: Secret, code: str, salt: bytes) -> bytes:
    password = codes.secret_bytes(device_secret) + b"\0" + codes.normalise_code(code).encode()
    return PBKDF2HMAC(algorithm=SHA256(), length=32, salt=salt, iterations=KDF_ITERATIONS).derive(password)


def _page(data: bytes) -> bytes:
    here = resources.files(__package__)
    page, script = (here / "page.html").read_text("utf-8"), (here / "page.js").read_text("utf-8")
    (style,) = _STYLE.findall(page)
    policy = _POLICY.format(script=_source(script), style=_source(style))
    parts = {"POLICY": policy, "PACKET": data.decode(), "SCRIPT": script}
    return re.sub(r"\{\{(POLICY|PACKET|SCRIPT)\}\}", lambda match: parts[match[1]], page).encode()


def _source(text: str) -> str:
    return f"sha256-{_base64(hashlib.sha256(text.encode()).digest())}"


def _encode(value: Json) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _base64(data: bytes) -> str:
    return b64encode(data).decode()

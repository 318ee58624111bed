"""Is this ID token the provider's answer to the sign-in that was begun here?

Rules (OpenID Connect Core 1.0, 3.1.3.7)
  1. Signed by a key of the provider's JWKS with an algorithm that has a public key; never ``none``, never HMAC, so that
     no key that is public can make one.
  2. ``iss`` is the provider, ``aud`` names this client, ``azp`` is this client where it is given or where there are
     several in ``aud``; ``exp`` has not come and ``iat`` is not to come, by a minute; ``nonce`` is the one sent;
     ``at_hash``, where given, is the access token's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import errors, jwt
from joserfc.jwk import KeySet

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "Ed25519"),
)
LEEWAY_S = 60


class TokenRefused(Exception):
    """The token does not hold; the message says why, in words of ours."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a token has to say."""

    issuer: str
    client: str
    nonce: str
    access_token: str


def check(token: str, keys: Mapping[str, Any], wanted: Wanted, now: datetime) -> dict[str, Any]:
    """The claims of a token that holds. Raises TokenRefused."""
    try:
        read = jwt.decode(token, _public(keys), algorithms=list(ALGORITHMS))
        claims = CodeIDToken(
            read.claims,
            read.header,
            options={
                "iss": {"essential": True, "value": wanted.issuer},
                "aud": {"essential": True, "value": wanted.client},
                "nonce": {"essential": True, "value": wanted.nonce},
            },
            params={"nonce": wanted.nonce, "client_id": wanted.client, "access_token": wanted.access_token},
        )
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_S)
    except errors.JoseError as error:
        raise TokenRefused(_why(error)) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise TokenRefused("it cannot be read") from error
    return dict(claims)


def _public(keys: Mapping[str, Any]) -> KeySet:
    """The keys that may sign: none that is secret, none that is for something else."""
    listed = keys.get("keys")
    if not isinstance(listed, list):
        raise TokenRefused("the provider publishes no keys")
    fit = [one for one in listed if isinstance(one, dict) and one.get("kty") != "oct"]
    fit = [one for one in fit if one.get("use", "sig") == "sig"]
    if not fit:
        raise TokenRefused("the provider publishes no keys")
    return KeySet.import_key_set({"keys": fit})


def _why(error: errors.JoseError) -> str:
    match error:
        case errors.ExpiredTokenError():
            return "it has expired"
        case errors.MissingClaimError() | errors.InvalidClaimError():
            return f"its claim {error.claim} does not fit"
        case errors.UnsupportedAlgorithmError():
            return "it is signed in a way that is not taken"
        case errors.BadSignatureError():
            return "its signature does not hold"
        case errors.InvalidKeyIdError() | errors.MissingKeyError():
            return "it is signed with a key that the provider does not publish"
    return f"it cannot be read ({type(error).__name__})"

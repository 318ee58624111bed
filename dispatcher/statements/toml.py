"""Human-edited TOML as plain JSON values, so that its digest is over what it says and not over how it is typed.

Times with a zone become canonical times; dates become ``YYYY-MM-DD``. Times without a zone and floats are refused.
"""

from __future__ import annotations

import tomllib
from datetime import date, datetime

from channels.contract import Json
from dispatcher.domain import canonical
from dispatcher.domain.canonical import format_time
from dispatcher.statements.errors import TrustError

MAX_FILE = 1024 * 1024  # bytes of any trust file


def parse_toml(text: str, where: str) -> dict[str, Json]:
    """Read TOML whose values all have a canonical form. Raises TrustError naming the place."""
    try:
        document = {key: _plain(value, f"{where}: {key}") for key, value in tomllib.loads(text).items()}
        canonical.encode(dict(document))
    except canonical.CanonicalError as error:
        raise TrustError(f"{where}: {error}", "Mend that value.") from error
    except (ValueError, RecursionError) as error:
        raise TrustError(f"{where}: not TOML: {error}", "Mend the line it names.") from error
    return document


def _plain(value: object, where: str) -> Json:
    match value:
        case str() | bool() | int():
            return value
        case datetime() if value.tzinfo is not None:
            return format_time(value)
        case date() if not isinstance(value, datetime):
            return value.isoformat()
        case list():
            return [_plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
        case dict():
            return {key: _plain(item, f"{where}.{key}") for key, item in value.items()}
        case datetime():
            raise TrustError(f"{where}: a time without a zone", "Write it in UTC, like 2026-11-21T18:00:00Z.")
        case _:
            raise TrustError(f"{where}: {type(value).__name__} is not admitted", "Use text or a whole number.")

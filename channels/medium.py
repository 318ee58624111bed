"""What a rendering carries: texts, pictures, videos and their captions; and how its document says so."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, fields

from channels.capabilities import MediaKind

Json = str | int | bool | None | list["Json"] | dict[str, "Json"]

SPARSE = {"sparse": True}
"""Marks a field that a document holds only where it is not the default: older documents stay what they were."""


@dataclass(frozen=True, slots=True)
class Part:
    """Exact text in one language; ``language`` is ``mul`` where one post carries several."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Caption:
    """A video's captions in one language: a WebVTT file, named by its digest as a medium is. ``size`` in bytes."""

    language: str
    digest: str
    size: int

    def __post_init__(self) -> None:
        _check_digest(self.digest)


@dataclass(frozen=True, slots=True)
class Medium:
    """A picture or a video, named by the digest of its exact bytes (``sha256:…``).

    ``size`` in bytes, width and height in pixels, as shown. ``alt`` says what it shows, for who cannot see it: per
    language, and in a rendering as one part. ``duration_ms`` is 0 for a picture; ``captions`` are a video's.
    """

    digest: str
    kind: MediaKind
    mime: str
    size: int
    width: int
    height: int
    alt: tuple[Part, ...]
    duration_ms: int = field(default=0, metadata=SPARSE)
    captions: tuple[Caption, ...] = field(default=(), metadata=SPARSE)

    def __post_init__(self) -> None:
        _check_digest(self.digest)

    def document(self) -> dict[str, Json]:
        """This medium in a rendering's document, without what it has none of."""
        written = {**asdict(self), "kind": str(self.kind)}
        written |= {name: [asdict(one) for one in getattr(self, name)] for name in ("alt", "captions")}
        return {name: value for name, value in written.items() if value or name not in _UNSAID}


def read_text(value: Json) -> str:
    """A text of a document. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {type(value).__name__}")
    return value


def read_part(value: Json) -> Part:
    """A part of a document. Raises TypeError or ValueError."""
    if not isinstance(value, dict) or set(value) != {"language", "text"}:
        raise ValueError("a rendering part has a language and a text, nothing else")
    return Part(read_text(value["language"]), read_text(value["text"]))


def read_medium(value: Json) -> Medium:
    """What :meth:`Medium.document` wrote. Raises TypeError or ValueError."""
    if not isinstance(value, dict) or not _KEYS - _UNSAID <= set(value) <= _KEYS:
        raise ValueError(f"a rendering's medium has {', '.join(sorted(_KEYS))}, nothing else")
    if empty := [name for name in _UNSAID if name in value and not value[name]]:
        raise ValueError(f"a rendering's medium that has no {empty[0]} leaves it out")
    digest, kind, mime = (read_text(value[name]) for name in ("digest", "kind", "mime"))
    size, width, height, duration = (_integer(value.get(name, 0)) for name in _NUMBERS)
    alt, captions = (_list(value.get(name, [])) for name in ("alt", "captions"))
    return Medium(
        digest,
        MediaKind(kind),
        mime,
        size,
        width,
        height,
        tuple(read_part(part) for part in alt),
        duration,
        tuple(_caption(caption) for caption in captions),
    )


def _caption(value: Json) -> Caption:
    if not isinstance(value, dict) or set(value) != {"language", "digest", "size"}:
        raise ValueError("captions have a language, a digest and a size, nothing else")
    return Caption(read_text(value["language"]), read_text(value["digest"]), _integer(value["size"]))


def _integer(value: Json) -> int:
    if type(value) is not int:
        raise TypeError(f"expected an integer, got {type(value).__name__}")
    return value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list, got {type(value).__name__}")
    return value


def _check_digest(digest: str) -> None:
    if not re.fullmatch("sha256:[0-9a-f]{64}", digest):
        raise ValueError("a medium is named by sha256: and 64 hexadecimal digits")  # it also names a file


_KEYS = frozenset(one.name for one in fields(Medium))
_UNSAID = frozenset(one.name for one in fields(Medium) if one.metadata == SPARSE)
_NUMBERS = ("size", "width", "height", "duration_ms")

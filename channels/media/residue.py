"""What is left in a cleaned file, whatever it is: asked of what is about to be sent. It loads no decoder."""

from __future__ import annotations

from channels.media import boxes, captions, structure


def residue(data: bytes) -> tuple[str, ...]:
    """What a cleaned picture, video or file of captions holds besides what it shows; none when it is clean."""
    if structure.film_form(data):
        return boxes.residue(data)
    if data.startswith(b"WEBVTT"):
        return captions.residue(data)
    return structure.residue(data)

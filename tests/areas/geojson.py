"""Builders of GeoJSON for the tests of areas."""

from __future__ import annotations

import json
from typing import Any

SQUARE = [[-4.2, 52.3], [-4.1, 52.3], [-4.1, 52.4], [-4.2, 52.4], [-4.2, 52.3]]


def feature(ring: Any = SQUARE, name: str = "Old Town", **properties: Any) -> dict[str, Any]:
    """One named polygon."""
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": {"name": name, **properties}, "geometry": geometry}


def around(point: Any, name: str = "Harbour", **properties: Any) -> dict[str, Any]:
    """One named circle."""
    geometry = {"type": "Point", "coordinates": point}
    return {"type": "Feature", "properties": {"name": name, **properties}, "geometry": geometry}


def collection(*features: Any) -> bytes:
    """A file of features."""
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()

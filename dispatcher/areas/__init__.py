"""Named places: areas as people call them, with the shapes that CAP carries and about how many people are there.

Lives here: shapes as CAP strings (lat,lon) and what is worked out from them (size, centre, what lies outside a
jurisdiction, what crosses itself), the strict reader of area files (GeoJSON, lon,lat), the catalogue that a name is
looked up in, a map as SVG, and the example areas and jurisdiction that the project brings along in ``data``.
May not live here: SQL, signing, the clock, the network, files other than ``data`` and the folder that a caller
names, tiles of anybody's map, or any decision that something may be sent.

    found = catalogue.read_catalogue(folder, examples=True)     # a deployment's own files come first
    area = found.named("Old Town")                              # polygons and circles fit for a Revision
    outside(area.polygons, area.circles, found.jurisdiction)    # () where all of it lies inside
    reach_in_words(area.population)                             # "about 40,000 people"
"""

from dispatcher.areas.catalogue import jurisdiction as jurisdiction
from dispatcher.areas.geojson import Area as Area
from dispatcher.areas.shapes import outside as outside
from dispatcher.areas.words import reach_in_words as reach_in_words
from dispatcher.cap.geometry import Box as Box

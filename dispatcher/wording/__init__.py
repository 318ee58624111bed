"""What a text says, and whether it says it well: templates, their slots, and remarks about wording.

Lives here: pure functions over a revision and over template files; word lists, calendars and thresholds as TOML.
May not live here: I/O beyond this package's own data, clocks, SQL, what a platform takes (``channels``), who must
sign (``dispatcher.gate``), anything that changes what a person wrote.
"""

from dispatcher.wording.remarks import Remark, Weight, flags, remarks

__all__ = ["Remark", "Weight", "flags", "remarks"]

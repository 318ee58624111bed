"""What the schema lets through and the standard's text does not."""

import pytest

from dispatcher.cap.report import Verdict
from dispatcher.cap.validate import validate

EARLIER = "alerts@wylan.example,wylan-2026-41,2026-11-21T17:00:00-00:00"


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"identifier": ""}, "empty", "identifier is empty"),
        ({"sender": ""}, "empty", "organisation that sent it"),
        ({"identifier": "a b"}, "name-characters", "' '"),
        ({"identifier": "a,b"}, "name-characters", "','"),
        ({"sender": "a<b"}, "name-characters", "'<'"),
        ({"sender": "a&b"}, "name-characters", "'&'"),
        ({"sender": "a\nb"}, "name-characters", "without spaces"),
        *(({"msgType": kind}, "references-missing", kind) for kind in ("Update", "Cancel", "Ack", "Error")),
        ({"msgType": "Cancel", "references": " \n"}, "references-missing", "Cancel"),
        ({"references": "wylan-2026-41"}, "references-form", "write sender,identifier,sent"),
        ({"references": f"{EARLIER},{EARLIER}"}, "references-form", "with spaces between"),
        ({"references": "a,,2026-11-21T17:00:00-00:00"}, "references-form", "sender,identifier,sent"),
        ({"references": "a,b,yesterday"}, "references-form", "'yesterday' is not a CAP time"),
        (
            {"references": "alerts@wylan.example,wylan-2026-42,2026-11-20T17:00:00-00:00"},
            "references-itself",
            "names itself",
        ),
        ({"references": "a,b,2026-11-21T18:05:01-00:00"}, "references-later", "was sent after this message"),
        ({"scope": "Private"}, "addresses-missing", "add addresses"),
        ({"scope": "Private", "addresses": " "}, "addresses-missing", "add addresses"),
        ({"restriction": "staff"}, "restriction-unused", "make the scope Restricted"),
    ],
)
def test_each_breach_of_an_alert_rule_is_named(cap, changes: dict[str, str], code: str, says: str) -> None:
    """One field changed makes one fault, which says what to do."""
    (fault,) = validate(cap.alert(**changes)).faults
    assert (fault.code, says in fault.message) == (code, True), fault


@pytest.mark.parametrize(
    ("info", "area", "code"),
    [
        ({"event": ""}, {}, "empty"),
        ({"event": " \n"}, {}, "empty"),
        ({}, {"areaDesc": ""}, "empty"),
        ({}, {"polygon": "1,1 2,2 3,3"}, "polygon"),
        ({}, {"circle": "52.4,-4.0"}, "circle"),
        ({}, {"ceiling": "100"}, "ceiling-alone"),
    ],
)
def test_each_breach_of_an_info_or_area_rule_is_named(
    cap, info: dict[str, str], area: dict[str, str], code: str
) -> None:
    """One field changed makes one fault."""
    assert [fault.code for fault in validate(cap.alert(cap.info(cap.area(**area), **info))).faults] == [code]


@pytest.mark.parametrize(
    "changes",
    [
        {"msgType": "Update", "references": EARLIER},
        {"msgType": "Cancel", "references": f"\n{EARLIER}\t{EARLIER.replace('41', '40')} "},
        {"references": "a,b,2026-11-21T18:05:00-00:00"},
        {"references": "a,b,2026-11-21T19:04:00+01:00"},
        {"scope": "Private", "addresses": '"the duty desk"'},
        {"scope": "Restricted", "restriction": "staff"},
        {"restriction": ""},
        {"identifier": "urn:oid:2.49.0.1.826.99"},
    ],
)
def test_what_the_standard_allows_passes(cap, changes: dict[str, str]) -> None:
    """Several references, times of other offsets, an empty restriction."""
    assert validate(cap.alert(**changes)).faults == ()


@pytest.mark.parametrize(
    "info",
    [
        {"expires": None},
        {"expires": "2026-11-20T00:00:00-00:00"},
        {"headline": "This is an exercise"},
        {"headline": "\u202eevil"},
        {"polygon": "1,1 2,2 1,2 2,1 1,1"},
        {"polygon": None},
    ],
)
def test_what_is_policy_is_not_refused_here(cap, info: dict[str, str | None]) -> None:
    """A missing or past expiry, drill words, direction controls, self-crossing and missing outlines pass."""
    area = cap.area(**{name: info.pop(name) for name in ("polygon",) if name in info.copy()})
    assert validate(cap.alert(cap.info(area, **info))).verdict is Verdict.OK

"""The sample set beside the repository: our verdict on every row, our structure rules against the OASIS schema."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from dispatcher.cap import structure
from dispatcher.cap.alert import Alert
from dispatcher.cap.propose import CapRefused, propose
from dispatcher.cap.reader import read
from dispatcher.cap.report import Unreadable, Verdict
from dispatcher.cap.validate import validate
from dispatcher.cap.values import read_time

STRUCTURE = {
    *("missing", "order", "repeated", "unknown-element", "foreign-element"),
    *("bad-value", "attribute", "stray-text", "markup-in-text"),
}
CODES_BY_CLASS = {
    "version": {"old-version", "wrapper"},
    "wrong-root": {"not-cap", "envelope", "wrapper"},
    "syntax": {"not-well-formed"},
    "xsd": STRUCTURE,
}
CODES_BY_REASON = {
    "without-references": "references-missing",
    "references-format": "references-form",
    "self-reference": "references-itself",
    "identifier-chars": "name-characters",
    "empty-": "empty",
    "polygon": "polygon",
    "circle-syntax": "circle",
    "Private-scope-without-addresses": "addresses-missing",
    "restriction-without-Restricted-scope": "restriction-unused",
    "ceiling-without-altitude": "ceiling-alone",
}


def expected_codes(row: dict[str, str]) -> set[str]:
    """Fault codes of which a refusal of this row must name at least one."""
    if row["class"] == "semantic":
        return {code for reason, code in CODES_BY_REASON.items() if reason in row["why_invalid"]}
    return CODES_BY_CLASS[row["class"]]


def test_every_sample_gets_its_default_verdict(sample: dict[str, str], samples: Path) -> None:
    """The verdict is the manifest's, and an alert comes with ``ok`` only."""
    report = validate((samples / sample["file"]).read_bytes())
    expected = sample["default_verdict"]
    assert expected in (str(report.verdict), "any"), report.faults
    assert (report.alert is not None) == (report.verdict is Verdict.OK)


def test_every_refused_sample_has_its_fault_named(refused_sample: dict[str, str], samples: Path) -> None:
    """A refusal names the fault that the manifest names."""
    report = validate((samples / refused_sample["file"]).read_bytes())
    assert {fault.code for fault in report.faults} & expected_codes(refused_sample), report.faults


def test_our_structure_rules_agree_with_the_oasis_schema(
    sample: dict[str, str], samples: Path, oasis: etree.XMLSchema
) -> None:
    """Reading and structure find a fault exactly where the schema does."""
    data = (samples / sample["file"]).read_bytes()
    assert ours(data) == theirs(data, oasis)


def ours(data: bytes) -> bool:
    """Whether our own rules find the structure sound."""
    try:
        return not list(structure.check(read(data)))
    except Unreadable:
        return False


def theirs(data: bytes, oasis: etree.XMLSchema) -> bool:
    """Whether the schema does."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        return bool(oasis.validate(etree.fromstring(data, parser)))
    except etree.LxmlError:
        return False


def test_every_valid_sample_proposes_or_says_what_to_do(valid_sample: dict[str, str], samples: Path) -> None:
    """At the time it was sent, a sample proposes an incident, or the refusal fits its type, status and scope."""
    data = (samples / valid_sample["file"]).read_bytes()
    alert = read_sample(valid_sample, samples)
    grounds = reasons(valid_sample, data, read_time(alert.source.sent), [info.expires for info in alert.infos])
    if grounds:
        with pytest.raises(CapRefused) as refused:
            propose(alert, read_time(alert.source.sent))
        assert refused.value.code in grounds
        assert refused.value.next_step
    else:
        proposal = propose(alert, read_time(alert.source.sent))
        assert proposal.live_allowed == (valid_sample["status"] in ("Actual", "Ac"))
        assert proposal.expires > read_time(alert.source.sent)
        assert proposal.source == alert.source


def reasons(row: dict[str, str], data: bytes, now: datetime, ends: list[datetime | None]) -> set[str]:
    """Every ground on which a sample may be refused, from the manifest, its bytes and its expiry times."""
    grounds = {
        row["msgType"].lower(): row["msgType"] != "Alert",
        "not-for-use": row["status"] in ("System", "Draft"),
        "not-public": b"scope>Restricted<" in data or b"scope>Private<" in data,
        "no-info": not ends,
        "no-expiry": bool(ends) and not any(ends),
        "expired": bool(ends) and all(end is not None and end <= now for end in ends),
    }
    return {ground for ground, holds in grounds.items() if holds}


def test_a_sample_without_an_expiry_proposes_once_a_person_gives_one(
    unending_sample: dict[str, str], samples: Path
) -> None:
    """The refusal asks for a valid-until, and with it the same alert proposes."""
    alert = read_sample(unending_sample, samples)
    given = read_time(alert.source.sent) + timedelta(hours=6)
    with pytest.raises(CapRefused) as refused:
        propose(alert, read_time(alert.source.sent))
    assert refused.value.code == "no-expiry"
    assert propose(alert, read_time(alert.source.sent), valid_until=given).expires == given


def test_a_sample_with_an_expiry_proposes_nothing_years_later(ending_sample: dict[str, str], samples: Path) -> None:
    """What has expired, or was never for the public, is refused."""
    with pytest.raises(CapRefused) as refused:
        propose(read_sample(ending_sample, samples), datetime(2040, 1, 1, tzinfo=UTC))
    assert refused.value.code in ("expired", "not-public")


def read_sample(row: dict[str, str], samples: Path) -> Alert:
    """The alert of a sample that is ``ok``."""
    alert = validate((samples / row["file"]).read_bytes()).alert
    assert alert is not None
    return alert

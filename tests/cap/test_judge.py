"""Profiles: what a strict one finds, rule by rule and over the sample set."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from signxml.algorithms import CanonicalizationMethod

from dispatcher.cap.geometry import Box
from dispatcher.cap.judge import content_digest, judge
from dispatcher.cap.profile import RULES, Profile
from dispatcher.cap.report import Verdict
from dispatcher.cap.validate import validate
from dispatcher.cap.values import read_time
from dispatcher.service.alerts import profiles
from tests.cap.conftest import CapBuilder
from tests.cap.signing import sender

NOW = datetime(2026, 11, 21, 18, 10, tzinfo=UTC)
BOX = Box(51.0, -6.0, 54.0, -2.0)
STRICT = replace(profiles.load("strict"), box=BOX, certificates=(sender().certificate,))
UNSIGNED = replace(STRICT, rules={**STRICT.rules, "signature-missing": Verdict.OK})
OPEN = profiles.load("open")

NAMED = {
    "p-no-area": "no-area",
    "p-area-no-geometry": "no-geometry",
    "p-polygon-swapped": "jurisdiction",
    "p-cancel-foreign-sender": "foreign-reference",
    "p-bidi-control": "direction",
    "p-welsh-missing-instruction": "languages-unequal",
    "p-3000-point-polygon": "many-points",
    "area_with_intersections": "crossing",
    "area_with_duplicated_vertex": "repeated-point",
    "area_with_hole": "hole",
    "sig-stripped": "signature-missing",
    "sig-comment-injected": "comment",
    "sig-tampered": "signature-broken",
    "sig-pretty-printed": "signature-broken",
    "sig-attacker-key": "signature-key",
    "sig-expired-cert": "signature-expired",
    "wmo-": "signature-",
}
"""What a strict profile calls the faults of the sample set, by a piece of the file's name."""


def codes(data: bytes, profile: Profile = UNSIGNED, at: datetime = NOW) -> list[str]:
    """The faults that a profile names."""
    return [fault.code for fault in judge(data, profile, at).faults]


def strict_for(samples: Path) -> Profile:
    """The strict profile with the sample set's own certificates and county."""
    keys = samples / "synthetic" / "keys"
    pinned = tuple((keys / f"{name}.crt.pem").read_bytes() for name in ("ec", "rsa", "expired"))
    return replace(profiles.load("strict"), box=BOX, certificates=pinned)


def test_every_fault_of_policy_and_signature_is_named_by_the_strict_profile(
    odd_sample: dict[str, str], samples: Path
) -> None:
    """Each is refused or held, under the name of what is wrong with it."""
    data = (samples / odd_sample["file"]).read_bytes()
    alert = validate(data).alert
    assert alert is not None
    report = judge(data, strict_for(samples), read_time(alert.source.sent) + timedelta(minutes=1))
    expected = next(code for piece, code in NAMED.items() if piece in odd_sample["file"])
    assert report.verdict in (Verdict.HOLD, Verdict.REFUSE)
    assert [fault.code for fault in report.faults if fault.code.startswith(expected)], report.faults


def test_no_valid_sample_is_refused_by_the_open_profile(valid_sample: dict[str, str], samples: Path) -> None:
    """When it was sent, a sound alert is at most held, and then for what the manifest or its text says of it."""
    if valid_sample["class"] != "valid":
        return
    data = (samples / valid_sample["file"]).read_bytes()
    alert = validate(data).alert
    assert alert is not None
    report = judge(data, OPEN, read_time(alert.source.sent))
    assert report.verdict in (Verdict.OK, Verdict.HOLD)
    known = {
        "no-expiry": "no-expires" in valid_sample["warnings"],
        "expires-early": "expires<=effective" in valid_sample["warnings"],
        "drill-words": bool(re.search(rb"(?i)\b(exercise|drill|test|training)\b", data)),
        "foreign-reference": len({one.sender for one in alert.references} | {alert.source.sender}) > 1,
        "no-area": "no-area" in valid_sample["warnings"],
    }
    assert {fault.code for fault in report.faults} <= {code for code, holds in known.items() if holds}


@pytest.mark.parametrize("name", ["signed-ecdsa-p256.xml", "signed-rsa-3072.xml"])
def test_the_signed_samples_pass_the_strict_profile(name: str, samples: Path) -> None:
    """What its own county signed is ok, and the signer is told."""
    if not samples.is_dir():
        pytest.skip("no ../shared/cap-samples beside the repository")
    report = judge((samples / "synthetic" / "valid" / name).read_bytes(), strict_for(samples), NOW)
    assert (report.verdict, report.faults) == (Verdict.OK, ())
    assert report.signer


def test_a_hostile_file_is_judged_without_harm(attack_sample: dict[str, str], samples: Path) -> None:
    """Whatever the bytes, there is a verdict."""
    assert judge((samples / attack_sample["file"]).read_bytes(), STRICT, NOW).verdict in set(Verdict)


def test_a_sound_signed_alert_has_no_fault(cap: CapBuilder) -> None:
    """The strict profile lets through what there is nothing wrong with."""
    assert judge(sender().sign(cap.alert()), STRICT, NOW).verdict is Verdict.OK


@pytest.mark.parametrize("odd", ['<alert xmlns:unused="urn:unused" ', "<alert \n"])
def test_a_signed_alert_is_the_same_however_its_sender_wrote_its_canonical_form(cap: CapBuilder, odd: str) -> None:
    """An older form keeps names that nothing uses: what was signed then differs in letters from what was read."""
    plain = cap.alert().replace(b"<alert ", odd.encode())
    signed = sender().sign(plain, CanonicalizationMethod.CANONICAL_XML_1_1)
    report, before = judge(signed, STRICT, NOW), validate(signed).alert
    assert (report.verdict, report.signer) == (Verdict.OK, "CN=Wylan alerts")
    assert report.alert == before


def test_an_alert_says_what_was_signed_also_where_more_was_written_round_it(cap: CapBuilder) -> None:
    """An instruction between two letters is signed with them, and read as nothing."""
    data = sender().sign(cap.alert().replace(b"Severe", b"Sev<?odd?>ere"))
    report = judge(data, STRICT, NOW)
    assert [fault.code for fault in report.faults] == ["comment"]
    assert report.alert is not None
    assert report.alert.infos[0].severity == "Severe"


def test_the_gravest_fault_decides_and_comes_first(cap: CapBuilder) -> None:
    """A refusal outweighs what is held."""
    report = judge(cap.alert(cap.info(expires=None)), STRICT, NOW)
    assert [fault.code for fault in report.faults] == ["signature-missing", "no-expiry"]
    assert [fault.verdict for fault in report.faults] == [Verdict.REFUSE, Verdict.HOLD]
    assert report.verdict is Verdict.REFUSE


def test_a_breach_of_the_standard_is_refused_whatever_a_profile_says(cap: CapBuilder) -> None:
    """A profile adds to the standard and takes nothing away."""
    assert judge(cap.alert(scope="Everyone"), OPEN, NOW).verdict is Verdict.REFUSE


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"sent": "2026-11-21T18:30:00-00:00"}, "future"),
        ({"sent": "2026-11-19T18:30:00-00:00"}, "too-old"),
        ({"status": "Exercise"}, "drill-unsaid"),
        ({"note": "This is an EXERCISE."}, "drill-words"),
        ({"references": "other@example.org,1,2026-11-21T17:00:00-00:00", "msgType": "Update"}, "foreign-reference"),
    ],
)
def test_each_rule_about_the_whole_alert(cap: CapBuilder, fields: dict[str, str], code: str) -> None:
    """One thing that is odd, one fault by name."""
    assert codes(cap.alert(**fields)) == [code]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"expires": None}, "no-expiry"),
        ({"expires": "2026-11-21T18:00:00-00:00"}, "expires-early"),
        ({"headline": "Flood \u202egninraw"}, "direction"),
        ({"headline": "Ymarfer: llifogydd"}, "drill-words"),
    ],
)
def test_each_rule_about_a_block(cap: CapBuilder, fields: dict[str, str | None], code: str) -> None:
    """One thing that is odd, one fault by name."""
    assert codes(cap.alert(cap.info(**fields))) == [code]


@pytest.mark.parametrize(
    ("polygon", "found"),
    [
        ("-4.10,52.40 -4.00,52.40 -4.00,52.50 -4.10,52.40", ["jurisdiction"]),
        ("52.4,-4.1 52.5,-4.0 52.4,-4.0 52.5,-4.1 52.4,-4.1", ["crossing"]),
        ("52.4,-4.1 52.4,-4.0 52.4,-4.0 52.5,-4.0 52.4,-4.1", ["repeated-point"]),
    ],
)
def test_each_rule_about_an_outline(cap: CapBuilder, polygon: str, found: list[str]) -> None:
    """One thing that is odd, one fault by name."""
    assert codes(cap.alert(cap.info(cap.area(polygon=polygon)))) == found


def test_swapped_numbers_are_recognised(cap: CapBuilder) -> None:
    """The message says so: nobody finds that on a map of the sea off Africa."""
    data = cap.alert(cap.info(cap.area(polygon="-4.10,52.40 -4.00,52.40 -4.00,52.50 -4.10,52.40")))
    assert "swapped" in judge(data, UNSIGNED, NOW).faults[0].message


def test_a_circle_that_reaches_outside_is_outside(cap: CapBuilder) -> None:
    """Its centre is not its reach."""
    assert codes(cap.alert(cap.info(cap.area(polygon=None, circle="52.4,-4.1 20")))) == []
    assert codes(cap.alert(cap.info(cap.area(polygon=None, circle="52.4,-4.1 500")))) == ["jurisdiction"]


def test_a_point_is_no_area(cap: CapBuilder) -> None:
    """Radius 0 marks where it happened, and nobody lives there."""
    assert codes(cap.alert(cap.info(cap.area(polygon=None, circle="52.4,-4.1 0")))) == ["no-geometry"]


def test_a_known_code_stands_for_an_outline(cap: CapBuilder) -> None:
    """The profile names the code lists that are known."""
    coded = "<area><areaDesc>Wylan</areaDesc><geocode><valueName>TargetAreaCode</valueName><value>1</value></geocode>"
    data = cap.alert().replace(cap.area().encode(), f"{coded}</area>".encode())
    assert codes(data) == ["no-geometry"]
    assert codes(data, replace(UNSIGNED, geocodes=("TargetAreaCode",))) == []


def test_without_a_jurisdiction_a_strict_profile_says_so(cap: CapBuilder) -> None:
    """Nothing is inside a box that nobody drew."""
    report = judge(cap.alert(), replace(UNSIGNED, box=None), NOW)
    assert "box" in report.faults[0].message


def test_an_unlisted_sender_is_refused(cap: CapBuilder) -> None:
    """Where senders are listed, no other counts."""
    assert codes(cap.alert(), replace(UNSIGNED, senders=("alerts@other.example",))) == ["sender"]


def test_languages_are_compared_block_by_block(cap: CapBuilder) -> None:
    """A later end in Welsh, or the English text again, is named with both languages."""
    welsh = {"language": "cy-GB", "headline": "Rhybudd", "description": "Mae'r afon yn codi."}
    later = cap.info(**welsh, expires="2026-11-22T03:00:00-00:00")
    faults = judge(cap.alert(cap.info(), later), UNSIGNED, NOW).faults
    assert [fault.code for fault in faults] == ["languages-unequal"]
    assert "en-GB and cy-GB differ in expires" in faults[0].message
    assert codes(cap.alert(cap.info(), cap.info(language="cy-GB"))) == ["languages-identical"]


def test_what_an_alert_says_keeps_its_digest_however_it_is_signed(cap: CapBuilder) -> None:
    """Two signatures of one alert, and none, are one content; another word is another."""
    plain = cap.alert()
    assert content_digest(sender().sign(plain)) == content_digest(sender().sign(plain)) == content_digest(plain)
    assert content_digest(plain.replace(b"Severe", b"Minor")) != content_digest(plain)


@pytest.mark.parametrize("name", profiles.SHIPPED)
def test_each_profile_that_ships_decides_every_rule(name: str) -> None:
    """No rule is left unsaid, and none is there that nobody knows."""
    folder = Path(profiles.__file__).parent
    assert tomllib.loads((folder / f"{name}.toml").read_text())["rules"].keys() == RULES.keys()

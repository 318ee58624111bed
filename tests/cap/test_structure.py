"""Our own statement of CAP's structure: every kind of fault, and agreement with the OASIS schema on random damage."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from dispatcher.cap import structure
from dispatcher.cap.reader import read
from dispatcher.cap.report import FAULTS_SHOWN, Fault, Verdict
from dispatcher.cap.validate import validate

NAMED_VALUE = "<{0}><valueName>n</valueName><value>v</value></{0}>"
RESOURCE = (
    "<resource><resourceDesc>map</resourceDesc><mimeType>image/png</mimeType><size>12</size>"
    "<uri>https://wylan.example/m.png</uri></resource>"
)
SIGNATURE = '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="a b"><ds:x/>text</ds:Signature>'
WORDS = ["", " ", "x", "Actual", "en-GB", "12", "1.5", "2026-11-21T18:05:00-00:00", "https://a.example/"]
NAMES = ["", "x", "info", "area", "value", "headline", "references", "sent"]


def faults(data: bytes) -> list[Fault]:
    """What the structure check alone finds."""
    return list(structure.check(read(data)))


def full_alert(cap, signature: str = "") -> bytes:
    """An alert with every element that CAP knows."""
    more = NAMED_VALUE.format("parameter") * 2 + RESOURCE
    area = cap.area(circle="52.4,-4.0 3.5", altitude="10", ceiling="20.5")
    area = area.replace("<altitude>", NAMED_VALUE.format("geocode") + "<altitude>")
    info = cap.info(
        *(area, cap.area()),
        more=more,
        responseType=("Evacuate", "Avoid"),
        audience="all",
        effective="2026-11-21T18:05:00-00:00",
        onset="2026-11-21T19:05:00-00:00",
        senderName="Wylan council",
        web="https://wylan.example/",
        contact="the duty desk",
    ).replace("<effective>", NAMED_VALUE.format("eventCode") + "<effective>")
    extras = dict.fromkeys(["source", "restriction", "addresses", "note", "incidents"], "")
    return cap.alert(info, cap.info(language="cy-GB"), more=signature, code=("a", "b"), **extras)


def test_an_alert_with_every_element_is_sound(cap) -> None:
    """Every element of the tables is met in its place."""
    data = full_alert(cap, SIGNATURE)
    assert faults(data) == []
    known = {child.name for children in structure.TABLE.values() for child in children}
    met = {element.tag.rpartition("}")[2] for element in read(data).iter()}
    assert known - met == {"references", "derefUri", "digest"}


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ("<sender>alerts@wylan.example</sender>", "", "missing", "sender is missing: add it after identifier"),
        ("<identifier>wylan-2026-42</identifier>", "", "missing", "add it first"),
        ("</event>", "</event><event>x</event>", "repeated", "event may come once only"),
        ("<scope>Public</scope>", "<scope>Public</scope><source>x</source>", "order", "move it up, before scope"),
        ("</event>", "</event><category>Met</category>", "order", "category comes too late"),
        ("<scope>", "<reference>x</reference><scope>", "unknown-element", "did you mean references?"),
        ("<scope>", "<weather>x</weather><scope>", "unknown-element", "remove it"),
        ("</alert>", '<tag xmlns="urn:x">x</tag></alert>', "foreign-element", "it is no part of CAP"),
        ("<scope>", '<scope kind="x">', "attribute", "remove 'kind'"),
        ("<info>", "<info>loose", "stray-text", "remove the text 'loose'"),
        ("</event>", "</event>loose", "stray-text", "remove the text 'loose'"),
        ("</event>", "<b>x</b></event>", "markup-in-text", "event holds text only"),
        (">Actual<", ">ACTUAL<", "bad-value", "write one of them exactly so"),
        (">Actual<", "> Actual <", "bad-value", "not one of Actual"),
        (">en-GB<", ">en_GB<", "bad-value", "with a hyphen"),
        ("18:05:00-00:00", "18:05:00Z", "bad-value", "write UTC as -00:00"),
        ("18:05:00-00:00", "18:05:00", "bad-value", "has no offset"),
        ("18:05:00-00:00", "18:05:00.5-00:00", "bad-value", "fractions"),
        ("11-21T18", "02-30T18", "bad-value", "not a date and time that exists"),
    ],
)
def test_each_structural_fault_is_named_with_its_remedy(cap, old: str, new: str, code: str, says: str) -> None:
    """One change makes one fault, which says what to do."""
    (fault,) = faults(cap.alert().replace(old.encode(), new.encode(), 1))
    assert (fault.code, says in fault.message) == (code, True), fault


def test_a_fault_says_where_it_is(cap) -> None:
    """The path counts what may repeat, and the line is the file's."""
    data = cap.alert(cap.info(), cap.info(urgency="Soon"))
    (fault,) = faults(data)
    line = data[: data.index(b"Soon")].count(b"\n") + 1
    assert fault.where == f"alert/info[2]/urgency (line {line})"


def test_every_fault_is_named_not_only_the_first(cap) -> None:
    """Structure and spec faults of one file come together."""
    data = cap.alert(cap.info(cap.area(polygon="1,1"), urgency="Soon", event=""), sent="today", scope=None)
    found = sorted(fault.code for fault in validate(data).faults)
    assert found == ["bad-value", "bad-value", "empty", "missing", "polygon"]


def test_no_more_faults_are_named_than_anybody_mends(cap) -> None:
    """A file with a fault per element ends at the limit."""
    data = cap.alert().replace(b"<info>", b"<x/>" * (FAULTS_SHOWN + 50) + b"<info>", 1)
    assert len(validate(data).faults) == FAULTS_SHOWN


def test_schema_hints_are_let_through_unread(cap) -> None:
    """``xsi:schemaLocation`` is the one attribute that real alerts carry."""
    hint = b'<alert xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x http://127.0.0.1:9/x"'
    assert validate(cap.alert().replace(b"<alert", hint, 1)).verdict is Verdict.OK


def test_nothing_of_cap_may_follow_the_signature(cap) -> None:
    """An info added behind a signature is out of order."""
    (fault,) = faults(cap.alert(more=SIGNATURE + cap.info()))
    assert (fault.code, fault.where.split(" ")[0]) == ("order", "alert/info[2]")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), strokes=st.integers(1, 4))
def test_random_damage_gets_the_verdict_of_the_oasis_schema(
    cap, oasis: etree.XMLSchema, seed: int, strokes: int
) -> None:
    """Elements dropped, doubled, moved, renamed or refilled: our tables and the schema agree.

    Without a signature: libxml2 wrongly lets one stand between two infos, where the schema and we do not.
    """
    root = read(full_alert(cap))
    chance = random.Random(seed)
    for _ in range(strokes):
        damage(root, chance)
    document = etree.tostring(root)
    assert (not faults(document)) == oasis.validate(read(document)), document


def damage(root: etree._Element, chance: random.Random) -> None:
    """Change one element at random."""
    victim = chance.choice([element for element in root.iter() if element is not root])
    parent, stroke = victim.getparent(), chance.randrange(5)
    if stroke == 0:
        parent.remove(victim)
    elif stroke == 1:
        parent.insert(chance.randint(0, len(parent)), read_copy(victim))
    elif stroke == 2:
        chance.choice([element for element in root.iter() if element is not victim]).append(read_copy(victim))
    elif stroke == 3:
        victim.tag = f"{{{structure.CAP}}}{chance.choice(NAMES) or 'note'}"
    elif etree.QName(victim).localname not in ("web", "uri"):  # the schema knows what an address is, and we do not
        victim.text = chance.choice(WORDS)


def read_copy(element: etree._Element) -> etree._Element:
    """A detached copy without what follows it."""
    copy = etree.fromstring(etree.tostring(element, with_tail=False))
    copy.tail = None
    return copy


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["language", "sent", "altitude", "size"]),
    text=st.one_of(
        st.text("12+-. e_", max_size=6),
        st.text("enGB1-_ ", max_size=12),
        st.from_regex(r"\A ?20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6]0:[0-6]0[-+,]1?[0-9]:[0-6]0\Z"),
        st.from_regex(r"\A20[0-9]{2}-0[0-9]-[0-2][0-9]T(0[0-9]|24):00:0[0-9][-+][01][0-4]:[0-5][0-9]\n?\Z"),
    ),
)
def test_random_values_get_the_verdict_of_the_oasis_schema(cap, oasis: etree.XMLSchema, name: str, text: str) -> None:
    """Times, languages and numbers: our patterns and the schema agree."""
    root = read(full_alert(cap))
    for element in root.iter(f"{{{structure.CAP}}}{name}"):
        element.text = text
    document = etree.tostring(root)
    assert (not faults(document)) == oasis.validate(read(document)), (name, text)

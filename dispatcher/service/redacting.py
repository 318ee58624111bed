"""Redacting an evidence pack: a derived pack that still verifies, and says what it holds back and why.

Rules (docs/evidence-pack.md; reference: ux 5, policy 4)
  1. An entry keeps its place, its leaf and its proof and loses its text; a statement keeps its name; a file is left
     out and keeps its digest. What is left can be proved, and what is held back is proved to exist.
  2. Each of these stands in the manifest with the exemption that it falls under, beside the SHA-256 of the pack that
     it was taken from. Reports (review, CSVs, read-backs) would show what was redacted: they are left out whole.
  3. What makes the rest provable cannot be left out: proofs, checkpoints, trust root, verifiers.
  4. It needs the pack and the rules, no deployment. The same two give the same bytes.

The rules, in TOML::

    [[redact]]
    class = "s40"                      # of the Freedom of Information Act: s24, s31, s35, s36, s40 and so on
    reason = "junior staff"
    person = "author-1"                # entries and statements that name this person

    [[redact]]
    class = "s31"
    reason = "how devices are kept"
    kind = "device."                   # a kind, or a family that ends in a dot; statements are of statement.KIND
    pattern = "phone-[0-9]+"           # and in whose text this is found (a regular expression)

    [[redact]]
    class = "s35"
    reason = "drafts"
    file = "revisions/*"               # files by name; position = [12, 13] would be entries by their place
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from channels.contract import Json
from dispatcher.domain import documents
from dispatcher.domain.documents import DocumentError
from dispatcher.domain.errors import Invalid
from dispatcher.service.desk import Desk
from dispatcher.service.pack import MANIFEST, SCHEMA, LeftOut, PackWriter, digest_of, line, written
from dispatcher.statements.errors import TrustError
from dispatcher.statements.toml import parse_toml

REPORTS = ("review.html", "deliveries.csv", "attempts.csv", "read-backs.jsonl")
KEPT = (
    *("README.txt", "verify.py", "verify.html", "ledger.jsonl", "leaves.bin", "checkpoint.txt", "checkpoints.txt"),
    *("statements.jsonl", "keys.json", "trust/root.json", "trust/roots.json", MANIFEST),
)
"""What makes the rest provable."""

CHUNK = 1024 * 1024
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/]))')
MEND = "see docs/evidence-pack.md, Redaction"


@dataclass(frozen=True, slots=True)
class Rule:
    """What to hold back, and under which exemption; see the module. What is empty asks for nothing."""

    grounds: str
    reason: str
    kind: str = ""
    person: str = ""
    pattern: str = ""
    position: tuple[int, ...] = ()
    file: str = ""

    def fits(self, kind: str, text: str, position: int | None) -> bool:
        """Whether an entry or a statement of this kind, text and place is to be held back."""
        if self.file or not (self.kind or self.person or self.pattern or self.position):
            return False
        of_kind = not self.kind or kind == self.kind or (self.kind.endswith(".") and kind.startswith(self.kind))
        named = not self.person or f'"{self.person}"' in text
        placed = not self.position or position in self.position
        return of_kind and named and placed and bool(re.search(self.pattern, text))


@dataclass(frozen=True, slots=True)
class Redacted:
    """A pack that was derived. ``still_named``: files that hold a person or a pattern of the rules all the same."""

    deployment: str
    incident: str
    file: str
    sha256: str
    redacted_from: str
    entries: int
    statements: int
    left_out: tuple[LeftOut, ...]
    still_named: tuple[str, ...]


def read_rules(text: str, where: str) -> tuple[Rule, ...]:
    """Read a file of rules. Raises Invalid naming the place."""
    try:
        document = parse_toml(text, where)
        reader = documents.Reader(document, where)
        rules = reader.each("redact", _rule)
        reader.done()
    except (DocumentError, TrustError) as error:
        raise Invalid(str(error), MEND) from error
    return rules


def redact(source: Path, target: Path, rules: Sequence[Rule]) -> Redacted:
    """Write a pack without what the rules hold back to a new file. Raises Invalid, Unavailable."""
    original = digest_of(source)
    try:
        with zipfile.ZipFile(source) as pack, written(target) as derived:
            manifest = json.loads(pack.read(MANIFEST))
            if manifest["schema"] != SCHEMA:
                raise Invalid(f"{source} is not a pack of {SCHEMA}", "use the version that made it")
            held = _Held(rules, [_left_out(one) for one in manifest["left_out"]])
            for one in manifest["files"]:
                held.copy(pack, derived, one["name"], one["sha256"])
            about = {name: value for name, value in manifest.items() if name not in ("files", "left_out", "schema")}
            derived.close({**about, "redacted_from": original}, held.left_out)
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise Invalid(f"{source} is not an evidence pack: {error}", "export it again") from error
    return Redacted(
        deployment=manifest["deployment"],
        incident=manifest["incident"],
        file=str(target),
        sha256=digest_of(target),
        redacted_from=original,
        entries=held.entries,
        statements=held.statements,
        left_out=tuple(held.left_out),
        still_named=tuple(_still_named(target, rules)),
    )


def record(desk: Desk, made: Redacted, person: str) -> None:
    """Write down in the ledger that somebody derived a pack; about its incident, where it is of this deployment."""
    ours = made.deployment == desk.trust.root.deployment
    known: dict[str, Any] = {"sha256": made.sha256, "redacted_from": made.redacted_from}
    known |= {"entries": made.entries, "statements": made.statements}
    with desk.store.write() as work:
        work.record("evidence.redacted", incident=made.incident if ours else None, actor=person, **known)


class _Held:
    """What the rules hold back of one pack, as it is copied."""

    def __init__(self, rules: Sequence[Rule], before: list[LeftOut]) -> None:
        self._rules = rules
        self.left_out = before
        self.entries = self.statements = 0

    def copy(self, pack: zipfile.ZipFile, derived: PackWriter, name: str, digest: str) -> None:
        """One member: copied, copied without some texts, or left out."""
        if name == "ledger.jsonl":
            derived.add(name, self._lines(pack, name, "entry"))
        elif name == "statements.jsonl":
            derived.add(name, self._lines(pack, name, "payload"))
        elif why := self._why(name):
            self.left_out.append(LeftOut(name, *why, sha256=digest))
        else:
            with pack.open(name) as member:
                derived.add(name, iter(lambda: member.read(CHUNK), b""))

    def _why(self, name: str) -> tuple[str, str] | None:
        if name in REPORTS:
            return "report", "it would show what was redacted"
        for rule in self._rules:
            if rule.file and fnmatchcase(name, rule.file):
                if name in KEPT:
                    raise Invalid(f"{name} cannot be left out: without it nothing else could be proved", MEND)
                return rule.grounds, rule.reason
        return None

    def _lines(self, pack: zipfile.ZipFile, name: str, part: str) -> Iterator[bytes]:
        with pack.open(name) as member:
            for raw in member:
                one = json.loads(raw)
                rule = self._rule_for(one, part) if part in one else None
                yield line(self._without(one, part, rule)) if rule else raw

    def _rule_for(self, one: dict[str, Any], part: str) -> Rule | None:
        said = json.loads(one[part])
        kind = said["kind"] if part == "entry" else f"statement.{said['kind']}"
        return next((rule for rule in self._rules if rule.fits(kind, one[part], one.get("position"))), None)

    def _without(self, one: dict[str, Any], part: str, rule: Rule) -> dict[str, Json]:
        if part == "entry":
            self.entries += 1
            self.left_out.append(LeftOut(f"entry {one['leaf']}", rule.grounds, rule.reason))
            return {name: one[name] for name in ("position", "prev", "leaf", "proof")}
        self.statements += 1
        self.left_out.append(LeftOut(f"statement {one['id']}", rule.grounds, rule.reason))
        return {"id": one["id"]}


def _rule(value: Json, where: str) -> Rule:
    if not isinstance(value, dict) or "class" not in value:
        raise DocumentError(f"{where}: class is missing")
    given: Json = {("grounds" if name == "class" else name): item for name, item in value.items()}
    rule = documents.read(Rule, given, where, defaults=True)
    if not any(getattr(rule, field.name) for field in fields(Rule) if field.name not in ("grounds", "reason")):
        raise DocumentError(f"{where}: says what class it is of, but not what to hold back")
    if rule.file and (rule.kind or rule.person or rule.pattern or rule.position):
        raise DocumentError(f"{where}: a rule is about files or about entries, not both")
    try:
        re.compile(rule.pattern)
    except re.error as error:
        raise DocumentError(f"{where}.pattern: {error}") from error
    return rule


def _still_named(target: Path, rules: Sequence[Rule]) -> Iterator[str]:
    """Members of a derived pack, its manifest among them, in which a person or a pattern of the rules is left."""
    parts = [rf"(?<![\w-]){re.escape(rule.person)}(?![\w-])" for rule in rules if rule.person]
    parts += [f"(?:{rule.pattern})" for rule in rules if rule.pattern]
    with zipfile.ZipFile(target) as derived:
        for name in derived.namelist() if parts else ():
            with derived.open(name) as member:
                if any(re.search("|".join(parts), text) for text in _texts(iter(lambda: member.read(CHUNK), b""))):
                    yield name


def _texts(chunks: Iterator[bytes]) -> Iterator[str]:
    """A file's text, piece by overlapping piece: each as it stands, and as JSON's escapes mean it."""
    tail = b""
    for chunk in chunks:
        text = (tail + chunk).decode(errors="replace")
        yield text
        meant = _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)
        yield meant.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        tail = chunk[-200:]


def _left_out(document: dict[str, str]) -> LeftOut:
    return LeftOut(document["what"], document["class"], document["reason"], document["sha256"])

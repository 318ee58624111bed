"""Verifies an evidence pack: python verify.py PACK.zip [--checkpoint FILE]... [--no-signatures]

FILE holds checkpoints from outside the deployment: what they cover is proved without trusting whoever made the pack.
Exit codes: 0 good, 1 bad, 2 not all checked. Python 3.11, PyNaCl, nothing else. verify.html says the same.
"""

import argparse
import base64
import hashlib
import json
import mmap
import re
import struct
import zlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

HAVE_NACL = find_spec("nacl") is not None
if HAVE_NACL:  # the standard library has no Ed25519
    from nacl import bindings, exceptions

LOCAL, CENTRAL, END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
NOTE = re.compile(r"\n*((?:[^\n]+\n)+)\n((?:— [^\n]+\n)+)")
MEDIUM = re.compile(r'"digest":"sha256:([0-9a-f]{64})"')
ARMOUR = re.compile(r"-----BEGIN SSH SIGNATURE-----\n((?:[A-Za-z0-9+/=]+\n)+)-----END SSH SIGNATURE-----\n?")
KEY_TYPES = ("ssh-ed25519", "sk-ssh-ed25519@openssh.com")
UNPROVED = (
    "that no entry about the incident was left out: compare the SHA-256 with evidence.exported in the ledger",
    "that what was recorded is true and clocks were right, or the manifest's made_by, made_at, mode, redacted_from",
)
NEEDED = {"attempts.csv", "deliveries.csv", "read-backs.jsonl", "trust/policy.toml", "trust/roster.toml"}
MISSING = "its text is missing, and the manifest does not say why"
MALFORMED = (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError)
Fields = dict[str, Any]
read_json = json.JSONDecoder(parse_float=int, parse_constant=int).decode  # refuses 1.0 and NaN
canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


class Fault(Exception):
    """Something is not as it must be."""


def fault(what: str) -> NoReturn:
    raise Fault(what)


def fault_if(broken: object, what: str) -> None:
    _ = broken and fault(what)


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def named(schema: str, body: bytes) -> str:
    return sha256(schema.encode(), b"\0", body).hex()


def base64_of(text: str) -> bytes:
    data = base64.b64decode(text, validate=True)
    return data if base64.b64encode(data).decode() == text else fault("base64 with spare bits")


class Pack:
    """The zip: stored members without a gap, every byte of which follows from their names and contents."""

    def __init__(self, data: mmap.mmap | bytes) -> None:
        self.data, self.places, self.digests, self.faults = data, dict[str, tuple[int, int]](), dict[str, str](), []
        self.asked, at, central = set[str](), 0, b""
        while data[at : at + 4] == b"PK\3\4" and len(data) >= at + LOCAL.size:
            *_, crc, size, _, length, _ = LOCAL.unpack(data[at : at + LOCAL.size])
            start = at + LOCAL.size + length
            raw, body = data[at + LOCAL.size : start], memoryview(data)[start : start + size]
            head = LOCAL.pack(b"PK\3\4", 20, 0, 0, 0, 33, crc, size, size, length, 0)
            name = raw.decode("ascii", "replace")
            if head != data[at : at + LOCAL.size] or name in self.places or zlib.crc32(body) != crc:
                self.faults.append(f"{name}: its bytes in the zip were changed")
            self.places[name], self.digests[name] = (start, start + size), hashlib.sha256(body).hexdigest()
            fixed = (788, 20, 0, 0, 0, 33, crc, size, size, length, 0, 0, 0, 0, 0o644 << 16, at)
            central += CENTRAL.pack(b"PK\1\2", *fixed) + raw
            at = start + size
        if data[at:] != central + END.pack(b"PK\5\6", 0, 0, *[len(self.places)] * 2, len(central), at, 0):
            self.faults.append("the zip's list of contents is not that of its contents")

    def read(self, name: str) -> bytes:
        self.asked.add(name)
        start, end = self.places.get(name) or fault(f"{name} is not in the pack")
        return self.data[start:end]


def holds(point: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature holds. A point of small order would sign anything, so it signs nothing."""
    try:
        opened = len(signature) == 64 and (not HAVE_NACL or bindings.crypto_sign_open(signature + message, point))
    except (exceptions.BadSignatureError, ValueError):
        return False
    return opened is not False and (not HAVE_NACL or bindings.crypto_core_ed25519_is_valid_point(point))


def strings(blob: bytes, count: int, tail: int = 0) -> list[bytes]:
    found = []
    for _ in range(count):
        end = 4 + int.from_bytes(blob[:4], "big")
        found.append(blob[4:end])
        blob = blob[end:] if len(blob) >= end else fault("a signature or key is cut short")
    return [*found, blob] if len(blob) == tail else fault("a signature or key has bytes too many")


def fingerprint(blob: bytes) -> str:
    return "SHA256:" + base64.b64encode(sha256(blob)).decode().rstrip("=")


def key_blob(key: Fields) -> bytes:
    return base64_of(key["public"].split(" ")[1])


def key_point(blob: bytes) -> tuple[str, bytes]:
    kind = blob[4 : 4 + int.from_bytes(blob[:4], "big")].decode("ascii", "replace")
    fault_if(kind not in KEY_TYPES, f"{kind!r} keys are not admitted")
    _, point, *application = strings(blob, 2 + KEY_TYPES.index(kind))[:-1]
    return (kind, point) if application in ([], [b"ssh:"]) else fault("a security key is not one for SSH")


def signer(payload: bytes, armoured: str, mode: str) -> str:
    """The fingerprint of the key whose SSHSIG holds over ``payload``."""
    armoured = armoured.replace("\r\n", "\n")
    blob = base64_of((ARMOUR.fullmatch(armoured) or fault("not an armoured SSH signature"))[1].replace("\n", ""))
    fault_if(blob[:10] != b"SSHSIG\0\0\0\1", "not an SSH signature of version 1")
    public, space, reserved, hash_name, signature, _ = strings(blob[10:], 5)
    if (space, reserved, hash_name) != (f"dispatcher-{mode}-v1".encode(), b"", b"sha512"):
        fault(f"not signed for mode {mode} with SHA-512")
    kind, point = key_point(public)
    name, raw, tail = strings(signature, 2, 5 if kind == KEY_TYPES[1] else 0)
    fields = (space, b"", hash_name, hashlib.sha512(payload).digest())
    signed = b"SSHSIG" + b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    if tail:  # a security key (PROTOCOL.u2f)
        signed = sha256(b"ssh:") + tail + sha256(signed)
    fault_if(name != kind.encode() or not holds(point, signed, raw), "the signature does not hold over these bytes")
    return fingerprint(public) if not tail or tail[0] & 1 else fault("a security key signed without being touched")


def read_notes(text: str) -> list[tuple[str, str]]:
    text = read_json(text)["note"] if text.startswith("{") else text  # of dispatcher ledger checkpoint --json
    notes = NOTE.findall(text)
    return notes if notes and not NOTE.sub("", text).strip() else fault("not a file of checkpoints")


class Tree:  # all full branches over leaf hashes, so that the root at any size can be worked out
    def __init__(self, leaves: bytes) -> None:
        self.size, self._levels = len(leaves) // 32, [leaves]
        while len(level := self._levels[-1]) >= 64:
            pairs = range(0, len(level) - 63, 64)
            self._levels.append(b"".join([sha256(b"\1", level[at : at + 64]) for at in pairs]))

    def root(self, size: int) -> bytes:
        root = b""
        for height, level in enumerate(self._levels):
            if size >> height & 1:
                at = 32 * ((size >> height) - 1)
                root = sha256(b"\1", level[at : at + 32], root) if root else level[at : at + 32]
        return root or sha256()


def root_of(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2)."""
    node, last, rest = leaf, size - 1, list(proof)
    while last > 0:
        if index ^ 1 <= last:
            sibling = rest.pop(0) if rest else fault("its proof is too short")
            node = sha256(b"\1", sibling, node) if index & 1 else sha256(b"\1", node, sibling)
        index, last = index >> 1, last >> 1
    return node if not rest else fault("its proof is too long")


class Check:  # one verification and its report; ``broken`` is the first entry that does not hold
    def __init__(self, pack: Pack, outside: list[tuple[str, str]]) -> None:
        self.pack, self.outside, self.broken, self.tree = pack, outside, "", Tree(b"")
        self.verified, self.rests, self.unknown, self.wrong = list[str](), list[str](), [*UNPROVED], [*pack.faults]
        self.manifest: Fields = {"deployment": "?", "incident": "?"}
        self.left_out, self.points, self.keys = dict[str, Fields](), list[bytes](), dict[str, tuple[str, Fields]]()
        self.heads, self.signed = dict[str, tuple[int, str]](), dict[str, tuple[str, str, str]]()
        self.wanted, self.leaves = dict[str, str](), set[str]()
        self.unproved = self.redacted = self.elsewhere = self.witnessed = self.about = 0
        for step in ("files", "trust", "checkpoints", "entries", "statements", "documents", "anchors"):
            try:
                getattr(self, step)()
            except (Fault, *MALFORMED) as error:
                self.wrong.append(str(error) if isinstance(error, Fault) else f"{step}: not in a pack's form")

    def files(self) -> None:
        self.manifest |= read_json(self.pack.read("MANIFEST.json").decode())
        self.left_out = {one["what"]: one for one in self.manifest["left_out"]}
        listed = {one["name"]: one["sha256"] for one in self.manifest["files"]}
        for name in sorted(listed.keys() | self.pack.digests.keys() - {"MANIFEST.json"}):
            if self.pack.digests.get(name) != listed.get(name):
                self.wrong.append(f"{name} is not the file that the manifest names")
        gone = sorted(NEEDED - self.pack.places.keys() - self.left_out.keys())
        self.wrong += [f"{name} is not in the pack, nor left out" for name in gone]
        self.verified.append(f"{len(listed)} files are those that the manifest names")
        self.unknown += [f"{what}: left out, {why['class']}: {why['reason']}" for what, why in self.left_out.items()]

    def trust(self) -> None:
        before = self.pack.read("trust/roots.json") if "trust/roots.json" in self.pack.places else b"[]"
        steps = read_json(before.decode())
        roots = [*(step["root"] for step in steps), read_json(self.pack.read("trust/root.json").decode())]
        digests = [named("root/v1", canonical(root).encode()) for root in roots]
        for number, (root, digest) in enumerate(zip(roots, digests, strict=True)):
            for judge in roots[number - 1 : number + 1] if number else []:
                self.owned(judge, digest, steps[number - 1]["signatures"], f"trust root {root['version']}")
            if root["version"] != roots[0]["version"] + number:
                fault(f"trust root {root['version']} does not follow the one before it")
            self.points.append(key_point(key_blob(root["status_key"]))[1])
            self.rests.append(f"trust root {root['version']} {digest}: compare it with the one that was read aloud")
        for name in ("policy", "roster"):
            if f"trust/{name}.json" not in self.left_out:
                body, signatures = (self.pack.read(f"trust/{name}.{part}json") for part in ("", "sigs."))
                self.owned(roots[-1], named(f"{name}/v1", body), read_json(signatures.decode()), name)
        unsigned = "trust/roster.json" in self.left_out
        keys, roster = read_json(self.pack.read("keys.json").decode()), {} if unsigned else read_json(body.decode())
        signed = [{name: one[name] for name in ("id", "name", "roles", "keys")} for one in roster.get("people", ())]
        if not unsigned and canonical(keys) != canonical({"roster": roster["version"], "people": signed}):
            fault("keys.json is not what the signed roster says")
        self.keys = {fingerprint(key_blob(key)): (one["id"], key) for one in keys["people"] for key in one["keys"]}
        self.rests.append("whose keys are whose: " + ("keys.json, which nobody signed" if unsigned else "the roster"))

    def owned(self, root: Fields, digest: str, signatures: list[Fields], what: str) -> None:
        owners = {fingerprint(key_blob(key)): one["person"] for one in root["owners"] for key in one["keys"]}
        people = set()
        for one in signatures:
            said = read_json(one["payload"])
            person = owners.get(signer(one["payload"].encode(), one["signature"], "live"))
            about = said["kind"] == "policy" and digest in (said["subject"], *said["body"].values())
            people |= {person} if about and person == said["person"] else set()
        fault_if(len(people) < root["threshold"], f"{what}: signed by {len(people)} of {root['threshold']} owners")
        self.verified.append(f"{what}: signed by {', '.join(sorted(people))}")

    def checkpoints(self) -> None:
        if "checkpoint.txt" not in self.pack.places:
            return
        tree, newest, every = (self.pack.read(name) for name in ("leaves.bin", "checkpoint.txt", "checkpoints.txt"))
        notes, size, self.tree = read_notes(every.decode()), -1, Tree(tree)
        for note in notes:
            size, root = self.checkpoint(note)
            if self.tree.size < size or self.tree.root(size) != root:
                fault(f"the checkpoint of size {size} is not of the history in leaves.bin")
        if size != self.tree.size or read_notes(newest.decode()) != notes[-1:]:
            fault("checkpoint.txt is not the newest checkpoint")
        self.verified.append(f"{len(notes)} checkpoints signed by the status key, all of one history")

    def checkpoint(self, note: tuple[str, str]) -> tuple[int, bytes]:
        (head, size, root, *_), origin = note[0].split("\n"), f"dispatcher-ledger/{self.manifest['deployment']}"
        for name, _, value in (line[2:].rpartition(" ") for line in note[1].splitlines()):
            signed = base64_of(value)
            for point in self.points if head == name == origin else ():
                mine = signed[:4] == sha256(name.encode(), b"\n\x01", point)[:4]
                if mine and holds(point, note[0].encode(), signed[4:]):
                    return int(size), base64_of(root)
        fault(f"the checkpoint of size {size} is not signed by this deployment's status key")

    def entries(self) -> None:
        root, before, count = self.tree.root(self.tree.size), -1, 0
        for count, raw in enumerate(self.pack.read("ledger.jsonl").splitlines(), start=1):
            at = "unproved"
            try:
                line = read_json(raw.decode())
                if (position := line["position"]) is None:
                    self.unproved, before = self.unproved + 1, self.tree.size
                else:
                    at, proof = f"position {position}", [base64_of(one) for one in line["proof"]]
                    fault_if(not before < position < self.tree.size, "it does not stand in the order of the tree")
                    if root_of(bytes.fromhex(line["leaf"]), position, self.tree.size, proof) != root:
                        fault("its proof does not lead to the checkpoint's root")
                    before = position
                self.entry(line, f"ledger.jsonl line {count}")
            except (Fault, *MALFORMED) as error:
                what = error if isinstance(error, Fault) else "it is not in the form of an entry"
                self.broken = f"ledger.jsonl line {count}, {at}: {what}"
                fault(self.broken)
        fault_if(not self.about and not self.redacted, f"no entry is about {self.manifest['incident']}")
        self.verified.append(f"{count - self.unproved} entries are in the tree at size {self.tree.size}")
        self.verified += [f"{self.redacted} entries are redacted: they are proved unseen"] * bool(self.redacted)
        self.verified.append(f"{len(self.heads)} writers' chains; {self.elsewhere} entries between are not here")

    def entry(self, line: Fields, where: str) -> None:
        prev, leaf = line["prev"], line["leaf"]
        self.leaves.add(leaf)
        if "entry" not in line:
            self.redacted += 1
            return fault_if(f"entry {leaf}" not in self.left_out, MISSING)
        if sha256(b"\0", bytes.fromhex(prev), line["entry"].encode()).hex() != leaf:
            fault("its text, or the leaf before it, was changed: they do not make its leaf")
        entry = read_json(line["entry"])
        writer, sequence, facts = entry["writer"], entry["sequence"], entry["facts"]
        if "incident" in facts and "files" in self.manifest:
            self.about += 1 if facts["incident"] == self.manifest["incident"] else fault("it is of another incident")
        last, head = self.heads.get(writer, (0, sha256(writer.encode()).hex()))
        if sequence <= last or (sequence == last + 1 and prev != head):
            fault(f"it does not follow the entry that {writer} wrote before it")
        self.elsewhere += 0 if prev in self.leaves else sequence - last - 1
        self.heads[writer] = (sequence, leaf)
        if entry["kind"].startswith("statement."):
            self.signed[facts["statement"]] = (where, facts["actor"], facts["key"])
        if entry["kind"] == "plan.submitted":
            self.wanted[f"plans/{facts['plan']}"] = where
        return None

    def statements(self) -> None:
        count = 0
        for count, raw in enumerate(self.pack.read("statements.jsonl").splitlines(), start=1):
            line = read_json(raw.decode())
            _, actor, key = self.signed.pop(line["id"], ("", "", ""))
            try:
                if "payload" in line:
                    self.statement(line, actor, key)
                elif f"statement {line['id']}" not in self.left_out:
                    fault(MISSING)
            except Fault as error:
                fault(f"statements.jsonl line {count}: {error}")
        for id_, (where, actor, _) in self.signed.items():
            fault(f"{where}: the statement {id_} by {actor} is not in the pack")
        self.verified.append(f"{count} statements are those that the ledger names, signed by whom it names")

    def statement(self, line: Fields, actor: str, key: str) -> None:
        payload = line["payload"].encode()
        fault_if(named("statement/v1", payload) != line["id"], "its text was changed")
        said = read_json(line["payload"])
        person, found = said["person"], signer(payload, line["signature"], said["mode"])
        if (actor, key) != (person, found) and (key or not self.redacted):
            fault(f"signed by {person} with {found}; the ledger says {actor or 'nobody'} with {key or 'no key'}")
        (holder, held), at = self.keys.get(found, (person, {})), said["not_before"]
        fault_if(holder != person, f"it says {person}, and the key is {holder}'s")
        if not held or held["revoked_at"] or not held["not_before"] <= at < (held["expires"] or "9"):
            self.unknown.append(f"that {found} was {person}'s: this roster does not give it to them for {at}")
        size, _, root = (said["checkpoint"] or "").partition(":")
        if root and int(size) <= self.tree.size:
            if self.tree.root(int(size)).hex() != root:
                fault(f"{person} saw another history: at size {size} its root was {root}")
            self.witnessed = max(self.witnessed, int(size))

    def documents(self) -> None:
        stems, left_out = set[str](), {what.partition(".")[0] for what in self.left_out}
        for name in self.pack.places:
            folder, slash, file = name.partition("/")
            if not slash or folder == "trust":
                continue
            digest, body = file.partition(".")[0], b"" if folder == "media" else self.pack.read(name)
            stems.add(f"{folder}/{digest}")
            if (named(f"{folder[:-1]}/v1", body) if body else self.pack.digests[name]) != digest:
                fault(f"{name}: its bytes are not those that its name says")
            self.wanted |= {f"media/{one}": name for one in MEDIUM.findall(body.decode()) if folder == "renderings"}
            for place in read_json(body.decode())["destinations"] if folder == "plans" else []:
                self.wanted |= {f"renderings/{one}": name for one in place["renderings"].values()}
        loose = [name for name in self.pack.places if name not in self.pack.asked and not name.startswith("media/")]
        self.unknown.append(f"what {', '.join(loose)} say: nothing vouches for them")
        for stem in sorted(self.wanted.keys() - stems - left_out):
            fault(f"{stem} is not in the pack, and {self.wanted[stem]} names it")
        self.verified.append(f"{len(stems)} documents and media have the digest that is their name")

    def anchors(self) -> None:
        proved, later, size, seen = 0, 0, self.tree.size, self.witnessed
        for kept, root in map(self.checkpoint, self.outside):
            if kept <= size and self.tree.root(kept) != root:
                fault(f"the outside checkpoint of size {kept} is of another history: something before it was changed")
            proved, later = (max(proved, kept), later) if kept <= size else (proved, later + 1)
        places = f"of {size} places in the ledger"
        self.unknown += [f"that outside checkpoints fit: the pack is older than {later} of them"] * bool(later)
        self.rests += [f"the first {proved} {places}: a checkpoint from outside"] * bool(proved)
        self.rests += [f"the first {seen} {places}: what people saw when they signed"] * bool(seen)
        self.rests += [f"the last {size - proved} {places}: this pack's own checkpoint"] * (size > proved)
        self.rests += [f"{self.unproved} entries: nothing yet, no checkpoint had taken them in"] * bool(self.unproved)


def main() -> int:
    parser = argparse.ArgumentParser(description="Verify an evidence pack.")
    parser.add_argument("pack", type=Path)
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], help="kept outside the deployment")
    parser.add_argument("--no-signatures", action="store_true", help="go without PyNaCl")
    given = parser.parse_args()
    if not HAVE_NACL and not given.no_signatures:
        parser.error("signatures cannot be checked without PyNaCl: install it, or say --no-signatures")
    try:
        outside = [note for path in given.checkpoint for note in read_notes(path.read_text("utf-8"))]
        with given.pack.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            check, digest = Check(Pack(data), outside), hashlib.sha256(data).hexdigest()
    except (Fault, OSError, *MALFORMED) as error:
        parser.error(f"cannot be checked: {error}")
    lines = [f"Evidence of {check.manifest['incident']} of {check.manifest['deployment']}", f"SHA-256 {digest}"]
    headings = ("Verified", "What it rests on", "What this pack cannot prove", "Wrong")
    for heading, said in zip(headings, (check.verified, check.rests, check.unknown, check.wrong), strict=True):
        lines += ["", f"{heading}:", *(f"- {one}" for one in said or ["nothing"])]
    verdict = f"BAD: {check.broken or check.wrong[0]}" if check.wrong else "GOOD: all that could be checked holds"
    for line in (*lines, "", verdict if HAVE_NACL else f"{verdict}. SIGNATURES WERE NOT CHECKED"):
        print("".join(one if one.isprintable() else f"\\u{{{ord(one):x}}}" for one in line))
    return 1 if check.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())

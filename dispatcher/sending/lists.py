"""Recipient lists: encrypted rows, keyed digests for leaves, one signed root.

Rules
  1. A list has one random key. It is sealed (age) to the recipients' sender, so that whoever imports a list can
     lock it and only that sender can open it.
  2. A row is ``language NUL address`` under XSalsa20-Poly1305 (libsodium's secretbox) with a key derived from the
     list's.
  3. A leaf is an HMAC of the row under another derived key, because plain hashes of telephone numbers can be
     guessed; it also names the recipient in the ledger, which therefore holds no address.
  4. The Merkle root over the leaves is what is signed: a row slipped in has no path to it.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass

import pyrage
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from channels.contract import Secret
from dispatcher.domain.ids import RandomBytes
from dispatcher.domain.merkle import BLOCK, Tree, leaf_hash, node_hash, root_from_path
from dispatcher.domain.plan import SignedList
from dispatcher.sending.order import RecipientProof

KEY_BYTES = 32
LEVELS = BLOCK.bit_length() - 1
"""Nodes on the way from a leaf to the root of its block."""

REMEMBERED_BLOCKS = 128
"""Four times what the 2,048 rows that a process may have in hand stand in (``workers.pacing``), one after another."""

Blocks = dict[tuple[str, int, int], dict[int, bytes]]
"""Nodes that are known to be under a list's root: by that root, the list's count and the number of a whole block;
then by their place in the block, whose root is 1 and whose node n has 2n and 2n + 1 under it."""


class ListError(ValueError):
    """The row or the key does not open; the message holds no personal data."""


@dataclass(frozen=True, slots=True)
class Row:
    """One recipient in the clear: only ever in the sender's memory, and in the importer's."""

    address: Secret
    language: str


@dataclass(frozen=True, slots=True)
class SealedRow:
    """One recipient at rest."""

    leaf: str
    sealed: bytes


class ListKey:
    """A list's key, in the clear: makes and opens rows."""

    __slots__ = ("_box", "_leaf_key", "_raw")

    def __init__(self, raw: bytes) -> None:
        if len(raw) != KEY_BYTES:
            raise ListError("a list key has 32 bytes")
        self._raw = raw
        self._box = SecretBox(_derive(raw, b"rows"))
        self._leaf_key = _derive(raw, b"leaves")

    def sealed_to(self, recipient: str) -> str:
        """This key, sealed to a role's public age key."""
        sealed = pyrage.encrypt(self._raw, [pyrage.x25519.Recipient.from_str(recipient)])
        return b64encode(sealed).decode()

    def seal(self, row: Row, random_bytes: RandomBytes) -> SealedRow:
        """Encrypt one row."""
        data = _encode(row)
        return SealedRow(self._leaf(data), bytes(self._box.encrypt(data, random_bytes(SecretBox.NONCE_SIZE))))

    def open(self, sealed: bytes) -> tuple[str, Row]:
        """Decrypt one row; returns its leaf and the row. Raises ListError."""
        try:
            data = self._box.decrypt(sealed)
            language, _, address = data.decode().partition("\0")
        except (CryptoError, ValueError) as error:
            raise ListError("a recipient row does not open with its list's key") from error
        return self._leaf(data), Row(Secret(address), language)

    def _leaf(self, data: bytes) -> str:
        return hmac.digest(self._leaf_key, data, "sha256").hex()


def open_key(sealed: str, identity: Secret) -> ListKey:
    """Open a list's key with the role's age identity. Raises ListError."""
    try:
        raw = pyrage.decrypt(b64decode(sealed), [pyrage.x25519.Identity.from_str(identity.reveal())])
    except (pyrage.DecryptError, pyrage.IdentityError, ValueError) as error:
        raise ListError("the list's key is not sealed to this sender") from error
    return ListKey(raw)


def tree_of(leaves: Sequence[str]) -> Tree:
    """The Merkle tree over leaves in list order."""
    return Tree(b"".join([leaf_hash(bytes.fromhex(leaf)) for leaf in leaves]))


def prove(proof: RecipientProof, key: ListKey, signed: SignedList, blocks: Blocks | None = None) -> tuple[str, Row]:
    """Open a row and check that it stands in the signed list. Returns leaf and row. Raises ListError.

    ``blocks`` is what is known to be under a list's root already; the nodes on the row's way there are added to it,
    and the oldest block goes. A way ends at the first node that is known.
    """
    leaf, row = key.open(proof.sealed)
    try:
        proved = _is_under(signed, leaf_hash(bytes.fromhex(leaf)), proof, {} if blocks is None else blocks)
    except ValueError as error:
        raise ListError("the recipient's path is not hex") from error
    if not proved:
        raise ListError(f"the recipient is not in the signed list {signed.id}")
    return leaf, row


def _is_under(signed: SignedList, leaf: bytes, proof: RecipientProof, blocks: Blocks) -> bool:
    number, index = divmod(proof.position, BLOCK)
    if not 0 <= number < signed.count // BLOCK:  # the last block may not be whole
        return _root(leaf, proof.position, signed.count, proof.path) == signed.root
    name = (signed.root, signed.count, number)
    known = blocks.get(name, {})
    node, at, way = leaf, BLOCK + index, dict[int, bytes]()
    for step in proof.path[:LEVELS]:
        if known.get(at) == node:
            break
        sibling = bytes.fromhex(step)
        way |= {at: node, at ^ 1: sibling}
        node, at = node_hash(sibling + node if at & 1 else node + sibling), at >> 1
    if known.get(at) != node:
        if at > 1 or _root(node, number, -(-signed.count // BLOCK), proof.path[LEVELS:]) != signed.root:
            return False
        way[at] = node
    known.update(way)
    while name not in blocks and len(blocks) >= REMEMBERED_BLOCKS:
        blocks.pop(next(iter(blocks)))
    blocks[name] = known
    return True


def _root(node: bytes, index: int, size: int, path: Sequence[str]) -> str | None:
    root = root_from_path(node, index, size, [bytes.fromhex(sibling) for sibling in path])
    return None if root is None else root.hex()


def _encode(row: Row) -> bytes:
    return f"{row.language}\0{row.address.reveal()}".encode()


def _derive(raw: bytes, purpose: bytes) -> bytes:
    return hashlib.blake2b(purpose, key=raw, person=b"recipient-list", digest_size=KEY_BYTES).digest()

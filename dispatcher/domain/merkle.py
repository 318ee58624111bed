"""The Merkle tree of RFC 6962 (section 2.1): one root stands for a list, a short path for one leaf of it.

Leaves and nodes are hashed with different prefixes, so that a node can never be passed off as a leaf.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import islice

HASH = 32
"""Bytes of a hash."""

BLOCK = 64
"""Leaves of a block: a power of two, so that a block is a whole branch of the tree."""

EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf's data."""
    return hashlib.sha256(b"\x00" + data).digest()


def _node(children: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + children).digest()


class Tree:
    """All levels over leaf hashes that follow each other in ``leaves``, lowest first. Memory: 64 bytes a leaf."""

    __slots__ = ("_levels",)

    def __init__(self, leaves: bytes) -> None:
        self._levels = [leaves]
        while len(level := self._levels[-1]) > HASH:
            pairs = range(0, len(level) - HASH, 2 * HASH)
            paired = b"".join([_node(level[at : at + 2 * HASH]) for at in pairs])
            self._levels.append(paired + level[len(paired) * 2 :])

    @property
    def size(self) -> int:
        """The number of leaves."""
        return len(self._levels[0]) // HASH

    @property
    def root(self) -> bytes:
        """The tree's head; of no leaves, the hash of nothing."""
        return self._levels[-1] or EMPTY

    def path(self, index: int) -> tuple[bytes, ...]:
        """The siblings from leaf ``index`` to the root. Raises IndexError."""
        if not 0 <= index < self.size:
            raise IndexError(index)
        siblings = []
        for level in self._levels[:-1]:
            at = (index ^ 1) * HASH
            if at < len(level):
                siblings.append(level[at : at + HASH])
            index >>= 1
        return tuple(siblings)


def block_roots(leaves: Iterable[bytes]) -> bytes:
    """The roots of each :data:`BLOCK` leaf hashes: the tree over them has the same root, at a half byte a leaf.

    A leaf's path is its path in its block, and then its block's path in that tree.
    """
    source, roots = iter(leaves), bytearray()
    while block := b"".join(islice(source, BLOCK)):
        roots += Tree(block).root
    return bytes(roots)


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that ``path`` leads to from ``leaf``, or None where the path does not fit the tree's shape."""
    if not 0 <= index < size:
        return None
    node, last, rest = leaf, size - 1, list(path)
    while last > 0:
        if index ^ 1 <= last:
            if not rest:
                return None
            sibling = rest.pop(0)
            node = _node(sibling + node if index & 1 else node + sibling)
        index, last = index >> 1, last >> 1
    return node if not rest else None

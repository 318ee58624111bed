"""The Merkle tree of RFC 6962 (section 2.1): one root stands for a list, a short path for one leaf of it.

Leaves and nodes are hashed with different prefixes, so that a node can never be passed off as a leaf.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf's data."""
    return hashlib.sha256(b"\x00" + data).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """All levels over the given leaf hashes, lowest first. Memory: about 64 bytes a leaf."""

    __slots__ = ("_levels",)

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels = [list(leaves)]
        while len(self._levels[-1]) > 1:
            level = self._levels[-1]
            paired = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
            self._levels.append(paired + level[len(paired) * 2 :])

    @property
    def size(self) -> int:
        """The number of leaves."""
        return len(self._levels[0])

    @property
    def root(self) -> bytes:
        """The tree's head; of no leaves, the hash of nothing."""
        return self._levels[-1][0] if self.size else EMPTY

    def path(self, index: int) -> tuple[bytes, ...]:
        """The siblings from leaf ``index`` to the root. Raises IndexError."""
        if not 0 <= index < self.size:
            raise IndexError(index)
        siblings = []
        for level in self._levels[:-1]:
            sibling = index ^ 1
            if sibling < len(level):
                siblings.append(level[sibling])
            index >>= 1
        return tuple(siblings)


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The same root as :class:`Tree` has, of leaf hashes too many to hold."""
    peaks: list[tuple[int, bytes]] = []  # whole subtrees from the left: how many leaves, and their root
    for leaf in leaves:
        size, node = 1, leaf
        while peaks and peaks[-1][0] == size:
            size, node = size * 2, _node(peaks.pop()[1], node)
        peaks.append((size, node))
    root = peaks.pop()[1] if peaks else EMPTY
    while peaks:
        root = _node(peaks.pop()[1], root)
    return root


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
            node = _node(sibling, node) if index & 1 else _node(node, sibling)
        index, last = index >> 1, last >> 1
    return node if not rest else None

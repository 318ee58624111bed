"""The Merkle tree of RFC 6962 (section 2.1): one root stands for a list, a short path for one leaf of it.

Leaves and nodes are hashed with different prefixes, so that a node can never be passed off as a leaf.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

HASH = 32
"""Bytes of a hash."""

BLOCK = 64
"""Leaves of a block: a power of two, so that a block is a whole branch of the tree."""

EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf's data."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(children: bytes) -> bytes:
    """The hash of two nodes that follow each other."""
    return hashlib.sha256(b"\x01" + children).digest()


class Tree:
    """All levels over leaf hashes that follow each other in ``leaves``, lowest first. Memory: 64 bytes a leaf."""

    __slots__ = ("_levels",)

    def __init__(self, leaves: bytes) -> None:
        self._levels = [leaves]
        while len(level := self._levels[-1]) > HASH:
            pairs = range(0, len(level) - HASH, 2 * HASH)
            paired = b"".join([node_hash(level[at : at + 2 * HASH]) for at in pairs])
            self._levels.append(paired + level[len(paired) * 2 :])

    @property
    def size(self) -> int:
        """The number of leaves."""
        return len(self._levels[0]) // HASH

    @property
    def root(self) -> bytes:
        """The tree's head; of no leaves, the hash of nothing."""
        return self._levels[-1] or EMPTY

    def branch(self, first: int, end: int) -> bytes:
        """The root over the leaves from ``first`` to ``end``, which are a whole branch or the tree's last."""
        level = (end - first - 1).bit_length()
        return self._levels[level][(first >> level) * HASH :][:HASH]

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


class Frontier:
    """The head of a tree that only grows: the roots of its whole branches, largest first. Memory: 32 bytes a level.

    ``bytes(frontier)`` with ``size`` is all that has to be kept to go on.
    """

    __slots__ = ("_roots", "size")

    def __init__(self, size: int = 0, roots: bytes = b"") -> None:
        if len(roots) != size.bit_count() * HASH:
            raise ValueError(f"{len(roots)} bytes are not the branches of {size} leaves")
        self.size = size
        self._roots = [roots[at : at + HASH] for at in range(0, len(roots), HASH)]

    def __bytes__(self) -> bytes:
        return b"".join(self._roots)

    @property
    def root(self) -> bytes:
        """The tree's head now; of no leaves, the hash of nothing."""
        *larger, node = self._roots or [EMPTY]
        for branch in reversed(larger):
            node = node_hash(branch + node)
        return node

    def extend(self, leaves: bytes) -> None:
        """Add leaf hashes that follow each other in ``leaves``."""
        at = 0
        while at < len(leaves):
            whole = self.size % BLOCK == 0 and len(leaves) - at >= BLOCK * HASH
            step = BLOCK if whole else 1
            taken = leaves[at : at + step * HASH]
            self._push(Tree(taken).root if whole else taken, step)
            at += len(taken)

    def _push(self, node: bytes, leaves: int) -> None:
        """Add a whole branch of so many leaves, and join what has become a pair."""
        pairs = self.size // leaves
        while pairs & 1:
            node, pairs = node_hash(self._roots.pop() + node), pairs >> 1
        self._roots.append(node)
        self.size += leaves


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
            node = node_hash(sibling + node if index & 1 else node + sibling)
        index, last = index >> 1, last >> 1
    return node if not rest else None


def consistency_path(tree: Tree, old: int) -> tuple[bytes, ...]:
    """What proves that its first ``old`` leaves are a tree of their own (RFC 6962, 2.1.2). Raises IndexError."""
    if not 0 < old <= tree.size:
        raise IndexError(old)
    return tuple(_subproof(tree, old, 0, tree.size, whole=True))


def _subproof(tree: Tree, old: int, first: int, end: int, *, whole: bool) -> Iterator[bytes]:
    if old == end - first:
        if not whole:
            yield tree.branch(first, end)
        return
    half = first + (1 << ((end - first - 1).bit_length() - 1))
    if old <= half - first:
        yield from _subproof(tree, old, first, half, whole=whole)
        yield tree.branch(half, end)
    else:
        yield from _subproof(tree, old - (half - first), half, end, whole=False)
        yield tree.branch(first, half)


def consistent(old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether ``path`` proves that a tree of ``old`` leaves grew into one of ``size`` (RFC 9162, 2.1.4.2)."""
    if old == size:
        return old_root == root and not path
    if not 0 < old < size:
        return False
    index, last = old - 1, size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    rest = [old_root, *path] if not old & (old - 1) else [*path]
    if not rest:
        return False
    was = grown = rest.pop(0)
    for node in rest:
        if last == 0:
            return False
        if index & 1 or index == last:
            was, grown = node_hash(node + was), node_hash(node + grown)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            grown = node_hash(grown + node)
        index, last = index >> 1, last >> 1
    return last == 0 and was == old_root and grown == root

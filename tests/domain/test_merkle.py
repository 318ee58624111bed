"""The Merkle tree agrees with RFC 6962's own recursive definition, and only true paths lead to its root."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.domain.merkle import BLOCK, EMPTY, Tree, block_roots, leaf_hash, root_from_path

datas = st.lists(st.binary(max_size=8), max_size=40)


def split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1


def mth(data: Sequence[bytes]) -> bytes:
    """MTH of section 2.1."""
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = split(len(data))
    return hashlib.sha256(b"\x01" + mth(data[:k]) + mth(data[k:])).digest()


def path(m: int, data: Sequence[bytes]) -> tuple[bytes, ...]:
    """PATH of section 2.1.1."""
    if len(data) <= 1:
        return ()
    k = split(len(data))
    return (*path(m, data[:k]), mth(data[k:])) if m < k else (*path(m - k, data[k:]), mth(data[:k]))


def tree(data: Sequence[bytes]) -> Tree:
    """The tree over leaves of this data."""
    return Tree(b"".join(leaf_hash(item) for item in data))


@given(datas)
def test_the_root_is_that_of_the_recursive_definition(data: list[bytes]) -> None:
    """For any number of leaves, none included."""
    assert tree(data).root == mth(data)


@given(datas.filter(bool), st.data())
def test_a_path_is_that_of_the_recursive_definition(data: list[bytes], draw: st.DataObject) -> None:
    """Siblings from the leaf upwards."""
    index = draw.draw(st.integers(0, len(data) - 1))
    assert tree(data).path(index) == path(index, data)


@given(datas.filter(bool), st.data())
def test_a_path_leads_to_the_root(data: list[bytes], draw: st.DataObject) -> None:
    """From its own leaf at its own place."""
    index = draw.draw(st.integers(0, len(data) - 1))
    whole = tree(data)
    assert root_from_path(leaf_hash(data[index]), index, whole.size, whole.path(index)) == whole.root


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=8), min_size=2, max_size=40, unique=True), st.data())
def test_a_changed_proof_does_not_lead_to_the_root(data: list[bytes], draw: st.DataObject) -> None:
    """Another leaf, place, step, or number of steps leads elsewhere or nowhere."""
    index = draw.draw(st.integers(0, len(data) - 1))
    whole = tree(data)
    leaf, steps = leaf_hash(data[index]), whole.path(index)
    at = draw.draw(st.integers(0, len(steps) - 1))
    other = draw.draw(st.integers(0, len(data) - 1).filter(lambda i: i != index))
    false = [
        (leaf_hash(data[index] + b"x"), index, steps),
        (leaf, other, steps),
        (leaf, index, (*steps[:at], hashlib.sha256(steps[at]).digest(), *steps[at + 1 :])),
        (leaf, index, steps[:at] + steps[at + 1 :]),
        (leaf, index, (*steps, steps[at])),
    ]
    assert whole.root not in [root_from_path(one, place, whole.size, way) for one, place, way in false]


def test_a_node_does_not_pass_for_a_leaf() -> None:
    """Leaves and nodes are hashed apart: the tree over two nodes is not the tree over their four leaves."""
    four = [b"a", b"b", b"c", b"d"]
    nodes = [tree(four[:2]).root, tree(four[2:]).root]
    assert tree(nodes).root != tree(four).root


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_path_outside_the_tree(index: int) -> None:
    """Not even Python's count from the end."""
    with pytest.raises(IndexError):
        tree([b"a", b"b", b"c"]).path(index)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 5), (5, 5)])
def test_there_is_no_root_for_a_place_outside_the_tree(index: int, size: int) -> None:
    """A proof that claims such a place proves nothing."""
    assert root_from_path(EMPTY, index, size, []) is None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 5 * BLOCK), st.data())
def test_the_tree_over_block_roots_is_the_top_of_the_whole_tree(size: int, draw: st.DataObject) -> None:
    """The same root; and a leaf's path is that in its block, then its block's."""
    data = [number.to_bytes(2) for number in range(size)]
    whole, top = tree(data), Tree(block_roots(map(leaf_hash, data)))
    assert top.root == whole.root
    if data:
        number, index = divmod(draw.draw(st.integers(0, size - 1)), BLOCK)
        block = tree(data[number * BLOCK : (number + 1) * BLOCK])
        assert block.path(index) + top.path(number) == whole.path(number * BLOCK + index)

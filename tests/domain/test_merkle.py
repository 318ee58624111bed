"""The Merkle tree agrees with RFC 6962's own recursive definition and with others' trees; only true paths prove."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from dispatcher.domain.merkle import (
    BLOCK,
    EMPTY,
    Frontier,
    Tree,
    block_roots,
    consistency_path,
    consistent,
    leaf_hash,
    root_from_path,
)

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


PUBLISHED = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
"""The inputs of the Certificate Transparency project's own test vectors."""

ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize("size", ROOTS)
def test_the_root_is_that_of_the_published_vectors(size: int) -> None:
    """Those that implementations of Certificate Transparency are held to."""
    assert tree([bytes.fromhex(item) for item in PUBLISHED[:size]]).root.hex() == ROOTS[size]


@given(datas.filter(bool))
def test_an_independent_implementation_finds_the_same_root(data: list[bytes]) -> None:
    """One that shares nothing with ours."""
    other = InmemoryTree(algorithm="sha256")
    for item in data:
        other.append_entry(item)
    assert tree(data).root == other.get_root()


@given(st.lists(st.integers(0, 3 * BLOCK), max_size=6))
def test_a_frontier_that_grows_has_the_root_of_the_whole_tree(steps: list[int]) -> None:
    """However many leaves come at once, and though it is put away and taken out again between."""
    leaves, frontier = b"", Frontier()
    for step in steps:
        more = b"".join(leaf_hash(bytes([n % 256])) for n in range(step))
        frontier = Frontier(frontier.size, bytes(frontier))
        frontier.extend(more)
        leaves += more
        assert frontier.root == Tree(leaves).root


def test_a_frontier_of_another_size_is_not_taken() -> None:
    """Its branches are as many as its size has bits that are set."""
    with pytest.raises(ValueError, match="branches"):
        Frontier(3, bytes(32))


grown = datas.filter(bool).flatmap(lambda data: st.tuples(st.just(data), st.integers(1, len(data))))


@given(grown)
def test_a_tree_proves_what_it_grew_from(given_: tuple[list[bytes], int]) -> None:
    """Every earlier size, its own included."""
    data, old = given_
    whole = tree(data)
    assert consistent(old, mth(data[:old]), len(data), whole.root, consistency_path(whole, old))


@given(grown, st.data())
def test_another_past_cannot_be_proved(given_: tuple[list[bytes], int], draw: st.DataObject) -> None:
    """Not with a root, a size or a path that is not the true one."""
    data, old = given_
    whole, false = tree(data), draw.draw(st.binary(min_size=32, max_size=32))
    path_, root = consistency_path(whole, old), mth(data[:old])
    assert not consistent(old, false, len(data), whole.root, path_)
    assert not consistent(old, root, len(data), false, path_)
    assert not consistent(old, root, len(data), whole.root, (*path_, false))
    assert not consistent(len(data) + 1, root, len(data), whole.root, path_)
    assert not consistent(0, EMPTY, len(data), whole.root, path_)
    if path_:
        at = draw.draw(st.integers(0, len(path_) - 1))
        assert not consistent(old, root, len(data), whole.root, path_[:at])
        assert not consistent(old, root, len(data), whole.root, (*path_[:at], false, *path_[at + 1 :]))


@pytest.mark.parametrize("old", [0, 4])
def test_there_is_no_proof_for_a_size_the_tree_never_had(old: int) -> None:
    """Below one or above its own."""
    with pytest.raises(IndexError):
        consistency_path(tree([b"a", b"b", b"c"]), old)

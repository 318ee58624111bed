"""Recipient lists: sealed rows, keyed leaves, one signed root."""

from __future__ import annotations

import base64
from dataclasses import replace

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Secret
from dispatcher.domain.merkle import BLOCK
from dispatcher.domain.plan import SignedList
from dispatcher.sending.lists import REMEMBERED_BLOCKS, Blocks, ListError, ListKey, Row, open_key, prove, tree_of
from dispatcher.sending.order import RecipientProof
from tests.builders import drawn, recipient_list

KEY = ListKey(bytes(range(32)))
texts = st.text(st.characters(codec="utf-8"), max_size=20)


@given(address=texts, language=texts.filter(lambda text: "\0" not in text))
def test_a_row_opens_to_what_was_sealed(address: str, language: str) -> None:
    """Address and language come back, under the leaf that was signed."""
    row = Row(Secret(address), language)
    sealed = KEY.seal(row, drawn())
    assert KEY.open(sealed.sealed) == (sealed.leaf, row)


@given(st.lists(texts, min_size=1, max_size=9), st.integers(0, 8))
def test_every_row_of_a_list_is_proved(addresses: list[str], index: int) -> None:
    """The path of each row leads to the signed root."""
    made = recipient_list("l", *addresses)
    key = open_key(made.sealed_key, made.identity)
    at = index % len(addresses)
    assert prove(made.proofs[at], key, made.signed)[1] == Row(Secret(addresses[at]), "en-GB")


def test_a_leaf_tells_nothing_without_the_key() -> None:
    """The same number under two keys has two leaves, so numbers cannot be guessed from them."""
    row = Row(Secret("07700900001"), "cy")
    assert KEY.seal(row, drawn()).leaf != ListKey(bytes(32)).seal(row, drawn()).leaf


def test_a_leaf_is_the_same_each_time_and_its_sealing_is_not() -> None:
    """One recipient has one name in the ledger, and no two ciphertexts alike."""
    row, draw = Row(Secret("07700900001"), "cy"), drawn()
    first, second = KEY.seal(row, draw), KEY.seal(row, draw)
    assert (first.leaf == second.leaf, first.sealed == second.sealed) == (True, False)


def test_the_language_is_part_of_the_leaf() -> None:
    """The same number in another language is another row."""
    leaves = {KEY.seal(Row(Secret("07700900001"), language), drawn()).leaf for language in ("cy", "en-GB")}
    assert len(leaves) == 2


@pytest.mark.parametrize("sealed", [b"", b"\0" * 24, b"\0" * 80])
def test_bytes_that_are_not_a_row_do_not_open(sealed: bytes) -> None:
    """The error holds nothing of the row."""
    with pytest.raises(ListError, match="does not open"):
        KEY.open(sealed)


def test_a_row_does_not_open_with_another_list_key() -> None:
    """Each list has its own."""
    with pytest.raises(ListError, match="does not open"):
        ListKey(bytes(32)).open(KEY.seal(Row(Secret("1"), "cy"), drawn()).sealed)


LIST, OTHER = recipient_list("a", "1", "2", "3"), recipient_list("b", "1", "2", "3")
OPENED = open_key(LIST.sealed_key, LIST.identity)


@pytest.mark.parametrize(
    "change",
    [
        {"position": 2},
        {"position": 3},
        {"path": OTHER.proofs[1].path},
        {"path": LIST.proofs[1].path[:1]},
        {"path": (*LIST.proofs[1].path, "ab" * 32)},
        {"path": ("not hex", "ab")},
    ],
)
def test_a_row_with_a_false_path_is_not_in_the_list(change: dict[str, object]) -> None:
    """Neither another place nor another list's path leads to the signed root."""
    false: RecipientProof = replace(LIST.proofs[1], **change)  # type: ignore[arg-type]
    with pytest.raises(ListError):
        prove(false, OPENED, LIST.signed)


def test_a_list_of_another_size_is_another_list() -> None:
    """The count is signed as well as the root."""
    with pytest.raises(ListError, match="not in the signed list a"):
        prove(LIST.proofs[2], OPENED, replace(LIST.signed, count=4))


LONG, FOREIGN = (recipient_list(name, *map(str, range(2 * BLOCK + 3))) for name in ("long", "foreign"))
LONG_KEY = open_key(LONG.sealed_key, LONG.identity)


@given(st.permutations(range(2 * BLOCK + 3)))
def test_every_row_of_a_long_list_is_proved_in_any_order(order: list[int]) -> None:
    """What is known of a block already stands in for the rest of a row's way."""
    blocks: Blocks = {}
    told = [prove(LONG.proofs[at], LONG_KEY, LONG.signed, blocks)[1].address.reveal() for at in order]
    assert told == [str(at) for at in order]


@pytest.mark.parametrize("change", [{"position": 6}, {"position": 4 + BLOCK}, {"sealed": FOREIGN.proofs[5].sealed}])
def test_what_is_known_of_a_block_proves_no_false_row(change: dict[str, object]) -> None:
    """A row that has another's place, or is sealed by another key, is not in the list though all others are known."""
    blocks: Blocks = {}
    for proof in (*LONG.proofs[:5], *LONG.proofs[6:]):
        prove(proof, LONG_KEY, LONG.signed, blocks)
    false: RecipientProof = replace(LONG.proofs[5], **change)  # type: ignore[arg-type]
    with pytest.raises(ListError):
        prove(false, LONG_KEY, LONG.signed, blocks)


def test_a_row_of_a_list_that_anybody_may_fill_is_not_in_another() -> None:
    """Whoever holds a list's key can seal any row; what is known of one list says nothing of another."""
    blocks: Blocks = {}
    for proof in LONG.proofs:
        prove(proof, LONG_KEY, LONG.signed, blocks)
    key = open_key(FOREIGN.sealed_key, FOREIGN.identity)
    with pytest.raises(ListError, match="not in the signed list"):
        prove(FOREIGN.proofs[5], key, LONG.signed, blocks)


def test_what_is_known_of_blocks_does_not_grow_with_the_list() -> None:
    """The oldest block goes, and of each no more is kept than its tree has nodes."""
    blocks: Blocks = {(f"{number:064}", 1, number): {} for number in range(REMEMBERED_BLOCKS)}
    for proof in LONG.proofs:
        prove(proof, LONG_KEY, LONG.signed, blocks)
    assert (len(blocks), max(map(len, blocks.values()))) == (REMEMBERED_BLOCKS, 2 * BLOCK - 1)


@pytest.mark.parametrize(
    ("sealed", "identity"),
    [
        (LIST.sealed_key, OTHER.identity),
        (LIST.sealed_key, Secret("AGE-SECRET-KEY-NONE")),
        ("AAAA", LIST.identity),
        ("é", LIST.identity),
    ],
)
def test_a_list_key_opens_only_for_whom_it_was_sealed(sealed: str, identity: Secret) -> None:
    """Another role's identity, and garbage, open nothing."""
    with pytest.raises(ListError, match="not sealed to this sender"):
        open_key(sealed, identity)


def test_a_key_of_another_length_is_refused() -> None:
    """Whoever seals rubbish to the sender does not get to use it."""
    identity = pyrage.x25519.Identity.generate()
    sealed = pyrage.encrypt(b"short", [identity.to_public()])
    with pytest.raises(ListError, match="32 bytes"):
        open_key(base64.b64encode(sealed).decode(), Secret(str(identity)))


def test_an_empty_list_has_a_root_and_no_rows() -> None:
    """Nobody is in it."""
    nobody = SignedList("a", tree_of([]).root.hex(), 0)
    with pytest.raises(ListError, match="not in the signed list"):
        prove(replace(LIST.proofs[0], position=0), OPENED, nobody)

"""The Merkle tree of RFC 6962 section 2.1, computed from stored nodes.

A *node* is the root of a complete subtree: ``(level, index)`` covers the leaves
``index * 2**level`` to ``(index + 1) * 2**level - 1``; level 0 is a leaf hash. A tree of any size
is a short row of complete subtrees, its *frontier*, so appending a leaf or proving one costs
about log2(size) hashes however large the tree has grown.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()  # RFC 6962 section 2.1: the hash of an empty list
Coordinate = tuple[int, int]  # (level, index)


class ProofNotValid(Exception):
    """What is here does not lead to this root."""


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256 over 0x00 and its bytes."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256 over 0x01 and its two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def frontier_of(size: int) -> list[Coordinate]:
    """Return the complete subtrees that make up a tree of ``size``, the largest first."""
    return _complete_subtrees(0, size)


def root_of(frontier: Sequence[bytes]) -> bytes:
    """Return the root over the hashes of a frontier, the largest subtree first."""
    if not frontier:
        return EMPTY_ROOT
    folded = frontier[-1]
    for left in reversed(frontier[:-1]):
        folded = node_hash(left, folded)
    return folded


@dataclass(frozen=True, kw_only=True)
class Growth:
    """What a batch of leaves adds to a tree.

    Attributes:
        size: the tree's new size.
        root: its new root.
        nodes: the complete subtrees of level 1 and above that came to be.
    """

    size: int
    root: bytes
    nodes: tuple[tuple[Coordinate, bytes], ...]


def grow(*, size: int, frontier: Sequence[bytes], leaf_hashes: Iterable[bytes]) -> Growth:
    """Append leaf hashes to a tree of ``size`` whose frontier's hashes are given."""
    row = list(zip(frontier_of(size), frontier, strict=True))
    made: list[tuple[Coordinate, bytes]] = []
    for added in leaf_hashes:
        at, folded = (0, size), added
        while at[1] & 1:  # a right child: its left neighbor stands at the end of the row
            _, left = row.pop()
            at, folded = (at[0] + 1, at[1] >> 1), node_hash(left, folded)
            made.append((at, folded))
        row.append((at, folded))
        size += 1
    return Growth(size=size, root=root_of([hash_ for _, hash_ in row]), nodes=tuple(made))


def path_coordinates(*, index: int, size: int) -> list[list[Coordinate]]:
    """Return which nodes prove leaf ``index`` in a tree of ``size``, from the leaf upwards.

    Each step of the path is one list: the complete subtrees whose folded hash is the sibling
    (one of them, except for the sibling at the tree's ragged right edge).

    Raises:
        ValueError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf in a tree of this size")
    steps: list[list[Coordinate]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            steps.append(_complete_subtrees(middle, end))
            end = middle
        else:
            steps.append(_complete_subtrees(start, middle))
            start = middle
    return steps[::-1]


def path_from(
    steps: Sequence[Sequence[Coordinate]], nodes: Mapping[Coordinate, bytes]
) -> list[bytes]:
    """Return the path's hashes, given the nodes that ``path_coordinates`` asked for."""
    return [root_of([nodes[at] for at in step]) for step in steps]


def check_inclusion(
    *, index: int, size: int, leaf_hash_: bytes, path: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf stands at ``index`` of the tree (RFC 9162 section 2.1.3.2).

    Raises:
        ProofNotValid: it does not, or the path has another length than this place asks for.
    """
    if not 0 <= index < size:
        raise ProofNotValid("the tree has no such leaf")
    place, last, folded = index, size - 1, leaf_hash_
    for sibling in path:
        if last == 0:
            raise ProofNotValid("the path is too long")
        if place & 1 or place == last:
            folded = node_hash(sibling, folded)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            folded = node_hash(folded, sibling)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise ProofNotValid("the path is too short")
    if folded != root:
        raise ProofNotValid("the path leads to another root")


def consistency_coordinates(*, earlier: int, size: int) -> list[list[Coordinate]]:
    """Return which nodes prove that a tree of ``size`` continues its own first ``earlier`` leaves.

    RFC 6962 section 2.1.2; the form of each step is that of ``path_coordinates``. Nothing has to
    be proven of an empty or an equal tree: no steps.

    Raises:
        ValueError: the earlier tree is not the smaller one.
    """
    if not 0 <= earlier <= size:
        raise ValueError("a tree never shrinks")
    if earlier in {0, size}:
        return []
    steps: list[list[Coordinate]] = []
    start, end = 0, size
    while earlier != end:
        middle = start + _split(end - start)
        if earlier <= middle:
            steps.append(_complete_subtrees(middle, end))
            end = middle
        else:
            steps.append(_complete_subtrees(start, middle))
            start = middle
    if start:  # the verifier knows the earlier root itself, of a part of it it must be told
        steps.append(_complete_subtrees(start, end))
    return steps[::-1]


def check_consistency(
    *, earlier: int, earlier_root: bytes, size: int, root: bytes, path: Sequence[bytes]
) -> None:
    """Check that one tree continues another (RFC 9162 section 2.1.4.2).

    Raises:
        ProofNotValid: it does not, or the path has another length than these sizes ask for.
    """
    if not 0 <= earlier <= size:
        raise ProofNotValid("the tree has shrunk")
    if earlier in {0, size}:
        if path:
            raise ProofNotValid("the path is too long")
        if earlier_root != (root if earlier else EMPTY_ROOT):
            raise ProofNotValid("two roots of one size")
        return
    steps = list(path)
    if earlier & (earlier - 1) == 0:
        steps.insert(0, earlier_root)
    if not steps:
        raise ProofNotValid("the path is too short")
    if _both_roots(earlier, size, steps) != (earlier_root, root):
        raise ProofNotValid("the path leads to other roots")


def _both_roots(earlier: int, size: int, steps: Sequence[bytes]) -> tuple[bytes, bytes]:
    place, last = earlier - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            raise ProofNotValid("the path is too long")
        if place & 1 or place == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise ProofNotValid("the path is too short")
    return before, after


def _split(count: int) -> int:
    # The largest power of two smaller than count.
    return 1 << ((count - 1).bit_length() - 1)


def _complete_subtrees(start: int, end: int) -> list[Coordinate]:
    # ``start`` is a multiple of every subtree's size here: largest first, left to right.
    found: list[Coordinate] = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found

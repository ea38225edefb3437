import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.rules import merkle

# RFC 6962 reference implementation, testdata: the eight leaves and the roots at each size.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive_root(leaves):
    # RFC 6962 section 2.1, word for word; shares nothing with the code under test.
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(index, leaves):
    # RFC 6962 section 2.1.1.
    if len(leaves) <= 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if index < k:
        return [*naive_path(index, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(index - k, leaves[k:]), naive_root(leaves[:k])]


class Tree:
    """Keeps the nodes as the tables do."""

    def __init__(self):
        self.nodes = {}
        self.size = 0
        self.root = merkle.EMPTY_ROOT

    def append(self, leaves):
        hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
        frontier = [self.nodes[at] for at in merkle.frontier_of(self.size)]
        growth = merkle.grow(size=self.size, frontier=frontier, leaf_hashes=hashes)
        self.nodes |= {(0, self.size + place): hash_ for place, hash_ in enumerate(hashes)}
        self.nodes |= dict(growth.nodes)
        self.size, self.root = growth.size, growth.root

    def path(self, index, size):
        return merkle.path_from(merkle.path_coordinates(index=index, size=size), self.nodes)


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_of_the_rfc_6962_vectors(size):
    tree = Tree()

    tree.append(LEAVES[:size])

    assert tree.root.hex() == ROOTS[size - 1]


def test_the_empty_tree_has_the_hash_of_nothing_as_root():
    assert merkle.root_of([]) == hashlib.sha256(b"").digest()


@given(batches=st.lists(st.lists(st.binary(max_size=8), max_size=20), max_size=6))
def test_any_cut_into_batches_gives_the_root_of_the_naive_recomputation(batches):
    tree, leaves = Tree(), []

    for batch in batches:
        tree.append(batch)
        leaves += batch

    assert (tree.size, tree.root) == (len(leaves), naive_root(leaves))


@given(count=st.integers(1, 130), data=st.data())
def test_every_path_is_the_naive_one_and_is_accepted(count, data):
    leaves = [bytes([number]) for number in range(count)]
    index = data.draw(st.integers(0, count - 1))
    size = data.draw(st.integers(index + 1, count))
    tree = Tree()
    tree.append(leaves)

    path = tree.path(index, size)

    assert path == naive_path(index, leaves[:size])
    merkle.check_inclusion(
        index=index,
        size=size,
        leaf_hash_=merkle.leaf_hash(leaves[index]),
        path=path,
        root=naive_root(leaves[:size]),
    )


@given(count=st.integers(1, 40), data=st.data())
def test_a_path_proves_no_other_leaf_place_size_or_root(count, data):
    leaves = [bytes([number]) for number in range(count)]
    index = data.draw(st.integers(0, count - 1))
    tree = Tree()
    tree.append(leaves)
    proof = {
        "index": index,
        "size": count,
        "leaf_hash_": merkle.leaf_hash(leaves[index]),
        "path": tree.path(index, count),
        "root": tree.root,
    }
    wrong = data.draw(
        st.sampled_from(
            [
                {"index": count},
                {"index": -1},
                {"leaf_hash_": merkle.leaf_hash(b"another")},
                {"path": [*proof["path"], bytes(32)]},
                {"path": [bytes(32), *proof["path"]]},
                {"path": proof["path"][:-1] if count > 1 else [bytes(32)]},
                {"root": bytes(32)},
                {"size": 0},
                {"size": 1 << 40},
            ]
        )
    )

    with pytest.raises(merkle.ProofNotValid):
        merkle.check_inclusion(**(proof | wrong))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3), (3, 3)])
def test_no_path_is_given_for_a_leaf_that_is_not_there(index, size):
    with pytest.raises(ValueError, match="no such leaf"):
        merkle.path_coordinates(index=index, size=size)


def test_the_cost_of_a_batch_does_not_grow_with_the_tree():
    size = (1 << 40) - 1

    frontier = merkle.frontier_of(size)
    steps = merkle.path_coordinates(index=12345, size=size)

    assert len(frontier) == 40
    assert len(steps) == 40
    assert sum(len(step) for step in steps) < 80

import pytest

from app.audit.rules import merkle
from app.audit.rules.merkle import ProofNotValid, check_consistency
from sim.witness import _consistent
from tests.factories_log import SmallLog, leaves

SIZE = 40
LOG = SmallLog(leaves(SIZE))
PAIRS = [(earlier, size) for size in range(SIZE + 1) for earlier in range(size + 1)]


def check(earlier, size, path, *, earlier_root=None, root=None):
    check_consistency(
        earlier=earlier,
        earlier_root=earlier_root or LOG.root(earlier),
        size=size,
        root=root or LOG.root(size),
        path=path,
    )


def test_every_tree_is_proven_to_continue_every_smaller_one():
    for earlier, size in PAIRS:
        check(earlier, size, LOG.consistency(earlier, size))


def test_a_reader_written_from_the_specification_agrees():
    refused = [
        (earlier, size)
        for earlier, size in PAIRS
        if not _consistent(
            earlier, LOG.root(earlier), size, LOG.root(size), list(LOG.consistency(earlier, size))
        )
    ]

    assert refused == []


@pytest.mark.parametrize("which", ["earlier_root", "root"])
def test_another_root_is_refused(which):
    for earlier, size in PAIRS:
        if earlier == 0 and which == "root":
            continue  # an empty tree says nothing of what came after it
        with pytest.raises(ProofNotValid):
            check(earlier, size, LOG.consistency(earlier, size), **{which: b"x" * 32})


def test_a_changed_longer_or_shorter_path_is_refused():
    for earlier, size in PAIRS:
        path = LOG.consistency(earlier, size)
        changed = [(*path[:at], b"x" * 32, *path[at + 1 :]) for at in range(len(path))]
        for wrong in [*changed, (*path, b"x" * 32), *([path[:-1]] if path else [])]:
            with pytest.raises(ProofNotValid):
                check(earlier, size, wrong)


def test_a_tree_never_shrinks():
    with pytest.raises(ProofNotValid):
        check(5, 4, ())
    with pytest.raises(ValueError, match="shrinks"):
        merkle.consistency_coordinates(earlier=5, size=4)


def test_a_fork_of_one_leaf_has_no_proof():
    fork = SmallLog([*leaves(20), b"another", *leaves(SIZE)[21:]])

    for earlier in range(21, SIZE + 1):
        with pytest.raises(ProofNotValid):
            check_consistency(
                earlier=earlier,
                earlier_root=LOG.root(earlier),
                size=SIZE,
                root=fork.root(SIZE),
                path=fork.consistency(earlier, SIZE),
            )

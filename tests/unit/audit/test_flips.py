"""Ten thousand random bytes changed, wherever the log's copy may lie: every one is refused."""

import json
import random
import shutil

import pytest

from app.audit import verify
from tests.factories_log import LOG, WITNESS, SmallLog

FLIPS_EACH = 2500  # four parts of the copy: ten thousand together
SIZE, EARLIER = 700, 300
CONTENT = [
    json.dumps({"event": "a.b", "fields": {"n": number}}, separators=(",", ":")).encode()
    for number in range(SIZE)
]
TREE = SmallLog(CONTENT)
NOTE = TREE.note(SIZE, cosigned=True)
KEYS = {"verifier_key": str(LOG), "witnesses": [str(WITNESS)]}


def flips(content, seed):
    """Yield the content with one random byte changed in a random way, over and over."""
    chance = random.Random(seed)
    for _ in range(FLIPS_EACH):
        changed = bytearray(content)
        changed[chance.randrange(len(changed))] ^= chance.randrange(1, 256)
        yield bytes(changed)


def test_a_flip_anywhere_in_the_leaves_is_refused():
    export = b"".join(leaf + b"\n" for leaf in CONTENT)

    for changed in flips(export, 1):
        with pytest.raises(verify._REFUSALS):
            verify.verify_log(
                leaves=changed.removesuffix(b"\n").split(b"\n"), checkpoint=NOTE, **KEYS
            )


@pytest.fixture
def tiles(tmp_path):
    TREE.write_tiles(tmp_path / "tile", EARLIER)  # kept from before, beside the newer ones
    TREE.write_tiles(tmp_path / "tile", SIZE)
    return tmp_path / "tile"


def test_the_copy_holds_before_anything_is_changed(tiles):
    opened = verify.verify_tiles(folder=tiles, checkpoint=NOTE, earlier=TREE.note(EARLIER), **KEYS)

    assert opened.size == SIZE


def test_a_flip_anywhere_in_the_tiles_is_refused(tiles):
    chance = random.Random(2)
    files = sorted(path for path in tiles.rglob("*") if path.is_file())
    weights = [path.stat().st_size for path in files]
    assert len(files) == 6

    for _ in range(FLIPS_EACH):
        (path,) = chance.choices(files, weights)
        content = path.read_bytes()
        changed = bytearray(content)
        changed[chance.randrange(len(changed))] ^= chance.randrange(1, 256)
        path.write_bytes(changed)
        with pytest.raises(verify._REFUSALS):
            verify.verify_tiles(folder=tiles, checkpoint=NOTE, **KEYS)
        path.write_bytes(content)


def test_a_flip_anywhere_in_a_proof_or_its_cosigned_checkpoint_is_refused():
    proof = TREE.proof(417, SIZE, cosigned=True).encode()

    for changed in flips(proof, 3):
        with pytest.raises(verify._REFUSALS):
            verify.verify_proof(leaf=CONTENT[417], proof=changed.decode(), **KEYS)


def test_a_flip_anywhere_in_a_proof_of_growth_is_refused():
    growth = TREE.growth(EARLIER, SIZE, cosigned=True).encode()

    for changed in flips(growth, 4):
        with pytest.raises(verify._REFUSALS):
            verify.verify_growth(earlier=TREE.note(EARLIER), growth=changed.decode(), **KEYS)


@pytest.mark.parametrize("damage", ["missing", "cut", "longer", "stray", "swapped", "larger"])
def test_a_folder_that_is_not_whole_is_refused(tiles, damage):
    first, second = tiles / "0" / "000", tiles / "0" / "001"
    acts = {
        "missing": first.unlink,
        "cut": lambda: first.write_bytes(first.read_bytes()[:-32]),
        "longer": lambda: first.write_bytes(first.read_bytes() + b"x"),
        "stray": lambda: (tiles / "0" / "notes.txt").write_text("x"),
        "swapped": lambda: (first.rename(tiles / "t"), second.rename(first),
                            (tiles / "t").rename(second)),
        "larger": lambda: shutil.copy(first, tiles / "0" / "002"),
    }  # fmt: skip
    acts[damage]()

    with pytest.raises(verify._REFUSALS):
        verify.verify_tiles(folder=tiles, checkpoint=NOTE, **KEYS)


def test_an_earlier_checkpoint_of_another_history_is_refused(tiles):
    fork = SmallLog([*CONTENT[:100], b"another", *CONTENT[101:]])

    with pytest.raises(verify.ProofNotValid, match="earlier"):
        verify.verify_tiles(folder=tiles, checkpoint=NOTE, earlier=fork.note(EARLIER), **KEYS)

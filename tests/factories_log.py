"""A small log made by hand: leaves, tree, checkpoints, tiles, cosignatures."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.audit.rules import merkle
from app.audit.rules.cosignature import COSIGNATURE, Growth, cosignature_line, growth_text
from app.audit.rules.note import (
    Checkpoint,
    Proof,
    VerifierKey,
    checkpoint_text,
    proof_text,
    signed_note,
)
from app.audit.rules.tiles import tile_path, tiles_of

LOG_KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
LOG = VerifierKey(name="log.example/audit", public_key=LOG_KEY.public_key().public_bytes_raw())
WITNESS_KEY = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
WITNESS = VerifierKey(
    name="witness.example/w1",
    public_key=WITNESS_KEY.public_key().public_bytes_raw(),
    kind=COSIGNATURE,
)
COSIGNED_AT = 1_795_000_000


def leaves(count):
    return [b'{"event":"a.b","n":%d}' % number for number in range(count)]


class SmallLog:
    """Every node of a tree over some leaves, and what can be said about its beginnings."""

    def __init__(self, content):
        self.leaves = content
        self.hashes = [merkle.leaf_hash(leaf) for leaf in content]
        growth = merkle.grow(size=0, frontier=[], leaf_hashes=self.hashes)
        self.nodes = {(0, at): hash_ for at, hash_ in enumerate(self.hashes)} | dict(growth.nodes)

    def root(self, size):
        return merkle.root_of([self.nodes[at] for at in merkle.frontier_of(size)])

    def note(self, size, *, cosigned=False):
        text = checkpoint_text(Checkpoint(origin=LOG.name, size=size, root=self.root(size)))
        note = signed_note(text=text, key=LOG, sign=LOG_KEY.sign)
        if not cosigned:
            return note
        return note + cosignature_line(note, key=WITNESS, at=COSIGNED_AT, sign=WITNESS_KEY.sign)

    def consistency(self, earlier, size):
        steps = merkle.consistency_coordinates(earlier=earlier, size=size)
        return tuple(merkle.path_from(steps, self.nodes))

    def growth(self, earlier, size, *, cosigned=False):
        path = self.consistency(earlier, size)
        note = self.note(size, cosigned=cosigned)
        return growth_text(Growth(earlier=earlier, path=path, checkpoint=note))

    def proof(self, index, size, *, cosigned=False):
        steps = merkle.path_coordinates(index=index, size=size)
        path = tuple(merkle.path_from(steps, self.nodes))
        return proof_text(
            Proof(index=index, path=path, checkpoint=self.note(size, cosigned=cosigned))
        )

    def tile(self, tile):
        level, first = tile.first
        return b"".join(self.nodes[level, first + at] for at in range(tile.width))

    def write_tiles(self, folder: Path, size):
        for tile in tiles_of(size):
            path = folder / tile_path(tile)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.tile(tile))

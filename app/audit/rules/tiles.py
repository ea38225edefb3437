"""The tree cut into tiles of 256 hashes (C2SP tlog-tiles, https://c2sp.org/tlog-tiles).

A tile of level ``l`` holds nodes of level ``8 * l`` of the tree: 256 of them when it is full, and
then it never changes again. Static files are all that an auditor needs to follow the log.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from app.audit.rules.merkle import HASH_BYTES, Coordinate, node_hash, root_of

WIDTH: Final = 256
TILE_BYTES: Final = WIDTH * HASH_BYTES
LEVEL_BITS: Final = 8
_LEVEL_MAX: Final = 7  # a tree of 2**63 leaves has no tile above
_PATH: Final = re.compile(r"(0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
_PATH_CHARACTERS_MAX: Final = 48
_THOUSAND: Final = 1000


class TileNotValid(Exception):
    """No tile has this path, or its bytes are not those of a tile."""


@dataclass(frozen=True, kw_only=True, order=True)
class Tile:
    """Which hashes: the tile's level, its place within the level, how many it holds."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def full(self) -> bool:
        """True for a tile that never changes again."""
        return self.width == WIDTH

    @property
    def first(self) -> Coordinate:
        """Where the tile's first hash stands in the tree; the others follow it."""
        return self.level * LEVEL_BITS, self.index * WIDTH

    def within(self, size: int) -> bool:
        """Tell whether a tree of ``size`` has every hash of the tile."""
        return self.index * WIDTH + self.width <= size >> (self.level * LEVEL_BITS)


def tile_path(tile: Tile) -> str:
    """Return the tile's path below ``/tile/``."""
    number, parts = tile.index, []
    while True:
        number, part = divmod(number, _THOUSAND)
        parts.append(f"{part:03}")
        if number == 0:
            break
    folders = [f"x{part}" for part in reversed(parts[1:])]
    partial = "" if tile.full else f".p/{tile.width}"
    return "/".join([str(tile.level), *folders, parts[0]]) + partial


def parse_tile_path(path: str) -> Tile:
    """Return the tile of a path below ``/tile/``.

    Raises:
        TileNotValid: the path is not exactly the one that a tile has.
    """
    found = _PATH.fullmatch(path) if len(path) <= _PATH_CHARACTERS_MAX else None
    if found is None or not path.isascii():
        raise TileNotValid("no tile has this path")
    level, digits, width = found.groups()
    index = int(re.sub("[x/]", "", digits))
    tile = Tile(level=int(level), index=index, width=WIDTH if width is None else int(width))
    if tile.level > _LEVEL_MAX or tile_path(tile) != path:
        raise TileNotValid("no tile has this path")
    return tile


def tiles_of(size: int, *, earlier: int = 0) -> Iterator[Tile]:
    """Yield the tiles of a tree of ``size``, partial ones included, level by level.

    Args:
        size: the tree's.
        earlier: leave out the full tiles that a tree of this size had already.
    """
    for level in range(_LEVEL_MAX + 1):
        count, had = size >> (level * LEVEL_BITS), earlier >> (level * LEVEL_BITS)
        if count == 0:
            return
        full, width = divmod(count, WIDTH)
        yield from (Tile(level=level, index=index) for index in range(had // WIDTH, full))
        if width:
            yield Tile(level=level, index=full, width=width)


def hashes_in(content: bytes, *, tile: Tile) -> list[bytes]:
    """Return the hashes of a tile's bytes.

    Raises:
        TileNotValid: it has another length than this tile.
    """
    if len(content) != tile.width * HASH_BYTES:
        raise TileNotValid(f"tile {tile_path(tile)} has another length")
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


def subtree_root(hashes: list[bytes]) -> bytes:
    """Return the root over 1, 2, 4, ... or 256 hashes."""
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [node_hash(left, right) for left, right in pairs]
    return hashes[0]


def root_from_tiles(size: int, hashes_of: Callable[[Tile], list[bytes]]) -> bytes:
    """Return the root of a tree of ``size`` from its right edge, a tile of each level.

    Args:
        size: the tree's; the tiles may be of a larger one.
        hashes_of: gives at least ``width`` hashes of a tile, from its beginning.
    """
    frontier: list[bytes] = []
    for level in range(_LEVEL_MAX, -1, -1):
        index, width = divmod(size >> (level * LEVEL_BITS), WIDTH)
        if width == 0:
            continue
        row, start = hashes_of(Tile(level=level, index=index, width=width)), 0
        for bit in range(LEVEL_BITS - 1, -1, -1):
            if width >> bit & 1:
                frontier.append(subtree_root(row[start : start + (1 << bit)]))
                start += 1 << bit
    return root_of(frontier)

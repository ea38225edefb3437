"""Tiles of a tree in a folder, read and held against each other."""

from collections.abc import Callable
from pathlib import Path

from app.audit.rules.merkle import ProofNotValid
from app.audit.rules.tiles import (
    Tile,
    TileNotValid,
    hashes_in,
    parse_tile_path,
    subtree_root,
    tile_path,
    tiles_of,
)


def reader_of(folder: Path, size: int) -> Callable[[Tile], list[bytes]]:
    """Return what gives the hashes of any tile of a tree of ``size`` or smaller."""

    def read(tile: Tile) -> list[bytes]:
        there = (size >> tile.first[0]) - tile.first[1]
        whole = Tile(level=tile.level, index=tile.index, width=min(there, 256))
        return hashes_in(_tile_bytes(folder, whole), tile=whole)[: tile.width]

    return read


def _tile_bytes(folder: Path, tile: Tile) -> bytes:
    try:
        return (folder / tile_path(tile)).read_bytes()
    except FileNotFoundError as error:
        raise TileNotValid(f"tile {tile_path(tile)} is missing") from error


def check_tree(folder: Path, size: int) -> None:
    """Check that every full tile's root stands at its place in the tile above it.

    Raises:
        TileNotValid: a tile is missing or cut off.
        ProofNotValid: tiles contradict each other.
    """
    level = 0
    below: list[bytes] = []
    made: list[bytes] = []
    for tile in tiles_of(size):
        if tile.level != level:
            level, below, made = tile.level, made, []
        hashes = hashes_in(_tile_bytes(folder, tile), tile=tile)
        start = tile.first[1]
        if level and hashes != below[start : start + tile.width]:
            raise ProofNotValid(f"tile {tile_path(tile)} contradicts those below it")
        if tile.full:
            made.append(subtree_root(hashes))


def check_strays(folder: Path, size: int) -> None:
    """Check that nothing else lies there but beginnings of these tiles.

    Raises:
        TileNotValid: a file is no tile, or of a larger tree.
        ProofNotValid: a partial tile is not the beginning of its successor.
    """
    read = reader_of(folder, size)
    for path in folder.rglob("*"):
        if path.is_dir():
            continue
        tile = parse_tile_path(path.relative_to(folder).as_posix())
        if not tile.within(size):
            raise TileNotValid(f"tile {tile_path(tile)} is of a larger tree")
        if not tile.full and hashes_in(path.read_bytes(), tile=tile) != read(tile):
            raise ProofNotValid(f"tile {tile_path(tile)} contradicts its successor")

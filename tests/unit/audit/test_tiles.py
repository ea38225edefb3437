import pytest

from app.audit.rules.tiles import (
    Tile,
    TileNotValid,
    hashes_in,
    parse_tile_path,
    root_from_tiles,
    tile_path,
    tiles_of,
)
from tests.factories_log import SmallLog, leaves


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(level=0, index=0), "0/000"),
        (Tile(level=0, index=1234067), "0/x001/x234/067"),  # the example of the specification
        (Tile(level=1, index=999), "1/999"),
        (Tile(level=1, index=1000, width=1), "1/x001/000.p/1"),
        (Tile(level=7, index=0, width=255), "7/000.p/255"),
    ],
)
def test_a_tile_has_the_path_of_the_specification(tile, path):
    assert tile_path(tile) == path
    assert parse_tile_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "0", "0/", "0/0", "0/00", "0/0000", "00/000", "8/000", "64/000", "-1/000", "0/x000/000",
        "0/001/000", "0/x001/x000", "0/000.p/0", "0/000.p/256", "0/000.p/01", "0/000.p/",
        "0/000.p/1/", "entries/000", "entries/000.p/5", "0/../0/000", "0/000\n", "0/٠٠٠",
        "0/" + "x001/" * 9 + "000",
    ],
)  # fmt: skip
def test_another_path_is_no_tile(path):
    with pytest.raises(TileNotValid):
        parse_tile_path(path)


def test_a_tree_of_seventy_thousand_has_the_tiles_of_the_specification():
    tiles = list(tiles_of(70_000))

    assert sum(tile.level == 0 and tile.full for tile in tiles) == 273
    assert [tile for tile in tiles if not tile.full] == [
        Tile(level=0, index=273, width=112),
        Tile(level=1, index=1, width=17),
        Tile(level=2, index=0, width=1),
    ]


def test_a_tree_of_one_full_tile_has_a_partial_one_above():
    assert list(tiles_of(256)) == [Tile(level=0, index=0), Tile(level=1, index=0, width=1)]


def test_what_an_earlier_tree_had_is_left_out():
    new = list(tiles_of(70_000, earlier=69_900))

    assert new == [
        Tile(level=0, index=273, width=112),
        Tile(level=1, index=1, width=17),
        Tile(level=2, index=0, width=1),
    ]


def test_every_tree_has_its_root_from_tiles_of_a_larger_one():
    log = SmallLog(leaves(1500))

    def read(tile):
        whole = Tile(level=tile.level, index=tile.index, width=tile.width)
        return hashes_in(log.tile(whole), tile=whole)

    for size in [*range(60), 255, 256, 257, 511, 512, 513, 1000, 1279, 1280, 1499, 1500]:
        assert root_from_tiles(size, read) == log.root(size)


def test_a_tile_that_is_not_whole_is_within_no_tree_yet():
    assert Tile(level=0, index=0, width=5).within(5)
    assert not Tile(level=0, index=0, width=6).within(5)
    assert not Tile(level=1, index=0, width=1).within(255)
    assert Tile(level=1, index=0, width=1).within(256)


def test_bytes_of_another_length_are_no_tile():
    with pytest.raises(TileNotValid):
        hashes_in(b"x" * 31, tile=Tile(level=0, index=0, width=1))

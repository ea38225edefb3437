"""What a card gives of a block that it does not give back whole."""

import os
import random

import pytest

from bodycam.field.salvage import (
    FAILED_READS_MAX,
    FAILED_READS_OF_BLOCK_MAX,
    PIECE_BYTES,
    SECTOR_BYTES,
    Salvage,
)
from bodycam.wire.digests import BLOCK_SIZE_BYTES
from sim.card import BadSectors

CONTENT = random.Random(3).randbytes(2 * BLOCK_SIZE_BYTES + 5000)
SCATTERED = [BLOCK_SIZE_BYTES + at for at in range(100, BLOCK_SIZE_BYTES, PIECE_BYTES)]


@pytest.fixture
def handle(tmp_path):
    path = tmp_path / "recording.mp4"
    path.write_bytes(CONTENT)
    handle = os.open(path, os.O_RDONLY)
    yield handle
    os.close(handle)


@pytest.fixture
def card(monkeypatch):
    def card(*sectors, **more):
        card = BadSectors(*sectors, **more)
        monkeypatch.setattr(os, "pread", card)
        return card

    plain = os.pread
    yield card
    monkeypatch.setattr(os, "pread", plain)


def read(salvage, handle, *, number=1, size=BLOCK_SIZE_BYTES, there=True):
    return salvage.block(handle, number=number, size=size, still_there=lambda: there)


def without(*sectors, number=1, size=BLOCK_SIZE_BYTES):
    """Return the block with zeros in place of sectors, by their numbers."""
    at = number * BLOCK_SIZE_BYTES
    block = bytearray(CONTENT[at : at + size])
    for sector in sectors:
        start = sector * SECTOR_BYTES
        length = len(block[start : start + SECTOR_BYTES])
        block[start : start + length] = bytes(length)
    return bytes(block)


@pytest.mark.parametrize("sector", [0, 1, 15, 16, 1000, 2047])
def test_one_bad_sector_costs_itself(handle, card, sector):
    salvage = Salvage()
    bad = card(BLOCK_SIZE_BYTES + sector * SECTOR_BYTES + 77)

    block = read(salvage, handle)

    first = BLOCK_SIZE_BYTES + sector * SECTOR_BYTES
    assert block == without(sector)
    assert salvage.stretches([(1, BLOCK_SIZE_BYTES)]) == [(first, first + SECTOR_BYTES - 1)]
    assert bad.failed == 2


def test_the_last_sector_of_a_file_may_be_short(handle, card):
    salvage = Salvage()
    at = 2 * BLOCK_SIZE_BYTES
    card(at + 4999)

    block = read(salvage, handle, number=2, size=5000)

    assert block == without(1, number=2, size=5000)
    assert salvage.stretches([(2, 5000)]) == [(at + 4096, at + 4999)]


def test_a_file_that_has_become_shorter_gives_fewer_bytes(handle, card):
    card(2 * BLOCK_SIZE_BYTES)

    block = read(Salvage(), handle, number=2, size=9000)

    assert len(block) == 5000


def test_bad_neighbours_are_told_as_one_stretch(handle, card):
    salvage = Salvage()
    card(*(BLOCK_SIZE_BYTES + one * SECTOR_BYTES for one in (7, 8, 9, 11)))

    read(salvage, handle)

    told = [(first - BLOCK_SIZE_BYTES, last) for first, last in salvage.stretches([(1, 1 << 23)])]
    assert [first // SECTOR_BYTES for first, _ in told] == [7, 11]


def test_a_block_that_fails_too_often_is_given_up_for_the_rest(handle, card):
    salvage = Salvage()
    bad = card(*SCATTERED)

    block = read(salvage, handle)

    # Two reads fail for each piece: the piece, and its sector.
    pieces = FAILED_READS_OF_BLOCK_MAX // 2
    sectors = [number * PIECE_BYTES // SECTOR_BYTES for number in range(pieces)]
    rest = range(sectors[-1] + 1, BLOCK_SIZE_BYTES // SECTOR_BYTES)
    assert bad.failed == FAILED_READS_OF_BLOCK_MAX
    assert block == without(*sectors, *rest)


def test_a_recording_that_fails_too_often_is_given_up_for_the_rest(handle, card, tmp_path):
    salvage, whole = Salvage(), FAILED_READS_MAX // FAILED_READS_OF_BLOCK_MAX
    os.truncate(tmp_path / "recording.mp4", (whole + 4) * BLOCK_SIZE_BYTES)
    bad = card(*range(100, (whole + 4) * BLOCK_SIZE_BYTES, PIECE_BYTES))

    for number in range(whole + 4):
        read(salvage, handle, number=number)

    assert bad.failed == FAILED_READS_MAX + 4


def test_what_was_bad_is_zeros_again_and_costs_no_more_reads(handle, card):
    salvage = Salvage()
    bad = card(*SCATTERED[:3])
    first = read(salvage, handle)
    failed = bad.failed
    bad.sectors = ()  # the card would give it now

    second = read(salvage, handle)

    assert (second, bad.failed) == (first, failed)
    assert read(salvage.again(), handle) == without()


def test_who_tries_again_finds_the_same_on_a_card_that_fails_alike(handle, card):
    salvage = Salvage()
    bad = card(*SCATTERED)
    first = read(salvage, handle)

    assert read(salvage.again(), handle) == first
    assert bad.failed == FAILED_READS_OF_BLOCK_MAX + FAILED_READS_OF_BLOCK_MAX // 2


def test_a_card_that_fails_more_each_time_loses_only_more(handle, card):
    salvage = Salvage()
    bad = card(*SCATTERED[:1])
    read(salvage, handle)
    bad.sectors = SCATTERED[1:2]

    assert read(salvage, handle) == without(0, PIECE_BYTES // SECTOR_BYTES)


def test_of_a_camera_that_was_pulled_out_nothing_is_known_to_be_lost(handle, card):
    salvage = Salvage()
    bad = card(*SCATTERED)

    assert read(salvage, handle, there=False) is None
    assert not salvage.knows([1])
    bad.sectors = ()
    assert read(salvage, handle) == without()

"""What plays of a recording while some of its blocks are there."""

from datetime import UTC, datetime, timedelta

import pytest

from bodycam.rules.arriving import are_there, clips_there, gaps_between
from bodycam.rules.box_index import BoxIndex
from bodycam.rules.playlist import pieces_of, playlist_of
from bodycam.wire.digests import BLOCK_SIZE_BYTES

AT = datetime(2026, 11, 20, 3, tzinfo=UTC)
WHOLE = 1000 + 4 * BLOCK_SIZE_BYTES


def index(*, key_every=1):
    """Eight fragments of 2 s, half a block each; the first begins behind 1000 bytes."""
    made = BoxIndex(timescale=1000, init_size=1000)
    for number in range(8):
        made.append(
            offset=1000 + number * BLOCK_SIZE_BYTES // 2,
            size=BLOCK_SIZE_BYTES // 2,
            start=500 + number * 2000,
            duration=2000,
            key=number % key_every == 0,
            after_break=False,
        )
    return made


@pytest.mark.parametrize(
    ("start", "length", "there"),
    [
        (0, 1, True),
        (0, BLOCK_SIZE_BYTES, True),
        (0, BLOCK_SIZE_BYTES + 1, False),
        (BLOCK_SIZE_BYTES - 1, 1, True),
        (BLOCK_SIZE_BYTES, 1, False),
        (2 * BLOCK_SIZE_BYTES, BLOCK_SIZE_BYTES, True),
        (2 * BLOCK_SIZE_BYTES - 1, 2, False),
    ],
)
def test_a_range_is_there_when_each_of_its_blocks_is(start, length, there):
    assert are_there({0, 2}, start=start, length=length) is there


@pytest.mark.parametrize(
    ("blocks", "runs"),
    [
        (set(), []),
        ({0}, [(0, 1)]),
        ({1, 2}, []),  # the description of the tracks is not there
        ({0, 1}, [(0, 3)]),
        ({0, 2, 3}, [(0, 1), (4, 7)]),
        ({0, 1, 2, 3, 4}, [(0, 8)]),
    ],
)
def test_whole_fragments_play_and_no_others(blocks, runs):
    clips = clips_there(index(), blocks=blocks, size_bytes=WHOLE, started_at=AT, url="arriving")

    found = [(round((clip.started_at - AT).total_seconds() / 2), len(clip.index)) for clip in clips]
    assert found == [(first, end - first) for first, end in runs]


@pytest.mark.parametrize(
    ("size_bytes", "count"),
    [(WHOLE, 8), (WHOLE - 1, 7), (WHOLE - BLOCK_SIZE_BYTES // 2 - 1, 6), (999, 0)],
)
def test_what_ends_behind_the_last_byte_does_not_play(size_bytes, count):
    clips = clips_there(
        index(), blocks=set(range(5)), size_bytes=size_bytes, started_at=AT, url="arriving"
    )

    assert sum(len(clip.index) for clip in clips) == count


def test_a_run_begins_with_a_key_frame():
    clips = clips_there(
        index(key_every=3), blocks={0, 2, 3, 4}, size_bytes=WHOLE, started_at=AT, url="arriving"
    )

    assert [clip.index.keys[0] for clip in clips] == [1, 1]
    assert clips[1].started_at == AT + timedelta(seconds=12)


def test_what_is_not_there_is_a_gap_on_the_playlist_and_for_the_player():
    clips = clips_there(index(), blocks={0, 2, 3}, size_bytes=WHOLE, started_at=AT, url="arriving")

    text = playlist_of(clips)

    assert gaps_between(clips, started_at=AT) == ((2.0, 8.0),)
    assert text.count("#EXT-X-GAP") == 1
    assert text.count("\narriving\n") == 2
    assert pieces_of(clips, origin=AT)[-1] == (8.0, 8.0)

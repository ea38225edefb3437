import random
from datetime import UTC, datetime

import pytest

from bodycam.rules.box_index import BoxIndex, DamageKind, IndexNotReadable
from bodycam.rules.boxes import NotMp4, StreamIndexer, index_by_reading
from bodycam.rules.playlist import media_playlist, segments
from tests.factories_bodycam import footage

STARTED_AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


def index_of(content):
    return index_by_reading(
        read_at=lambda offset, length: content[offset : offset + length], size_bytes=len(content)
    )


def streamed(content, sizes):
    indexer = StreamIndexer(size_bytes=len(content))
    at = 0
    while at < len(content):
        size = next(sizes)
        indexer.feed(content[at : at + size])
        at += size
    return indexer.finish()


def box(kind, body, *, wide=False):
    if wide:
        return b"\x00\x00\x00\x01" + kind + (len(body) + 16).to_bytes(8, "big") + body
    return (len(body) + 8).to_bytes(4, "big") + kind + body


@pytest.fixture(scope="module")
def whole():
    return footage().read_bytes()


@pytest.fixture(scope="module")
def index(whole):
    return index_of(whole)


def test_every_fragment_of_two_seconds_is_found(whole, index):
    assert len(index) == 30
    assert set(index.keys) == {1}
    assert index.damage == []
    assert index.duration_ms == pytest.approx(60_000, abs=100)
    assert [whole[at + 4 : at + 8] for at in index.offsets] == [b"moof"] * 30
    assert index.offsets[0] == index.init_size
    assert (
        list(index.offsets[1:])
        == [at + size for at, size in zip(index.offsets, index.sizes, strict=True)][:-1]
    )


@pytest.mark.parametrize("seed", range(5))
def test_a_stream_in_any_pieces_gives_the_same_index(whole, index, seed):
    pieces = random.Random(seed)
    largest = [1, 100, 5000, 70_000, 10**7][seed]
    sizes = iter(lambda: pieces.randint(1, largest), None)
    content = whole if largest > 1 else whole[: index.offsets[2]]

    assert streamed(content, sizes) == index_of(content)


def test_reads_are_headers_only(whole):
    read = []

    def read_at(offset, length):
        read.append(length)
        return whole[offset : offset + length]

    index_by_reading(read_at=read_at, size_bytes=len(whole))

    assert sum(read) < len(whole) / 3


def test_packing_keeps_everything(whole, index):
    broken = index_of(whole[: index.offsets[5]] + b"\xff" * 5000 + whole[index.offsets[9] :])

    assert BoxIndex.from_bytes(index.to_bytes()) == index
    assert BoxIndex.from_bytes(broken.to_bytes()) == broken
    assert len(index.to_bytes()) < 600


@pytest.mark.parametrize("change", [b"", b"garbage", None])
def test_an_index_that_cannot_be_read_is_told(index, change):
    packed = index.to_bytes()[:-9] if change is None else change

    with pytest.raises(IndexNotReadable):
        BoxIndex.from_bytes(packed)


def test_a_file_cut_in_a_fragment_plays_up_to_the_last_whole_one(whole, index):
    cut = index_of(whole[: index.offsets[20] + 100])

    assert cut.offsets == index.offsets[:20]
    assert [one.kind for one in cut.damage] == [DamageKind.TRUNCATED]
    assert cut.damage[0].first_byte == index.offsets[20]


@pytest.mark.parametrize("cut", ["start of moof", "in moof", "in mdat", "last byte"])
def test_a_cut_anywhere_keeps_what_is_whole(whole, index, cut):
    first, end = index.offsets[7], index.offsets[8]
    at = {"start of moof": first + 3, "in moof": first + 60, "in mdat": end - 999}
    at["last byte"] = end - 1

    found = index_of(whole[: at[cut]])

    assert len(found) == 7
    assert found.damage[0].first_byte == first


def test_a_destroyed_moof_loses_one_fragment_and_no_more(whole, index):
    at = index.offsets[10]
    broken = bytearray(whole)
    broken[at : at + 64] = random.Random(3).randbytes(64)

    found = index_of(bytes(broken))

    assert len(found) == 29
    assert found.offsets[10] == index.offsets[11]
    assert found.breaks == {10}
    assert (found.damage[0].kind, found.damage[0].first_byte, found.damage[0].end_byte) == (
        DamageKind.GAP,
        at,
        index.offsets[11],
    )


def test_a_length_that_lies_does_not_lose_the_rest(whole, index):
    broken = bytearray(whole)
    at = index.offsets[3]
    broken[at : at + 4] = b"\x7f\xff\xff\xff"

    found = index_of(bytes(broken))

    assert len(found) == 29


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        b"%PDF-1.7" + bytes(5000),
        box(b"ftyp", b"isom"),
        box(b"ftyp", b"isom") + box(b"moov", b""),
        box(b"ftyp", b"isom") + box(b"moov", bytes(200)),
        box(b"ftyp", b"isom") + box(b"mdat", bytes(9000)),
        b"\x00\x00\x00\x08ftyp" * 100,
        bytes(100_000),
    ],
)
def test_what_cannot_be_played_is_told_apart(content):
    with pytest.raises(NotMp4):
        index_of(content)
    with pytest.raises(NotMp4):
        streamed(content, iter(lambda: 1000, None))


@pytest.mark.parametrize("seed", range(40))
def test_random_damage_never_breaks_the_indexer(whole, seed):
    dice = random.Random(seed)
    broken = bytearray(whole[: dice.randint(2000, len(whole))])
    for _ in range(dice.randint(1, 30)):
        at = dice.randrange(len(broken))
        broken[at : at + dice.randint(1, 40)] = dice.randbytes(dice.randint(1, 40))
    content = bytes(broken)

    try:
        found = index_of(content)
    except NotMp4:
        return
    ends = [at + size for at, size in zip(found.offsets, found.sizes, strict=True)]
    assert all(end <= len(content) for end in ends)
    assert streamed(content, iter(lambda: 65_536, None)) == found


def fragment(*, start, wide_time, key=True, duration=90_000 * 2):
    head = box(b"mfhd", bytes(8))
    time = bytes([1, 0, 0, 0]) + start.to_bytes(8, "big")
    if not wide_time:
        time = bytes(4) + start.to_bytes(4, "big")
    flags = 0x0200_0000 if key else 0x0101_0000
    tfhd = box(b"tfhd", (0x02_0000).to_bytes(4, "big") + (1).to_bytes(4, "big"))
    trun = box(
        b"trun",
        (0x105).to_bytes(4, "big") + (1).to_bytes(4, "big") + bytes(4)
        + flags.to_bytes(4, "big") + duration.to_bytes(4, "big"),
    )  # fmt: skip
    traf = box(b"traf", tfhd + box(b"tfdt", time) + trun)
    return box(b"moof", head + traf) + box(b"mdat", bytes(50), wide=True)


def moov(timescale=90_000):
    tkhd = box(b"tkhd", bytes(12) + (1).to_bytes(4, "big") + bytes(60))
    mdhd = box(b"mdhd", bytes(12) + timescale.to_bytes(4, "big") + bytes(8))
    hdlr = box(b"hdlr", bytes(8) + b"vide" + bytes(13))
    trex = box(b"trex", bytes(4) + (1).to_bytes(4, "big") + bytes(16))
    return box(b"moov", box(b"trak", tkhd + box(b"mdia", mdhd + hdlr)) + box(b"mvex", trex))


@pytest.mark.parametrize(("hours", "wide_time"), [(1, False), (14, True), (26, True)])
def test_decode_times_go_on_past_thirteen_hours(hours, wide_time):
    start = hours * 3600 * 90_000
    content = (
        box(b"ftyp", b"isom")
        + moov()
        + fragment(start=start, wide_time=wide_time)
        + fragment(start=start + 180_000, wide_time=wide_time, key=False)
    )

    found = index_of(content)

    assert list(found.starts) == [start, start + 180_000]
    assert list(found.keys) == [1, 0]
    assert list(found.durations) == [180_000, 180_000]


def test_segments_are_about_six_seconds_and_cover_every_byte(whole, index):
    found = list(segments(index))

    assert [round(one.seconds) for one in found] == [6] * 10
    assert sum(one.size for one in found) == len(whole) - index.init_size - _tail(whole, index)


def _tail(whole, index):
    return len(whole) - index.offsets[-1] - index.sizes[-1]


def test_a_segment_begins_with_a_key_frame_where_there_is_one():
    index = BoxIndex(timescale=1)
    for number in range(12):
        index.append(
            offset=number * 10,
            size=10,
            start=number * 2,
            duration=2,
            key=number % 4 == 0,
            after_break=False,
        )

    assert [one.start_seconds for one in segments(index)] == [0, 8, 16]


def test_the_playlist_names_the_break_and_the_time_after_it(whole, index):
    broken = bytearray(whole)
    broken[index.offsets[10] : index.offsets[10] + 64] = bytes(64)

    text = media_playlist(index=index_of(bytes(broken)), started_at=STARTED_AT, url="content")

    lines = text.splitlines()
    at = lines.index("#EXT-X-DISCONTINUITY")
    assert lines[at + 1].startswith("#EXT-X-PROGRAM-DATE-TIME:2026-11-20T03:00:22.")


def test_the_playlist_is_version_7_over_one_file(index):
    lines = media_playlist(index=index, started_at=STARTED_AT, url="content").splitlines()

    assert lines[:7] == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-TARGETDURATION:7",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="content",BYTERANGE="{index.init_size}@0"',
    ]
    assert lines[-1] == "#EXT-X-ENDLIST"
    assert {line for line in lines if not line.startswith("#")} == {"content"}

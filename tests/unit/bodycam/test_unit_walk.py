"""Pictures found without tables, beside the tables that an encoder of another hand has written."""

import random
import struct
import subprocess
from itertools import pairwise

import imageio_ffmpeg
import pytest

from bodycam.rules.boxes import NotMp4, index_by_reading
from bodycam.rules.frames import open_video
from bodycam.rules.likeness import Likeness, NotLearnt, learnt_from, told_in_stream
from bodycam.rules.made_description import fronted, made_front
from bodycam.rules.parameter_sets import Bits, NotASet, read_sequence
from bodycam.rules.picture_order import places
from bodycam.rules.plain import moov_of, top_boxes
from bodycam.rules.signed_video.nal import Codec
from bodycam.rules.unit_walk import pictures_in
from bodycam.rules.virtual import box_index, read_plain
from tests.factories_bodycam import footage
from tests.factories_media import broken_off, film_that_tells, plain_footage, small
from tests.factories_media import pictures_in as decoded

SECONDS = 8
X264, X265 = {"c:v": "libx264"}, {"c:v": "libx265"}
FILMS = {
    "one_slice": X264 | {"bf": 0, "g": 50},
    "four_slices": X264 | {"x264-params": "slices=4", "bf": 0},
    "pictures_that_look_ahead": X264 | {"bf": 2},
    "delimiters": X264 | {"x264-params": "aud=1", "bf": 0},
    "interlaced": X264 | {"flags": "+ildct", "x264-params": "tff=1", "bf": 0},
    "lossless": X264 | {"qp": 0, "preset": "ultrafast"},
    "ten_bits": X264 | {"pix_fmt": "yuv422p10le", "bf": 0},
    "baseline": X264 | {"profile:v": "baseline", "pix_fmt": "yuv420p"},
    "h265": X265 | {"x265-params": "log-level=none:bframes=0"},
    "h265_that_looks_ahead": X265 | {"x265-params": "log-level=none"},
}
SOUNDS = {"aac": {"c:a": "aac", "b:a": "128k"}, "pcm": {"c:a": "pcm_s16le"}, "none": None}


def reading(content):
    return lambda at, count: content[at : at + count]


def made(folder, options, sound, *, name="film"):
    """Return a real film with noise for sound: nothing in it is like anything."""
    target = folder / f"{name}.{'mov' if sound == 'pcm' else 'mp4'}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-y"]
    command += ["-f", "lavfi", "-i", "testsrc2=s=320x176:r=25"]
    given = dict(options)
    if SOUNDS[sound] is not None:
        command += ["-f", "lavfi", "-i", "anoisesrc=a=0.4:r=48000:seed=7"]
        given |= SOUNDS[sound]
    for option, value in given.items():
        command += [f"-{option}", str(value)]
    subprocess.run([*command, "-t", str(SECONDS), target], check=True)
    return target.read_bytes()


def learnt(content):
    try:
        index = index_by_reading(read_at=reading(content), size_bytes=len(content))
        by_pieces = False
    except NotMp4:
        index, by_pieces = box_index(tables(content)), True
    return learnt_from(
        read_at=reading(content), size_bytes=len(content), index=index, by_pieces=by_pieces
    )


def tables(content):
    moov = moov_of(read_at=reading(content), size_bytes=len(content))
    return read_plain(moov, size_bytes=len(content))


def media_at(content):
    return next(
        at + 8
        for kind, at, _ in top_boxes(read_at=reading(content), size_bytes=len(content))
        if kind == b"mdat"
    )


def found_in(content, likeness, *, limit=1_000_000):
    return pictures_in(
        read_at=reading(content),
        first_byte=media_at(content),
        size_bytes=len(content),
        likeness=likeness,
        limit=limit,
    )


@pytest.mark.parametrize("sound", list(SOUNDS))
@pytest.mark.parametrize("film", list(FILMS))
def test_every_picture_is_found_where_the_encoder_put_it(tmp_path, film, sound):
    content = made(tmp_path, FILMS[film], sound)
    table = tables(content).tables[0]

    found = found_in(broken_off(content), learnt(content))

    assert list(found.offsets) == list(table.offsets)
    assert list(found.sizes) == list(table.sizes)
    assert list(found.keys) == sorted(table.keys or range(len(table)))


AHEAD = {
    "two": X264 | {"bf": 2},
    "pyramid_without_end": X264 | {"bf": 8, "g": 9999, "x264-params": "b-pyramid=normal:b-adapt=0"},
    "all_ahead": X264 | {"x264-params": "bframes=16:b-adapt=0:keyint=40:open-gop=1"},
    "interlaced": X264 | {"flags": "+ildct", "x264-params": "tff=1:bframes=3"},
    "h265": X265 | {"x265-params": "log-level=none:bframes=4"},
    "h265_counts_that_wrap": X265 | {"r": 60, "x265-params": "log-level=none:keyint=-1:bframes=8"},
    "h265_open": X265 | {"x265-params": "log-level=none:keyint=30:open-gop=1:temporal-layers=1"},
    "h265_closed": X265 | {"x265-params": "log-level=none:keyint=30:open-gop=0"},
}


@pytest.mark.parametrize("film", list(AHEAD))
def test_pictures_coded_ahead_are_shown_in_their_turn(tmp_path, film):
    content = made(tmp_path, AHEAD[film], "aac")
    lost, likeness, told = broken_off(content), learnt(content), tables(content).tables[0]

    found = found_in(lost, likeness)
    front = made_front(found, likeness=likeness, step=likeness.step, size_bytes=len(lost))

    table = tables(front + lost).tables[0]
    assert len(set(told.shifts)) > 1
    assert [one - min(told.shifts) for one in told.shifts] == list(table.shifts)
    assert list(told.durations) == list(table.durations)
    assert decoded(front + lost, tmp_path) == decoded(content, tmp_path)


LOSSES = {
    "ahead": (X264 | {"bf": 2, "g": 9999}, 2),
    "ahead_far": (AHEAD["pyramid_without_end"], 4),
    "short_counts": (
        X265 | {"x265-params": "log-level=none:bframes=0:keyint=300:log2-max-poc-lsb=4"},
        0,
    ),
    "ahead_h265": (X265 | {"x265-params": "log-level=none:bframes=4:keyint=300"}, 4),
}


@pytest.mark.parametrize("film", list(LOSSES))
def test_what_stands_before_a_loss_is_shown_before_what_stands_behind_it(tmp_path, film):
    options, held_back = LOSSES[film]
    content = made(tmp_path, options, "none")
    likeness, told = learnt(content), tables(content).tables[0]
    meant = {at: told.times[number] + told.shifts[number] for number, at in enumerate(told.offsets)}
    for count in (1, 6, 10, 14, 20, 24, 28, 34, 48, 60):
        lost = bytearray(broken_off(content))
        for number in range(80, 80 + count):
            start = told.offsets[number]
            lost[start : start + told.sizes[number]] = bytes(told.sizes[number])

        found = found_in(bytes(lost), likeness)
        at = places(found.orders, held_back=found.held_back) or range(len(found))
        shown = [
            meant[found.offsets[number]] for number in sorted(range(len(found)), key=at.__getitem__)
        ]

        assert len(found) == len(told) - count
        backward = sum(1 for one, other in pairwise(shown) if other < one)
        assert backward <= held_back, count


def test_the_likeness_of_one_film_finds_another_film_of_the_camera(tmp_path):
    options = FILMS["one_slice"]
    other = made(tmp_path, options | {"vf": "hue=h=90"}, "aac", name="other")
    content = made(tmp_path, options, "aac")

    found = found_in(broken_off(content), learnt(other))

    assert len(found) == 25 * SECONDS


def test_a_camera_that_repeats_its_set_up_needs_no_other_film(tmp_path):
    content = film_that_tells(tmp_path)
    lost = broken_off(content)
    likeness = told_in_stream(lost[media_at(lost) :][: 1 << 16])

    found = found_in(lost, likeness)
    front = made_front(found, likeness=likeness, step=3600, size_bytes=len(lost))

    assert likeness.edges == (320, 176)
    assert decoded(front + lost, tmp_path) == decoded(content, tmp_path)


def test_what_is_made_plays_to_the_last_picture(tmp_path):
    content = plain_footage().read_bytes()
    lost, likeness = broken_off(content), learnt(footage().read_bytes())
    found = found_in(lost, likeness)

    front = made_front(found, likeness=likeness, step=likeness.step, size_bytes=len(lost))

    assert decoded(front + lost, tmp_path) == decoded(content, tmp_path)
    shown = reading(front + lost)
    behind = fronted(front, reading(lost))
    for at, count in ((0, 40), (len(front) - 3, 6), (len(front), 9), (len(front) + 99, 1 << 20)):
        assert behind(at, count) == shown(at, count)
    video = open_video(read_at=behind, size_bytes=len(front) + len(lost))
    assert all(one.whole for one in video.frames)


def test_a_cut_in_a_picture_loses_that_one_alone():
    content = plain_footage().read_bytes()
    likeness, table = learnt(content), tables(content).tables[0]
    for number in (0, 1, 37, 300):
        end = table.offsets[number] + table.sizes[number]
        assert len(found_in(broken_off(content)[: end - 1], likeness)) == number
        assert len(found_in(broken_off(content)[:end], likeness)) == number + 1


@pytest.mark.parametrize("filling", ["zeros", "noise", "ones"])
def test_bytes_written_over_lose_what_they_hit_and_no_more(filling):
    content = plain_footage().read_bytes()
    likeness, table = learnt(content), tables(content).tables[0]
    lost = bytearray(broken_off(content))
    first, last = table.offsets[200], table.offsets[260]
    noise = random.Random(3).randbytes(last - first)
    lost[first:last] = {"zeros": bytes(last - first), "noise": noise}.get(
        filling, b"\xff" * (last - first)
    )

    found = set(found_in(bytes(lost), likeness).offsets)

    untouched = {at for at in table.offsets if not first <= at < last}
    assert untouched - found == set()
    assert len(found - untouched) <= 2


@pytest.mark.parametrize("seed", range(20))
def test_no_picture_is_found_in_noise(seed):
    noise = random.Random(seed).randbytes(3 << 20)
    likeness = learnt(footage().read_bytes())

    found = pictures_in(
        read_at=reading(noise), first_byte=0, size_bytes=len(noise), likeness=likeness, limit=100
    )

    assert len(found) <= 1


def test_bytes_that_look_like_units_everywhere_are_let_be_in_the_end():
    content = plain_footage().read_bytes()
    bait = b"\x00\x00\x40\x00\x65\x88\x80" + b"\x01" * 9
    hostile, looked = bait * (1 << 16), [0]

    def read_at(at, count):
        looked[0] += min(count, max(0, len(hostile) - at))
        return hostile[at : at + count]

    found = pictures_in(
        read_at=read_at, first_byte=0, size_bytes=len(hostile), likeness=learnt(content), limit=99
    )

    assert looked[0] < 10 * (len(hostile) + (4 << 20))
    assert found.unseen_from is not None or len(found) == 0


@pytest.mark.parametrize("size", [1, 40, 400])
def test_a_covered_lens_is_followed_to_the_end(size):
    likeness = learnt(footage().read_bytes())
    bits = likeness.sequence.frame_number_bits
    content, count = bytearray(), 30_000
    for number in range(count):
        key = number % 60 == 0
        # first_mb 0, slice type 7 (I) or 5 (P), set 0, and the number of the frame
        header = (
            "1" + ("0001000" if key else "00110") + "1" + f"{number % 60 % (1 << bits):0{bits}b}"
        )
        header += "1" * (-len(header) % 8)
        unit = (b"\x65" if key else b"\x41") + int(header, 2).to_bytes(len(header) // 8, "big")
        unit += b"\x55" * (20 * size if key else size)
        content += b"\x00\x00\x00\x02\x09\xf0" + len(unit).to_bytes(4, "big") + unit

    found = pictures_in(
        read_at=reading(bytes(content)), first_byte=0, size_bytes=len(content), likeness=likeness,
        limit=1_000_000,
    )  # fmt: skip

    assert len(found) == count
    assert found.unseen_from is None


def test_what_was_not_looked_at_is_named():
    content = plain_footage().read_bytes()
    likeness = learnt(content)
    whole = found_in(content, likeness)

    found = found_in(content, likeness, limit=50)

    assert found.unseen_from == whole.offsets[49] + whole.sizes[49]
    assert whole.unseen_from is None


def test_sets_that_are_too_long_teach_nothing(tmp_path):
    lost = broken_off(film_that_tells(tmp_path))
    sps = lost[lost.index(b"\x67\x64") :][:20]
    hostile = b"".join(
        len(one).to_bytes(4, "big") + one for one in (sps, b"\x68" + b"\x11" * 70_000)
    )

    with pytest.raises(NotLearnt):
        told_in_stream(hostile)


def test_no_more_pictures_are_taken_than_asked_for():
    content = plain_footage().read_bytes()

    assert len(found_in(content, learnt(content), limit=50)) == 50


def test_pictures_before_the_first_key_picture_are_left_out():
    content = plain_footage().read_bytes()
    table = tables(content).tables[0]

    found = pictures_in(
        read_at=reading(content),
        first_byte=table.offsets[5],
        size_bytes=len(content),
        likeness=learnt(content),
        limit=1000,
    )

    assert found.offsets[0] == table.offsets[sorted(table.keys)[1]]


def test_what_is_no_film_teaches_nothing():
    content = small()
    with pytest.raises(NotLearnt):
        told_in_stream(random.Random(1).randbytes(1 << 16))
    with pytest.raises(NotLearnt):
        told_in_stream(b"\0\0\0\x04\x67\x64\0\x0a" * 99)
    index = index_by_reading(read_at=reading(content), size_bytes=len(content))
    with pytest.raises(NotLearnt):
        learnt_from(
            read_at=lambda _at, count: bytes(count), size_bytes=999, index=index, by_pieces=False
        )


@pytest.mark.parametrize("step", [0, -1, 1 << 32])
def test_a_description_of_impossible_pictures_is_refused(step):
    content = plain_footage().read_bytes()
    likeness = learnt(content)
    found = found_in(content, likeness, limit=3)

    with pytest.raises(ValueError, match="no pictures"):
        made_front(found, likeness=likeness, step=step, size_bytes=len(content))


@pytest.mark.parametrize(
    ("film", "edges", "bits"),
    [("one_slice", (320, 176), 4), ("ten_bits", (320, 176), 4), ("baseline", (320, 176), 4)],
)
def test_a_sequence_says_how_large_pictures_are(tmp_path, film, edges, bits):
    likeness = learnt(made(tmp_path, FILMS[film], "none"))

    assert isinstance(likeness, Likeness)
    assert likeness.codec is Codec.H264
    assert (likeness.sequence.width, likeness.sequence.height) == edges == likeness.edges
    assert likeness.sequence.frame_number_bits >= bits


def test_edges_that_are_no_whole_macroblocks_are_cropped(tmp_path):
    likeness = learnt(made(tmp_path, X264 | {"vf": "scale=318:178"}, "none"))

    assert (likeness.sequence.width, likeness.sequence.height) == (318, 178)


def test_numbers_of_variable_length_are_read_as_the_standard_says():
    bits = Bits(bytes([0b1_010_011_0, 0b0100_0010, 0b1_1_000000]))

    assert [bits.golomb() for _ in range(5)] == [0, 1, 2, 3, 4]
    assert Bits(bytes([0b010_011_00, 0b100_00101, 0])).signed_golomb() == 1
    with pytest.raises(NotASet):
        Bits(bytes(8)).golomb()
    with pytest.raises(NotASet):
        Bits(b"").take(1)


@pytest.mark.parametrize("seed", range(200))
def test_no_bytes_break_the_reading_of_a_sequence(seed):
    unit = b"\x67" + random.Random(seed).randbytes(seed % 40)
    try:
        found = read_sequence(unit)
    except NotASet:
        return
    assert 0 < found.width <= 16_384
    assert struct.pack(">HH", found.width, found.height)

"""Real sound of some hours: how densely it is heard, what that costs, and what damage hides."""

import functools
import subprocess
import tempfile
from pathlib import Path

import ffmpeg
import imageio_ffmpeg
import pytest

from bodycam.media import Tries, loudness
from bodycam.rules.boxes import index_by_reading
from bodycam.rules.key_frames import choose_sound
from bodycam.rules.stretches import instants_of_sound, stretches_of_sound
from tests.factories_media import sandbox

MINUTES_BEFORE, QUIET_SECONDS, MINUTES_AFTER = 120, 80, 100
WHOLE_SECONDS = (MINUTES_BEFORE + MINUTES_AFTER) * 60 + QUIET_SECONDS


def made(stream):
    command = stream.global_args("-nostdin", "-loglevel", "error", "-y")
    subprocess.run(command.compile(cmd=imageio_ffmpeg.get_ffmpeg_exe()), check=True)


def part(path, seconds, sound):
    picture = ffmpeg.input(f"color=gray:s=32x32:r=1:d={seconds}", f="lavfi")
    heard = ffmpeg.input(f"aevalsrc='{sound}':s=16000:d={seconds}", f="lavfi")
    made(
        ffmpeg.output(
            picture, heard, str(path), f="mpegts", g=2, **{"c:v": "libx264", "c:a": "aac", "bf": 0}
        )
    )


@functools.cache
def hours():
    """Return over three and a half hours of a tone with 80 s of nothing in it."""
    with tempfile.TemporaryDirectory() as folder:
        tone, quiet, listed, whole = (
            Path(folder) / name for name in ("tone.ts", "quiet.ts", "list.txt", "whole.mp4")
        )
        part(tone, 60, "sin(440*2*PI*t)/4")
        part(quiet, QUIET_SECONDS, "0")
        order = [tone] * MINUTES_BEFORE + [quiet] + [tone] * MINUTES_AFTER
        listed.write_text("".join(f"file '{one}'\n" for one in order))
        made(
            ffmpeg.output(
                ffmpeg.input(str(listed), f="concat", safe=0), str(whole), c="copy",
                movflags="+frag_keyframe+delay_moov+default_base_moof",
                **{"bsf:a": "aac_adtstoasc"},
            )
        )  # fmt: skip
        return whole.read_bytes()


def chosen(content, reads=None):
    def read_at(start, length):
        if reads is not None:
            reads.append(length)
        return content[start : start + length]

    index = index_by_reading(
        read_at=lambda start, length: content[start : start + length], size_bytes=len(content)
    )
    instants = instants_of_sound(index.duration_ms)
    return index, choose_sound(
        read_at=read_at, size_bytes=len(content), index=index, plain=False, instants_ms=instants
    )


async def levels_of(heard, tries=200):
    return await loudness(
        sandbox=sandbox(), set_up=heard.set_up, groups=heard.groups, tries=Tries(tries)
    )


async def test_a_silence_of_over_a_minute_in_hours_is_found():
    index, heard = chosen(hours())

    levels = await levels_of(heard)

    [found] = stretches_of_sound(levels, duration_ms=index.duration_ms)
    assert found.kind == "silent"
    # Each part brings some frames of its own: the whole is longer than its minutes.
    quiet_from = index.duration_ms * MINUTES_BEFORE * 60 / WHOLE_SECONDS
    assert abs(found.first_ms - quiet_from) <= 30_000  # two points
    assert 60_000 <= found.end_ms - found.first_ms <= (QUIET_SECONDS + 15) * 1000


def test_a_point_costs_two_short_reads():
    reads = []

    _, heard = chosen(hours(), reads)

    assert len(reads) <= 2 * len(heard.groups) + 10
    assert max(reads) <= 128 << 10


@pytest.mark.parametrize("number", [0, 100, -1])
async def test_sound_that_does_not_decode_hides_and_moves_no_other(number):
    _, heard = chosen(hours())
    groups = list(heard.groups[:200])
    before = await levels_of(type(heard)(heard.set_up, tuple(groups)))
    groups[number] = tuple(bytes(len(frame)) for frame in groups[number])

    after = await levels_of(type(heard)(heard.set_up, tuple(groups)))

    assert after[number] is None
    changed = [at for at, (one, two) in enumerate(zip(before, after, strict=True)) if one != two]
    assert changed == [number % len(groups)]

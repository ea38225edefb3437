"""How loud a recording is, from some frames of its sound."""

import math
from array import array
from collections.abc import Sequence
from functools import partial
from typing import Final

import ffmpeg

from bodycam.media.halving import Tries, by_halves
from bodycam.media.sandbox import Limits, Sandbox
from bodycam.rules.storyboard import SILENCE_DB, SoundSetUp, adts

_FRAME_SAMPLES: Final = 1024  # of one frame of AAC-LC
_SLACK_SAMPLES: Final = _FRAME_SAMPLES // 2
_EVERY: Final = 8  # samples looked at: loudness needs no more
_FULL_SCALE: Final = 32768.0


async def loudness(
    *, sandbox: Sandbox, set_up: SoundSetUp, groups: Sequence[Sequence[bytes] | None], tries: Tries
) -> list[int | None]:
    """Return the loudness of each group of AAC frames in whole decibels under full scale.

    ``None`` where a group does not decode or is none; a group of no frames is silence.

    Raises:
        MediaToolRefused: there is no sandbox.
    """
    found: list[int | None] = [None if group is None else SILENCE_DB for group in groups]
    known = [number for number, group in enumerate(groups) if group]
    made = await by_halves(
        [groups[number] or () for number in known],
        partial(_levels, sandbox, set_up),
        tries=tries,
    )
    for number, level in zip(known, made, strict=True):
        found[number] = level
    return found


async def _levels(
    sandbox: Sandbox, set_up: SoundSetUp, groups: Sequence[Sequence[bytes]]
) -> list[int] | None:
    """Return the loudness of each group, or ``None`` where some sound is missing."""
    frames = [frame for group in groups for frame in group]
    stream = ffmpeg.input("pipe:0", f="aac", protocol_whitelist="pipe,file")
    stream = ffmpeg.output(
        stream.audio, "pipe:1", f="s16le", ac=1, ar=set_up.sample_rate, acodec="pcm_s16le"
    )
    content = b"".join(adts(frame, set_up) for frame in frames)
    limits = Limits(seconds=60, cpu_seconds=60, output_bytes=64 << 20)
    decoded = array("h")
    made = await sandbox.run(stream, content, limits=limits)
    decoded.frombytes(made[: len(made) // 2 * 2])
    if abs(len(decoded) - len(frames) * _FRAME_SAMPLES) > _SLACK_SAMPLES:
        return None  # all that follows what is missing would be told at the wrong time
    found, at = [], 0
    for group in groups:
        end = at + len(group) * _FRAME_SAMPLES
        found.append(_decibels(decoded[at:end:_EVERY]))
        at = end
    return found


def _decibels(samples: "array[int]") -> int:
    if not samples:
        return SILENCE_DB
    power = math.sqrt(math.fsum(one * one for one in samples) / len(samples))
    if power < 1:
        return SILENCE_DB
    return max(SILENCE_DB, round(20 * math.log10(power / _FULL_SCALE)))

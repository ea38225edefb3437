"""How loud a recording is, from some frames of its sound."""

import math
from array import array
from collections.abc import Sequence
from typing import Final

import ffmpeg

from bodycam.media.sandbox import Limits, Sandbox
from bodycam.rules.storyboard import SILENCE_DB, SoundSetUp, adts

_FRAME_SAMPLES: Final = 1024  # of one frame of AAC-LC
_EVERY: Final = 8  # samples looked at: loudness needs no more
_FULL_SCALE: Final = 32768.0


async def loudness(
    *, sandbox: Sandbox, set_up: SoundSetUp, groups: Sequence[Sequence[bytes]]
) -> list[int]:
    """Return the loudness of each group of AAC frames in whole decibels under full scale.

    Raises:
        MediaToolFailed: the sound does not decode, or took more than it may.
        MediaToolRefused: there is no sandbox.
    """
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

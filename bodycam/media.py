"""Media commands of the server: built with ffmpeg-python, run under limits, fed by pipe.

The program gets no file name and no network: one forced demuxer, the pipe protocol alone, a
limit of time, of bytes in and of bytes out.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import ffmpeg
import imageio_ffmpeg

from bodycam.errors import MediaToolFailed, NotPlayable
from bodycam.rules.box_index import BoxIndex
from bodycam.rules.playlist import Segment, segments

Read = Callable[[int, int], Awaitable[bytes]]

_SECONDS_MAX: Final = 20.0
_INPUT_BYTES_MAX: Final = 64 << 20  # some segments of 6 s at 60 Mbit/s
_PICTURE_BYTES_MAX: Final = 32 << 20
_ALLOC_BYTES_MAX: Final = 256 << 20


async def decode_at(*, read: Read, index: BoxIndex, seconds: float) -> bytes:
    """Return the picture at ``seconds`` from the start, as PNG, from the bytes a player fetches.

    Asks ``read`` (offset, length) for the tracks' description and one segment, nothing else:
    that the picture comes out proves that this range of the stored file decodes.

    Raises:
        NotPlayable: the recording has no segment there, or a segment is too large.
        MediaToolFailed: the bytes do not decode, or it took too long.
    """
    segment = _segment_at(index, seconds)
    if index.init_size + segment.size > _INPUT_BYTES_MAX:
        raise NotPlayable("the segment is too large to decode")
    content = await read(0, index.init_size) + await read(segment.offset, segment.size)
    return await _picture(content, skip_seconds=max(0.0, seconds - segment.start_seconds))


def _segment_at(index: BoxIndex, seconds: float) -> Segment:
    for segment in segments(index):
        if segment.start_seconds <= seconds < segment.start_seconds + segment.seconds:
            return segment
    raise NotPlayable(f"the recording has nothing at {seconds:.1f} s")


async def _picture(content: bytes, *, skip_seconds: float) -> bytes:
    limits = {"protocol_whitelist": "pipe", "max_alloc": _ALLOC_BYTES_MAX}
    stream = ffmpeg.input("pipe:0", f="mov", **limits)
    # Frames are dropped by number of seconds after decoding: a pipe cannot be sought.
    stream = stream.video.filter("setpts", "PTS-STARTPTS").filter("trim", start=skip_seconds)
    stream = ffmpeg.output(
        stream, "pipe:1", f="image2", vcodec="png", **{"frames:v": 1, "update": 1}
    )
    return await _run(stream, content)


async def _run(stream: Any, content: bytes) -> bytes:
    stream = stream.global_args("-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1")
    command = stream.compile(cmd=imageio_ffmpeg.get_ffmpeg_exe())
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_PICTURE_BYTES_MAX,
    )
    try:
        async with asyncio.timeout(_SECONDS_MAX):
            picture, _ = await process.communicate(content)
    except TimeoutError as error:
        raise MediaToolFailed("the media program took too long") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0 or not picture:
        raise MediaToolFailed(f"the media program ended with {process.returncode}")
    return picture

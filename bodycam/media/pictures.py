"""Pictures of a recording: one at an instant, or a sheet of small ones from key frames alone."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import ffmpeg

from bodycam.errors import MediaToolFailed, NotPlayable
from bodycam.media.sandbox import Limits, Sandbox
from bodycam.rules.box_index import BoxIndex
from bodycam.rules.playlist import Segment, segments
from bodycam.rules.signed_video.nal import Codec
from bodycam.rules.storyboard import COLUMNS, PICTURE_HEIGHT, PICTURE_WIDTH

Read = Callable[[int, int], Awaitable[bytes]]

_INPUT_BYTES_MAX: Final = 64 << 20  # some segments of 6 s at 60 Mbit/s
_ALLOC_BYTES_MAX: Final = 256 << 20
_PIXELS_MAX: Final = 8192 * 8192
START_CODE: Final = b"\x00\x00\x00\x01"
FORMATS: Final = {Codec.H264: "h264", Codec.H265: "hevc"}
GUARDS: Final = {
    "protocol_whitelist": "pipe,file",
    "max_alloc": _ALLOC_BYTES_MAX,
    "max_pixels": _PIXELS_MAX,
}


async def decode_at(*, sandbox: Sandbox, read: Read, index: BoxIndex, seconds: float) -> bytes:
    """Return the picture at ``seconds`` from the start, as PNG, from the bytes a player fetches.

    Asks ``read`` (offset, length) for the tracks' description and one segment, nothing else:
    that the picture comes out proves that this range of the stored file decodes.

    Raises:
        NotPlayable: the recording has no segment there, or a segment is too large.
        MediaToolFailed: the bytes do not decode, or it took too long.
        MediaToolRefused: there is no sandbox.
    """
    segment = _segment_at(index, seconds)
    if index.init_size + segment.size > _INPUT_BYTES_MAX:
        raise NotPlayable("the segment is too large to decode")
    content = await read(0, index.init_size) + await read(segment.offset, segment.size)
    stream = ffmpeg.input("pipe:0", f="mov", **GUARDS)
    # Frames are dropped by number of seconds after decoding: a pipe cannot be sought.
    skip = max(0.0, seconds - segment.start_seconds)
    stream = stream.video.filter("setpts", "PTS-STARTPTS").filter("trim", start=skip)
    stream = ffmpeg.output(
        stream, "pipe:1", f="image2", vcodec="png", **{"frames:v": 1, "update": 1}
    )
    return await sandbox.run(stream, content, limits=Limits())


def _segment_at(index: BoxIndex, seconds: float) -> Segment:
    for segment in segments(index):
        if segment.start_seconds <= seconds < segment.start_seconds + segment.seconds:
            return segment
    raise NotPlayable(f"the recording has nothing at {seconds:.1f} s")


async def check_decodes(*, sandbox: Sandbox, content: bytes) -> bool:
    """Return whether the video of ``content`` decodes without an error, within the limits.

    ``content`` is the tracks' description and some fragments. The exit code alone proves
    nothing: pictures must have come out too.

    Raises:
        MediaToolRefused: there is no sandbox.
    """
    stream = ffmpeg.input("pipe:0", f="mov", err_detect="explode", **GUARDS)
    stream = ffmpeg.output(stream.video.filter("scale", 2, 2), "pipe:1", f="rawvideo", xerror=None)
    try:
        return bool(await sandbox.run(stream, content, limits=Limits()))
    except MediaToolFailed:
        return False


async def picture_sheet(
    *, sandbox: Sandbox, codec: Codec, set_up: Sequence[bytes], frames: Sequence[Sequence[bytes]]
) -> bytes:
    """Return one JPEG that holds a small picture of each key frame, row by row.

    ``set_up`` are the stream's parameter sets, ``frames`` the units of one key frame each.

    Raises:
        MediaToolFailed: nothing of it decodes, or it took more than it may.
        MediaToolRefused: there is no sandbox.
    """
    units = [unit for frame in frames for unit in (*set_up, *frame)]
    content = b"".join(START_CODE + unit for unit in units)
    rows = -(-len(frames) // COLUMNS)
    stream = ffmpeg.input("pipe:0", f=FORMATS[codec], r=1, **GUARDS)
    stream = stream.video.filter("scale", PICTURE_WIDTH, PICTURE_HEIGHT, flags="area")
    stream = stream.filter("tile", f"{COLUMNS}x{rows}")
    stream = ffmpeg.output(
        stream, "pipe:1", f="image2", vcodec="mjpeg",
        **{"frames:v": 1, "update": 1, "q:v": 5, "pix_fmt": "yuvj420p"},
    )  # fmt: skip
    return await sandbox.run(stream, content, limits=Limits(seconds=60, cpu_seconds=60))

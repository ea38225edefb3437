"""Small grey pictures of key frames: enough to tell black from dark and still from moving."""

from collections.abc import Sequence

import ffmpeg

from bodycam.errors import MediaToolFailed
from bodycam.media.pictures import FORMATS, GUARDS, START_CODE
from bodycam.media.sandbox import Limits, Sandbox
from bodycam.rules.signed_video.nal import Codec
from bodycam.rules.stretches import LOOK_BYTES, LOOK_HEIGHT, LOOK_WIDTH


async def grey_looks(
    *, sandbox: Sandbox, codec: Codec, set_up: Sequence[bytes], frames: Sequence[Sequence[bytes]]
) -> list[bytes | None]:
    """Return a grey picture of each key frame, or ``None`` for all where not all decode.

    Raises:
        MediaToolRefused: there is no sandbox.
    """
    units = [unit for frame in frames for unit in (*set_up, *frame)]
    content = b"".join(START_CODE + unit for unit in units)
    stream = ffmpeg.input("pipe:0", f=FORMATS[codec], r=1, **GUARDS)
    stream = stream.video.filter("scale", LOOK_WIDTH, LOOK_HEIGHT, flags="area")
    stream = ffmpeg.output(stream, "pipe:1", f="rawvideo", pix_fmt="gray")
    try:
        made = await sandbox.run(stream, content, limits=Limits(seconds=60, cpu_seconds=60))
    except MediaToolFailed:
        made = b""
    if len(made) != LOOK_BYTES * len(frames):
        # Which one is missing cannot be told: nothing is known of any.
        return [None] * len(frames)
    return [made[at : at + LOOK_BYTES] for at in range(0, len(made), LOOK_BYTES)]

"""Small grey pictures of key frames: enough to tell black from dark and still from moving."""

from collections.abc import Sequence

import ffmpeg

from bodycam.media.halving import Tries, by_halves
from bodycam.media.pictures import FORMATS, GUARDS, START_CODE
from bodycam.media.sandbox import Limits, Sandbox
from bodycam.rules.signed_video.nal import Codec
from bodycam.rules.stretches import LOOK_BYTES, LOOK_HEIGHT, LOOK_WIDTH

_Frame = Sequence[bytes]


async def grey_looks(
    *,
    sandbox: Sandbox,
    codec: Codec,
    set_up: Sequence[bytes],
    frames: Sequence[_Frame | None],
    tries: Tries,
) -> list[bytes | None]:
    """Return a grey picture of each key frame, ``None`` where it does not decode or is none.

    Raises:
        MediaToolRefused: there is no sandbox.
    """

    async def looked(some: Sequence[_Frame]) -> list[bytes] | None:
        units = [unit for frame in some for unit in (*set_up, *frame)]
        content = b"".join(START_CODE + unit for unit in units)
        # A picture that was made up where bytes are wrong would be taken for what was seen.
        stream = ffmpeg.input("pipe:0", f=FORMATS[codec], r=1, err_detect="explode", **GUARDS)
        stream = stream.video.filter("scale", LOOK_WIDTH, LOOK_HEIGHT, flags="area")
        stream = ffmpeg.output(stream, "pipe:1", f="rawvideo", pix_fmt="gray")
        made = await sandbox.run(stream, content, limits=Limits(seconds=60, cpu_seconds=60))
        if len(made) != LOOK_BYTES * len(some):
            return None  # which one is missing cannot be told
        return [made[at : at + LOOK_BYTES] for at in range(0, len(made), LOOK_BYTES)]

    known = [number for number, frame in enumerate(frames) if frame]
    made = await by_halves([frames[number] or () for number in known], looked, tries=tries)
    found: list[bytes | None] = [None] * len(frames)
    for number, look in zip(known, made, strict=True):
        found[number] = look
    return found

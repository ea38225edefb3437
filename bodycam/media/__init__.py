"""Media commands of the server: built with ffmpeg-python, run in a sandbox, fed by pipe."""

from bodycam.media.halving import Tries
from bodycam.media.looks import grey_looks
from bodycam.media.loudness import loudness
from bodycam.media.pictures import Read, check_decodes, decode_at, picture_sheet
from bodycam.media.sandbox import Limits, Sandbox, make_sandbox

__all__ = [
    "Limits",
    "Read",
    "Sandbox",
    "Tries",
    "check_decodes",
    "decode_at",
    "grey_looks",
    "loudness",
    "make_sandbox",
    "picture_sheet",
]

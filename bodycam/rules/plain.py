"""Where the large boxes of an MP4 lie; what a plain (not fragmented) file needs to be played."""

import struct
from collections.abc import Callable, Iterator
from typing import Final

from bodycam.rules.boxes import NotMp4

ReadAt = Callable[[int, int], bytes]

_MOOV_BYTES_MAX: Final = 256 << 20  # 24 hours of 60 frames a second: about 70 MB
_BOXES_MAX: Final = 100_000
_HEAD_BYTES: Final = 8
_WIDE_HEAD_BYTES: Final = 16


def top_boxes(*, read_at: ReadAt, size_bytes: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, offset and size of the boxes of the file; stops where no box can stand."""
    at = 0
    for _ in range(_BOXES_MAX):
        head = read_at(at, _WIDE_HEAD_BYTES) if at < size_bytes else b""
        if len(head) < _HEAD_BYTES:
            return
        size, kind = struct.unpack_from(">I4s", head)
        if size == 1 and len(head) == _WIDE_HEAD_BYTES:
            (size,) = struct.unpack_from(">Q", head, _HEAD_BYTES)
        elif size == 0:
            size = size_bytes - at
        if size < _HEAD_BYTES:
            return
        yield kind, at, size
        at += size


def moov_of(*, read_at: ReadAt, size_bytes: int) -> bytes:
    """Return the whole ``moov`` box, wherever in the file it stands.

    Raises:
        NotMp4: there is none, or it is cut short or too large.
    """
    for kind, at, size in top_boxes(read_at=read_at, size_bytes=size_bytes):
        if kind == b"moov":
            if size > _MOOV_BYTES_MAX or at + size > size_bytes:
                raise NotMp4("the description of the tracks (moov) is cut short or too large")
            return read_at(at, size)
    raise NotMp4("the file has no description of its tracks (moov)")

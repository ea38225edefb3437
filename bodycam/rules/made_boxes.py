"""Boxes of an MP4 that we make ourselves (ISO/IEC 14496-12, section 4.2)."""

import struct
from typing import Final

HEAD_BYTES: Final = 8


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return a box around the parts."""
    body = b"".join(parts)
    return struct.pack(">I4s", HEAD_BYTES + len(body), kind) + body


def full_box(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    """Return a box that begins with its version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)

"""Units of an H.264 or H.265 stream, as far as a signature over them needs it."""

import enum
import hashlib
from dataclasses import dataclass
from typing import Final

_USER_DATA_UNREGISTERED: Final = 5  # H.264 annex D.1.7, H.265 annex D.2.7
_STOP_BYTE: Final = 0x80
_UNCOVERED_H264: Final = frozenset({2, 3, 4, 19, 20, 21})
_IRAP_H265: Final = range(16, 22)
_VCL_H265: Final = range(32)
_ESCAPED: Final = b"\x00\x00\x03"


class Codec(enum.Enum):
    """The codecs whose signatures are checked."""

    H264 = "h264"
    H265 = "h265"

    @property
    def head_bytes(self) -> int:
        """Bytes of the header of a unit."""
        return 1 if self is Codec.H264 else 2


class Kind(enum.Enum):
    """What a unit is for the signature: only pictures and SEI count."""

    GROUP_START = "group_start"  # the first slice of a picture that needs none before it
    SLICE = "slice"
    UNCOVERED = "uncovered"  # it carries picture, and neither framework hashes it
    SEI = "sei"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class UserData:
    """A user data SEI: where its payload begins in ``raw``, and how long that is unescaped."""

    raw: bytes
    start: int
    size: int
    escapes: int  # emulation prevention bytes in the unit


def kind_of(nal: bytes, codec: Codec) -> Kind:
    """Return what the unit is to both frameworks, by their public sources.

    They hash the common slices alone: not those of temporal layers, leading pictures, partitions
    or extensions (H.264 types 2 to 4 and 19 to 21, H.265 types 2 to 15 and 22 to 31). Of such a
    unit nothing can be known, and that must be said: it carries picture.
    """
    if len(nal) <= codec.head_bytes:
        return Kind.OTHER
    first_slice = bool(nal[codec.head_bytes] & 0x80)  # first_mb 0 or first_slice_segment set
    kind = _kind_of_h264(nal[0] & 0x1F) if codec is Codec.H264 else _kind_of_h265(nal[0] >> 1 & 63)
    return Kind.SLICE if kind is Kind.GROUP_START and not first_slice else kind


def _kind_of_h264(number: int) -> Kind:
    """Table 7-1 of H.264: 1 non-IDR, 2 to 4 partitions, 5 IDR, 6 SEI, 19 to 21 extensions."""
    known = {1: Kind.SLICE, 5: Kind.GROUP_START, 6: Kind.SEI}
    return known.get(number, Kind.UNCOVERED if number in _UNCOVERED_H264 else Kind.OTHER)


def _kind_of_h265(number: int) -> Kind:
    """Table 7-1 of H.265: 0 and 1 trailing, 16 to 21 IRAP, 39 and 40 SEI; VCL end at 31."""
    if number in _IRAP_H265:
        return Kind.GROUP_START
    known = {0: Kind.SLICE, 1: Kind.SLICE, 39: Kind.SEI, 40: Kind.SEI}
    return known.get(number, Kind.UNCOVERED if number in _VCL_H265 else Kind.OTHER)


def trimmed(nal: bytes) -> bytes:
    """Return the unit up to its stop bit: muxers append zero bytes that nobody has signed."""
    return nal.rstrip(b"\x00")


def digest_of(nal: bytes) -> bytes:
    """Return SHA-256 of a trimmed unit."""
    return hashlib.sha256(nal).digest()


def read_user_data(nal: bytes, codec: Codec) -> UserData | None:
    """Return the user data of a SEI unit, or ``None`` where it carries something else."""
    at = codec.head_bytes
    if len(nal) <= at or nal[at] != _USER_DATA_UNREGISTERED:
        return None
    at += 1
    size = 0
    while at < len(nal) and nal[at] == 0xFF:  # noqa: PLR2004 - section 7.3.2.3.1
        size += 0xFF
        at += 1
    if at >= len(nal):
        return None
    size += nal[at]
    at += 1
    stop = 1 if nal[-1] == _STOP_BYTE else 0
    return UserData(nal, at, size, len(nal) - at - size - stop)


def unescaped(raw: bytes) -> tuple[bytes, list[int]]:
    """Return the bytes without emulation prevention, and where in ``raw`` those stood."""
    clean = bytearray()
    removed: list[int] = []
    at = 0
    while (found := raw.find(_ESCAPED, at)) >= 0:
        clean += raw[at : found + 2]
        removed.append(found + 2)
        at = found + 3
    clean += raw[at:]
    return bytes(clean), removed

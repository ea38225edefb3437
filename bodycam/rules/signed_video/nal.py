"""Units of an H.264 or H.265 stream, as far as a signature over them needs it."""

import enum
import hashlib
from dataclasses import dataclass
from typing import Final

_USER_DATA_UNREGISTERED: Final = 5  # H.264 annex D.1.7, H.265 annex D.2.7
_STOP_BYTE: Final = 0x80
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
    """Return what the unit is; units that no standard names count as slices where they are VCL.

    Both frameworks hash only the common slices. A rarer VCL unit counts here as one too: it
    carries picture and must not pass unseen.
    """
    if len(nal) <= codec.head_bytes:
        return Kind.OTHER
    first_slice = bool(nal[codec.head_bytes] & 0x80)  # first_mb 0 or first_slice_segment set
    kind = _kind_of_h264(nal[0] & 0x1F) if codec is Codec.H264 else _kind_of_h265(nal[0] >> 1 & 63)
    return Kind.SLICE if kind is Kind.GROUP_START and not first_slice else kind


def _kind_of_h264(number: int) -> Kind:
    if number == 5:  # noqa: PLR2004 - table 7-1: IDR
        return Kind.GROUP_START
    if number == 6:  # noqa: PLR2004 - table 7-1: SEI
        return Kind.SEI
    return Kind.SLICE if 1 <= number < 5 or number in {19, 20, 21} else Kind.OTHER  # noqa: PLR2004 - the same table


def _kind_of_h265(number: int) -> Kind:
    if 16 <= number <= 23:  # noqa: PLR2004 - table 7-1 of H.265: IRAP
        return Kind.GROUP_START
    if number in {39, 40}:
        return Kind.SEI
    return Kind.SLICE if number < 32 else Kind.OTHER  # noqa: PLR2004 - VCL end at 31


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

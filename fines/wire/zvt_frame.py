"""The serial frame layer of ZVT without any input or output (PA00P015 rev. 13.08, chapter 1).

A block is ``10 02`` + APDU + ``10 03`` + CRC low + CRC high. Each byte 10 inside the APDU is
doubled; the extra one counts neither in the length nor in the CRC. The two CRC bytes are not
doubled, so they may themselves look like ``10 02`` or ``10 03``: a block ends two bytes after the
first undoubled ``10 03`` and nowhere else. The paper calls the CRC "CRC-XMODEM"; it is
CRC-16/KERMIT over the undoubled APDU and the byte 03.

    used, event = decode(received)
    del received[:used]
"""

import enum
from dataclasses import dataclass, field
from typing import Final

from fines.wire.zvt_errors import LengthMismatch

DLE: Final = 0x10
STX: Final = 0x02
ETX: Final = 0x03
ACK: Final = b"\x06"
NAK: Final = b"\x15"
APDU_BYTES_MAX: Final = 4096  # the longest message we know, a text block, stays under 2 KiB

_EXTENDED: Final = 0xFF  # in the length byte: two bytes follow, little-endian
_HEADER_BYTES: Final = 3
_POLYNOMIAL: Final = 0x8408  # reflected 0x1021


def _crc_table() -> tuple[int, ...]:
    table = []
    for index in range(256):
        value = index
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE: Final = _crc_table()


def crc16(data: bytes) -> int:
    """Return CRC-16/KERMIT of ``data``; the check value of ``123456789`` is 0x2189."""
    value = 0
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value


class Fault(enum.Enum):
    """Why received bytes are not a block."""

    NOISE = "noise"  # bytes where a block, ACK or NAK should begin
    ESCAPE = "escape"  # DLE followed by what may not follow it
    CRC = "crc"
    LENGTH = "length"  # the APDU's own length field disagrees, though the CRC fits
    TOO_LONG = "too_long"
    CUT = "cut"  # the line fell quiet inside a block


@dataclass(frozen=True)
class Ack:
    """The peer has the block."""


@dataclass(frozen=True)
class Nak:
    """The peer wants the block again."""


@dataclass(frozen=True)
class Block:
    """One whole, checked APDU. Its bytes stay out of every ``repr``."""

    apdu: bytes = field(repr=False)


@dataclass(frozen=True)
class Damaged:
    """Something came that must not be read. Answer NAK once the line is quiet (T1)."""

    fault: Fault


Event = Ack | Nak | Block | Damaged


def apdu_length(apdu: bytes) -> int:
    """Return how long the APDU says it is, header included.

    Raises:
        LengthMismatch: too short to say.
    """
    if len(apdu) < _HEADER_BYTES:
        raise LengthMismatch("an APDU has at least three bytes")
    if apdu[2] != _EXTENDED:
        return _HEADER_BYTES + apdu[2]
    if len(apdu) < _HEADER_BYTES + 2:
        raise LengthMismatch("an extended length has two bytes")
    return _HEADER_BYTES + 2 + int.from_bytes(apdu[3:5], "little")


def _fits(apdu: bytes) -> bool:
    try:
        return apdu_length(apdu) == len(apdu)
    except LengthMismatch:
        return False


def encode(apdu: bytes) -> bytes:
    """Return the block that carries ``apdu``.

    Raises:
        LengthMismatch: the APDU's length field does not fit, or it is over ``APDU_BYTES_MAX``.
    """
    if not _fits(apdu) or len(apdu) > APDU_BYTES_MAX:
        raise LengthMismatch("the APDU's length field must fit its bytes")
    body = apdu.replace(b"\x10", b"\x10\x10")
    check = crc16(apdu + b"\x03").to_bytes(2, "little")
    return b"\x10\x02" + body + b"\x10\x03" + check


def decode(data: bytes | bytearray) -> tuple[int, Event | None]:
    """Return how many bytes the first event takes and the event; ``(0, None)`` asks for more.

    After damage everything received so far is used up: inside a broken block any byte may look
    like an ACK or a new start, so the reader waits for a quiet line instead of guessing.
    """
    if not data:
        return 0, None
    if data[0] == ACK[0]:
        return 1, Ack()
    if data[0] == NAK[0]:
        return 1, Nak()
    if data[0] != DLE or (len(data) > 1 and data[1] != STX):
        return len(data), Damaged(Fault.NOISE)
    return _decode_block(bytes(data))


def _decode_block(data: bytes) -> tuple[int, Event | None]:
    apdu = bytearray()
    at = 2
    while (mark := data.find(b"\x10", at)) >= 0:
        apdu += data[at:mark]
        if mark + 1 >= len(data):
            break
        if data[mark + 1] == DLE:
            apdu.append(DLE)
            at = mark + 2
            continue
        if data[mark + 1] != ETX:
            return len(data), Damaged(Fault.ESCAPE)
        return _close_block(data, bytes(apdu), mark + 2)
    if len(data) > 2 * APDU_BYTES_MAX:
        return len(data), Damaged(Fault.TOO_LONG)
    return 0, None


def _close_block(data: bytes, apdu: bytes, end: int) -> tuple[int, Event | None]:
    if len(data) < end + 2:
        return 0, None
    if len(apdu) > APDU_BYTES_MAX:
        return len(data), Damaged(Fault.TOO_LONG)
    if crc16(apdu + b"\x03") != int.from_bytes(data[end : end + 2], "little"):
        return len(data), Damaged(Fault.CRC)
    if not _fits(apdu):
        return len(data), Damaged(Fault.LENGTH)
    return end + 2, Block(apdu)


class BlockReader:
    """Collects bytes in any chunks and yields events; after damage it is deaf until quiet.

    The caller owns the clock: it calls ``quiet`` when nothing came for T1 (200 ms).
    """

    def __init__(self) -> None:
        self._received = bytearray()
        self._deaf = False
        self._fault = Fault.NOISE

    @property
    def in_block(self) -> bool:
        """Whether bytes wait for their rest, so that T1 is running."""
        return bool(self._received) or self._deaf

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that ``data`` completes. Damage is told once, by ``quiet``."""
        if self._deaf:
            return []
        self._received += data
        events: list[Event] = []
        while True:
            used, event = decode(self._received)
            if event is None:
                return events
            if isinstance(event, Damaged):
                self._received.clear()
                self._fault = event.fault
                self._deaf = True
                return events
            del self._received[:used]
            events.append(event)

    def quiet(self) -> Damaged | None:
        """Say what was lost when the line has fallen quiet; listening begins anew."""
        if self._deaf:
            self._deaf = False
            return Damaged(self._fault)
        if self._received:
            self._received.clear()
            return Damaged(Fault.CUT)
        return None

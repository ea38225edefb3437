"""An index as it is kept: columns of numbers, compact as bytes, and what is broken."""

import enum
import json
import zlib
from array import array
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

_VERSION: Final = 1
_COLUMNS: Final = (("q", 8), ("q", 8), ("q", 8), ("q", 8), ("B", 1))
_HEAD_BYTES_MAX: Final = 8 << 20
_PLAIN_BYTES_MAX: Final = 128 << 20  # 2,000,000 fragments and their head


class DamageKind(enum.Enum):
    """In what way the stored bytes are not a whole recording."""

    TRUNCATED = "truncated"  # the file ends in the middle of a fragment
    GAP = "gap"  # bytes between fragments that cannot be read as boxes
    SHORT = "short"  # fewer bytes were on the camera than its manifest says
    LONG = "long"  # more bytes than the manifest says
    BLOCK_DIFFERS = "block_differs"  # a block is not the one that the camera signed
    DESCRIPTION = "description"  # the tables of the tracks are lost, and with them the sound


@dataclass(frozen=True)
class Damage:
    """One finding: bytes from ``first_byte`` up to, not including, ``end_byte``."""

    kind: DamageKind
    first_byte: int
    end_byte: int

    def as_json(self) -> dict[str, object]:
        """Return the finding as it is stored and shown."""
        return {
            "kind": self.kind.value,
            "first_byte": self.first_byte,
            "end_byte": self.end_byte,
        }


class IndexNotReadable(ValueError):
    """The stored index is not of this release's form."""


@dataclass
class BoxIndex:
    """Where each fragment lies (bytes) and when it plays (ticks of ``timescale`` a second).

    ``init_size`` bytes from the start of the file describe the tracks. ``breaks`` are the
    numbers of the fragments before which something is lost.
    """

    timescale: int = 1
    init_size: int = 0
    offsets: "array[int]" = field(default_factory=lambda: array("q"))
    sizes: "array[int]" = field(default_factory=lambda: array("q"))
    starts: "array[int]" = field(default_factory=lambda: array("q"))
    durations: "array[int]" = field(default_factory=lambda: array("q"))
    keys: "array[int]" = field(default_factory=lambda: array("B"))
    breaks: set[int] = field(default_factory=set)
    damage: list[Damage] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.offsets)

    def append(
        self, *, offset: int, size: int, start: int, duration: int, key: bool, after_break: bool
    ) -> None:
        """Add the next fragment."""
        if after_break:
            self.breaks.add(len(self))
        self.offsets.append(offset)
        self.sizes.append(size)
        self.starts.append(start)
        self.durations.append(duration)
        self.keys.append(int(key))

    @property
    def duration_ms(self) -> int:
        """From the first fragment's start to the last one's end, in milliseconds."""
        if not len(self):
            return 0
        return (self.starts[-1] + self.durations[-1] - self.starts[0]) * 1000 // self.timescale

    def to_bytes(self) -> bytes:
        """Return the compact form: 8 hours of 2 s fragments are some 40 KB."""
        head = {
            "version": _VERSION,
            "timescale": self.timescale,
            "init_size": self.init_size,
            "count": len(self),
            "breaks": sorted(self.breaks),
            "damage": [(one.kind.value, one.first_byte, one.end_byte) for one in self.damage],
        }
        ends = [0, *(at + size for at, size in zip(self.offsets, self.sizes, strict=True))]
        steps = array("q", (at - end for at, end in zip(self.offsets, ends, strict=False)))
        ticks = array("q", (later - earlier for earlier, later in pairwise([0, *self.starts])))
        head_bytes = json.dumps(head, separators=(",", ":")).encode()
        columns = (steps, self.sizes, ticks, self.durations, self.keys)
        plain = b"".join([len(head_bytes).to_bytes(4, "big"), head_bytes, *map(_little, columns)])
        return zlib.compress(plain, 6)

    @classmethod
    def from_bytes(cls, packed: bytes) -> "BoxIndex":
        """Return the index that ``to_bytes`` has packed.

        Raises:
            IndexNotReadable: the bytes are damaged or of another release.
        """
        try:
            unpacker = zlib.decompressobj()
            plain = unpacker.decompress(packed, _PLAIN_BYTES_MAX)
            head_end = 4 + int.from_bytes(plain[:4], "big")
            head = json.loads(plain[4 : min(head_end, _HEAD_BYTES_MAX)])
            count = int(head["count"])
            if head["version"] != _VERSION:
                raise IndexNotReadable(f"an index of version {head['version']}")
            columns, at = [], head_end
            for code, width in _COLUMNS:
                columns.append(_from_little(code, plain[at : at + count * width]))
                at += count * width
            if len(plain) != at:
                raise IndexNotReadable("an index of the wrong length")
            damage = [Damage(DamageKind(kind), first, end) for kind, first, end in head["damage"]]
            breaks = set(map(int, head["breaks"]))
            index = cls(
                int(head["timescale"]), int(head["init_size"]), breaks=breaks, damage=damage
            )
        except (zlib.error, KeyError, TypeError, ValueError) as error:
            raise IndexNotReadable("the stored index cannot be read") from error
        steps, index.sizes, ticks, index.durations, index.keys = columns
        offset = start = 0
        for step, size, tick in zip(steps, index.sizes, ticks, strict=True):
            offset += step
            start += tick
            index.offsets.append(offset)
            index.starts.append(start)
            offset += size
        return index


def _little(column: "array[int]") -> bytes:
    swapped = array(column.typecode, column)
    if _BIG_ENDIAN:
        swapped.byteswap()
    return swapped.tobytes()


def _from_little(code: str, data: bytes) -> "array[int]":
    column = array(code)
    column.frombytes(data)
    if _BIG_ENDIAN:
        column.byteswap()
    return column


_BIG_ENDIAN: Final = array("H", [1]).tobytes() == b"\x00\x01"

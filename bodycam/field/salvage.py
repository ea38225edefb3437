"""Reading round what a card does not give back: a bad sector costs itself, and not its block.

Zeros stand for it. What one reading found bad is zeros in the next one too, or what was declared
of a card that fails more and more would never be what is sent.
"""

import errno
import os
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Final

from bodycam.wire.digests import BLOCK_SIZE_BYTES

# How a memory card says that it cannot give back what lies on it.
NOT_READABLE: Final = frozenset({errno.EIO, errno.ENODATA, errno.EBADMSG})
PIECE_BYTES: Final = 64 << 10
SECTOR_BYTES: Final = 4 << 10  # a page of the kernel: it reads no less
# Each failing read may take a dying card seconds: what is left after so many is given up.
FAILED_READS_OF_BLOCK_MAX: Final = 64
FAILED_READS_MAX: Final = 1024  # of one recording
_SECTORS_OF_BLOCK: Final = BLOCK_SIZE_BYTES // SECTOR_BYTES


@dataclass
class _Block:
    """What is known of one block: numbers of its sectors."""

    bad: set[int] = field(default_factory=set)
    given_up_from: int = _SECTORS_OF_BLOCK
    failed: int = 0
    failed_max: int = FAILED_READS_OF_BLOCK_MAX

    def good(self, sectors: range) -> bool:
        return self.bad.isdisjoint(sectors) and sectors.stop <= self.given_up_from

    def lost(self) -> list[int]:
        return sorted(self.bad | set(range(self.given_up_from, _SECTORS_OF_BLOCK)))

    def count(self, *, give_up_from: int) -> None:
        self.failed += 1
        if self.failed >= self.failed_max:
            self.given_up_from = min(self.given_up_from, give_up_from)


@dataclass
class Salvage:
    """What the card does not give back of one recording.

    Attributes:
        tries_again: what was bad is read once more: a card may give it back after all.
    """

    tries_again: bool = False
    blocks: dict[int, _Block] = field(default_factory=dict)

    def knows(self, numbers: Iterable[int]) -> bool:
        """Return whether all these blocks were read round before; the first time may take long."""
        return all(number in self.blocks for number in numbers)

    def again(self) -> "Salvage":
        """Return a copy that tries what was bad once more."""
        return replace(self, tries_again=True, blocks=deepcopy(self.blocks))

    def block(
        self, handle: int, *, number: int, size: int, still_there: Callable[[], bool]
    ) -> bytes | None:
        """Return a block with zeros where the card gives nothing; fewer bytes where the file ends.

        ``None`` where the camera is not ``still_there``: then nothing is known to be lost.

        Raises:
            OSError: the card fails in another way.
        """
        known = deepcopy(self.blocks.get(number, _Block()))
        before = known.failed
        elsewhere = sum(one.failed for one in list(self.blocks.values())) - before
        known.failed_max = min(FAILED_READS_OF_BLOCK_MAX, FAILED_READS_MAX - elsewhere)
        at = number * BLOCK_SIZE_BYTES
        # Read ahead, a bad sector would be asked for again with each piece before it.
        os.posix_fadvise(handle, at, size, os.POSIX_FADV_RANDOM)
        block = b"".join(
            self._piece(handle, known, at=at, start=start, end=min(start + PIECE_BYTES, size))
            for start in range(0, size, PIECE_BYTES)
        )
        if known.failed > before and not still_there():
            return None
        self.blocks[number] = known
        return block

    def stretches(self, sizes: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return first and last byte, in the file, of what is zeros in blocks of these sizes."""
        found: list[tuple[int, int]] = []
        for number, size in sizes:
            at = number * BLOCK_SIZE_BYTES
            for sector in self.blocks[number].lost() if number in self.blocks else ():
                first = at + sector * SECTOR_BYTES
                last = min(first + SECTOR_BYTES, at + size) - 1
                if last < first:
                    break
                if found and found[-1][1] == first - 1:
                    first = found.pop()[0]
                found.append((first, last))
        return found

    def _piece(self, handle: int, known: _Block, *, at: int, start: int, end: int) -> bytes:
        sectors = range(start // SECTOR_BYTES, -(-end // SECTOR_BYTES))
        if known.good(sectors):
            piece = _read(handle, end - start, at + start)
            if piece is not None:
                return piece
            known.count(give_up_from=sectors.start)
        return b"".join(self._sector(handle, known, sector, at=at, end=end) for sector in sectors)

    def _sector(self, handle: int, known: _Block, sector: int, *, at: int, end: int) -> bytes:
        start = sector * SECTOR_BYTES
        size = min(SECTOR_BYTES, end - start)
        was_bad = sector in known.bad
        if sector >= known.given_up_from or (was_bad and not self.tries_again):
            return bytes(size)
        piece = _read(handle, size, at + start)
        if piece is not None:
            return piece
        if not was_bad:
            known.bad.add(sector)
            known.count(give_up_from=sector + 1)
        return bytes(size)


def _read(handle: int, size: int, at: int) -> bytes | None:
    """Return what lies there, or ``None`` where the card does not give it back."""
    try:
        return read_at(handle, size, at)
    except OSError as error:
        if error.errno not in NOT_READABLE:
            raise
        return None


def read_at(handle: int, size: int, at: int) -> bytes:
    """Read on after a short read: it is what precedes a sector that cannot be read."""
    pieces, left = [], size
    while left:
        piece = os.pread(handle, left, at + size - left)
        if not piece:
            break
        pieces.append(piece)
        left -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)

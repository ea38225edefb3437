"""A file of the directory store: writing one part of it, and reading it at any offset.

Every object begun from now on lies in its envelope. One without, stored or begun by an earlier
release, is read and finished as it is; ``python -m app objects seal`` gives it an envelope.
"""

import contextlib
import hashlib
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from bodycam.errors import ObjectDamaged
from bodycam.storage.envelope import (
    CHUNK_BYTES,
    HEAD_BYTES,
    TABLE_BYTES,
    TAG_BYTES,
    Envelope,
    Table,
    object_size,
    table_offset,
)
from bodycam.storage.port import Chunk
from bodycam.wire.digests import BLOCK_SIZE_BYTES, block_size

_STRIDE_BYTES: Final = 20 * CHUNK_BYTES  # sealed, then written: what two caches of a core hold
_EARLY_BYTES: Final = 1 << 20


class _Rooms(threading.local):
    """For each thread that seals, the memory where ciphertext lies until it is written."""

    def __init__(self) -> None:
        self.room = memoryview(bytearray(_STRIDE_BYTES + TAG_BYTES))


_rooms: Final = _Rooms()


@dataclass(frozen=True)
class PartOfFile:
    """Where a part of an open file is; ``envelope`` is ``None`` for one without."""

    handle: int
    number: int
    room: int
    envelope: Envelope | None

    @property
    def offset(self) -> int:
        """Where its bytes begin in the file."""
        if self.envelope is None:
            return self.number * BLOCK_SIZE_BYTES
        return table_offset(self.number) + TABLE_BYTES


class PartBytes:
    """Writes one part at its place: hashed as it came, and sealed where it has an envelope.

    Blocks; the store calls it in a thread.
    """

    def __init__(self, place: PartOfFile) -> None:
        self._place = place
        self._taken = 0
        self._at = place.offset
        self._sha256 = hashlib.sha256()
        envelope = place.envelope
        self._table: Table | None = envelope.new_table(place.number) if envelope else None
        self._chunk = 0
        self._held = b""  # less than a chunk, until the rest of it comes
        self._early = self._at  # until here the kernel was told to begin

    def write(self, pieces: Sequence[Chunk]) -> None:
        """Take the next bytes.

        Raises:
            ValueError: more than the part has; the caller counts, a fault of ours.
        """
        self._taken += sum(map(len, pieces))
        if self._taken > self._place.room:
            raise ValueError("more bytes than the part has")
        for piece in pieces:
            self._sha256.update(piece)
        if self._table is None:
            for piece in pieces:
                self._put(piece)
            return
        alone = len(pieces) == 1 and not self._held
        content = pieces[0] if alone else b"".join((self._held, *pieces))
        whole = len(content) - len(content) % CHUNK_BYTES
        self._seal(self._table, memoryview(content)[:whole])
        self._held = bytes(content[whole:])

    def sync(self) -> bytes:
        """Put bytes and table on the disk together; return the SHA-256 of what came."""
        if self._table is not None:
            self._seal(self._table, memoryview(self._held))
            _write_all(self._place.handle, self._table.to_bytes(), table_offset(self._place.number))
        os.fdatasync(self._place.handle)
        return self._sha256.digest()

    def _seal(self, table: Table, content: memoryview) -> None:
        room = _rooms.room
        for at in range(0, len(content), _STRIDE_BYTES):
            some = content[at : at + _STRIDE_BYTES]
            table.seal(self._chunk, some, room[: len(some) + TAG_BYTES])
            self._chunk += -(-len(some) // CHUNK_BYTES)
            self._put(room[: len(some)])

    def _put(self, content: Chunk) -> None:
        _write_all(self._place.handle, content, self._at)
        self._at += len(content)
        if self._at - self._early >= _EARLY_BYTES:
            # Linux begins to write such pages out, and keeps those under way: while the rest of
            # the part comes, so that the sync finds little left to wait for.
            size = self._at - self._early
            with contextlib.suppress(OSError):  # only a hint
                os.posix_fadvise(self._place.handle, self._early, size, os.POSIX_FADV_DONTNEED)
            self._early = self._at


def _write_all(handle: int, content: Chunk, at: int) -> None:
    left = memoryview(content)
    while left:
        written = os.pwrite(handle, left, at)
        left, at = left[written:], at + written


class ObjectFile:
    """An open object, read at any offset; only the chunks that a range needs are opened.

    The table and the chunk read last are kept: an index walks a file in small steps.
    """

    def __init__(self, handle: int, envelope: Envelope | None) -> None:
        self._handle = handle
        self._envelope = envelope
        self._table: tuple[int, Table] | None = None
        self._kept = -1  # the chunk that lies opened in our memory
        self._sealed = self._plain = memoryview(b"")
        found = os.fstat(handle).st_size
        self.size_bytes = found if envelope is None else object_size(found)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)

    def read_at(self, start: int, length: int) -> bytes:
        """Return ``length`` bytes from ``start``, less at the end of the object.

        Raises:
            ObjectDamaged: bytes of the range are not those that were stored.
        """
        if self._envelope is None:
            return os.pread(self._handle, length, start)
        end = min(start + length, self.size_bytes)
        pieces = []
        while start < end:
            until = min(end, (start // BLOCK_SIZE_BYTES + 1) * BLOCK_SIZE_BYTES)
            pieces.append(self._in_block(self._envelope, start, until))
            start = until
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def lost_parts(self, numbers: Sequence[int], *, size_bytes: int) -> list[int] | None:
        """Return the blocks that do not end with bytes sealed for this file and this place.

        ``None`` for a file without an envelope: nothing in it tells a hole from bytes.
        """
        if self._envelope is None:
            return None
        lost = []
        for number in numbers:
            last = number * BLOCK_SIZE_BYTES + block_size(number=number, size_bytes=size_bytes) - 1
            try:
                if not self.read_at(last, 1):
                    lost.append(number)
            except ObjectDamaged:
                lost.append(number)
        return lost

    def _in_block(self, envelope: Envelope, start: int, end: int) -> bytes:
        first, last = start // CHUNK_BYTES, (end - 1) // CHUNK_BYTES
        begin = first * CHUNK_BYTES
        if not (first == last == self._kept):
            number = start // BLOCK_SIZE_BYTES
            table = self._table_of(envelope, number)
            size = min((last + 1) * CHUNK_BYTES, self.size_bytes) - begin
            at = table_offset(number) + TABLE_BYTES + begin - number * BLOCK_SIZE_BYTES
            self._kept = -1
            self._grow(size)
            if os.preadv(self._handle, [self._sealed[:size]], at) < size:
                raise envelope.damaged(number)  # cut while it was open
            place = begin % BLOCK_SIZE_BYTES // CHUNK_BYTES
            table.open(place, self._sealed[: size + TAG_BYTES], self._plain[:size])
            self._kept = first if first == last else -1
        return bytes(self._plain[start - begin : end - begin])

    def _grow(self, size: int) -> None:
        """Have memory for so many bytes; used again, since an index asks thousands of times."""
        if len(self._plain) < size:
            self._sealed = memoryview(bytearray(size + TAG_BYTES))
            self._plain = memoryview(bytearray(size))

    def _table_of(self, envelope: Envelope, number: int) -> Table:
        if self._table is None or self._table[0] != number:
            content = os.pread(self._handle, TABLE_BYTES, table_offset(number))
            self._table = (number, envelope.read_table(number, content))
        return self._table[1]


def read_head(handle: int) -> bytes:
    """Return the two slots of an open file."""
    return os.pread(handle, HEAD_BYTES, 0)

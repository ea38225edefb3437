"""The body of one request on its way from the socket to the application: two pieces at most."""

import asyncio
import mmap
from collections.abc import Callable
from typing import Final

# Of one piece: whole chunks of 16 KiB, for a store that seals by chunks. A hand-over to a thread
# costs some 0.1 ms whatever the size: 2.6 CPU-s/GiB by 320 KiB, 2.1 by 960, hash, seal and sync
# included. Not a power of two: of a large write of such a length Linux 6.18 makes large folios,
# which a busy machine has to look for.
PIECE_BYTES_MAX: Final = 960 << 10
PIECE_BYTES_MIN: Final = 112 << 10


def piece_bytes(*, streams: int, memory_bytes: int) -> int:
    """Return how long a piece may be where ``streams`` bodies share the memory, two to each."""
    share = memory_bytes // (2 * max(streams, 1))
    return PIECE_BYTES_MAX if share >= PIECE_BYTES_MAX else PIECE_BYTES_MIN


class Body:
    """Takes bytes from the socket while the application has the piece before.

    Args:
        length: how many bytes the body has.
        piece_bytes: says how long a piece may be now.
        pause, resume: stop reading the socket, and go on.
    """

    def __init__(
        self,
        length: int,
        *,
        piece_bytes: Callable[[], int],
        pause: Callable[[], None],
        resume: Callable[[], None],
    ) -> None:
        self.left = length  # on the wire yet
        self._piece_bytes, self._pause, self._resume = piece_bytes, pause, resume
        self._filling: memoryview | None = None
        self._at = 0
        self._spare: memoryview | None = None
        self._ready: memoryview | None = None
        self._lent: memoryview | None = None
        self._waiting: asyncio.Future[None] | None = None
        self.gone = False  # the sender went away, or nobody takes the rest

    def room(self) -> memoryview:
        """Return where the next bytes go; never past the body's end."""
        if self._filling is None:
            self._filling, self._at = self._memory(), 0
        return self._filling[self._at : self._at + self.left]

    def _memory(self) -> memoryview:
        wanted = min(self._piece_bytes(), self.left)
        spare, self._spare = self._spare, None
        if spare is not None and wanted <= len(spare) <= self._piece_bytes():
            return spare
        # Of its own pages, so that what is given back is given back to the system.
        return memoryview(mmap.mmap(-1, max(wanted, 1)))

    def filled(self, count: int) -> None:
        """Take note of ``count`` bytes that were put into ``room``."""
        filling = self._filling
        if filling is None:
            return
        self._at += count
        self.left -= count
        if self._at < len(filling) and self.left:
            return
        self._ready, self._filling = filling[: self._at], None
        self._pause()  # until it is taken: one piece waits, one is with the application
        self._wake()

    async def take(self) -> tuple[memoryview | bytes, bool]:
        """Return the next piece, good until the next call, and whether more come after it.

        Raises:
            ConnectionResetError: the sender went away before the end.
        """
        self._spare, self._lent = self._lent, None
        while self._ready is None and self.left:
            if self.gone:
                raise ConnectionResetError
            self._resume()
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        if self._ready is None:
            return b"", False
        self._lent, self._ready = self._ready, None
        if self.left:
            self._resume()
        return self._lent, self.left > 0

    def give_up(self) -> None:
        """Hand over no more: who waits for a piece is told."""
        self.gone = True
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

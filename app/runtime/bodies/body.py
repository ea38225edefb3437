"""The body of one request on its way from the socket to the application: two pieces at most."""

import asyncio
import mmap
from collections import deque
from collections.abc import Callable
from typing import Final

# What one piece may have. A hand-over to a thread costs some 0.1 ms whatever its size; two pieces
# that no longer lie in a core's own cache cost more than that (1.9 CPU-s/GiB against 3.4 at 1 MiB).
PIECE_BYTES_MAX: Final = 512 << 10
PIECE_BYTES_MIN: Final = 128 << 10
_STEP_BYTES: Final = 64 << 10  # a store that seals by chunks gets whole ones
# Together they take what a disk can: 8 senders that fill a piece in 10 ms bring 400 MB/s.
_TURNS: Final = 8
_SLOW_SECONDS: Final = 0.01


def piece_bytes(*, streams: int, memory_bytes: int) -> int:
    """Return how long a piece may be where ``streams`` bodies share the memory, two to each."""
    share = memory_bytes // (2 * max(streams, 1))
    whole = share // _STEP_BYTES * _STEP_BYTES
    return max(PIECE_BYTES_MIN, min(PIECE_BYTES_MAX, whole))


class Turns:
    """Lets few bodies be read at once, so that what was read is still in the cache when written.

    A body keeps its turn to its last byte, unless its sender is slow: then it is read beside the
    others, whenever something comes, and holds nobody up.
    """

    def __init__(self) -> None:
        self._free = _TURNS
        self._waiting: deque[Body] = deque()
        self.reading = 0  # bodies that may hold memory now

    def ask(self, body: "Body") -> None:
        """Let ``body`` be read now, or as soon as another has ended."""
        if self._free:
            self._grant(body)
        else:
            self._waiting.append(body)

    def _grant(self, body: "Body") -> None:
        self._free -= 1
        self.reading += 1
        body.turn = True
        asyncio.get_running_loop().call_later(_SLOW_SECONDS, self._look, body, -1)
        body.go_on()

    def _look(self, body: "Body", before: int) -> None:
        if not body.turn:
            return
        if body.waits_for_sender and body.pieces == before:
            self._free_one(body)
            return
        asyncio.get_running_loop().call_later(_SLOW_SECONDS, self._look, body, body.pieces)

    def _free_one(self, body: "Body") -> None:
        body.turn = False
        self._free += 1
        while self._free and self._waiting:
            self._grant(self._waiting.popleft())

    def leave(self, body: "Body") -> None:
        """Take note that ``body`` is read no more."""
        if body in self._waiting:
            self._waiting.remove(body)
            return
        self.reading -= 1
        if body.turn:
            self._free_one(body)


class Body:
    """Takes bytes from the socket while the application has the piece before.

    Args:
        length: how many bytes the body has.
        turns: says when it may be read.
        memory_bytes: for all bodies that are read at once.
        pause, resume: stop reading the socket, and go on.
    """

    def __init__(
        self,
        length: int,
        *,
        turns: Turns,
        memory_bytes: int,
        pause: Callable[[], None],
        resume: Callable[[], None],
    ) -> None:
        self.left = length  # on the wire yet
        self.pieces = 0
        self.turn = False
        self._turns, self._memory_bytes = turns, memory_bytes
        self._pause, self._resume = pause, resume
        self._filling: memoryview | None = None
        self._at = 0
        self._spare: memoryview | None = None
        self._ready: memoryview | None = None
        self._lent: memoryview | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._open = False  # its turn has come, or it is slow
        self._gone = False

    def begin(self) -> None:
        """Wait for a turn, if there is anything to read."""
        if self.left:
            self._pause()
            self._turns.ask(self)

    def go_on(self) -> None:
        """Read; the turn has come."""
        self._open = True
        if self._ready is None:
            self._resume()

    @property
    def waits_for_sender(self) -> bool:
        """Whether the next piece lacks nothing but the sender's bytes."""
        return self._open and self.left > 0 and self._ready is None

    def room(self) -> memoryview:
        """Return where the next bytes go; never past the body's end."""
        if self._filling is None:
            self._filling, self._at = self._memory(), 0
        return self._filling[self._at : self._at + self.left]

    def _memory(self) -> memoryview:
        most = piece_bytes(streams=self._turns.reading, memory_bytes=self._memory_bytes)
        wanted = min(most, self.left)
        spare, self._spare = self._spare, None
        if spare is not None and wanted <= len(spare) <= most:
            return spare
        # Of its own pages, so that what is given back is given back to the system.
        return memoryview(mmap.mmap(-1, wanted))

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
        self.pieces += 1
        self._pause()  # until it is taken: one piece waits, one is with the application
        if not self.left:
            self._close()
        self._wake()

    async def take(self) -> tuple[memoryview | bytes, bool]:
        """Return the next piece, good until the next call, and whether more come after it.

        Raises:
            ConnectionResetError: the sender went away before the end.
        """
        self._spare, self._lent = self._lent, None
        while self._ready is None and self.left:
            if self._gone:
                raise ConnectionResetError
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        if self._ready is None:
            return b"", False
        self._lent, self._ready = self._ready, None
        if self.left and self._open:
            self._resume()
        return self._lent, self.left > 0

    def give_up(self) -> None:
        """Hand over no more, and read no more: who waits for a piece is told."""
        if self.left and not self._gone:
            self._close()
        self._gone = True
        self._wake()

    def _close(self) -> None:
        self._open = False
        self._turns.leave(self)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

"""A line that breaks: stands in front of any HTTP server on loopback and spoils what passes.

    with SimCases() as cases, FaultyLine(cases.url) as line:
        line.behave("erdr", Fault.RESET)          # the server's settings point to line.url

The last piece of a request's path names the register, so that one line serves many; ``None``
means all of them. Another process says the same over HTTP: ``POST /line {"register": "erdr",
"fault": "delay", "seconds": 5}``. What the line does is what networks and hosts do: nothing of
it is an answer that a register would give.
"""

import asyncio
import contextlib
import enum
import json
import socket
import struct
import threading
from typing import Final, Self
from urllib.parse import urlsplit

_LAST_TURNS: Final = 5  # of the loop, for what was accepted as the line was closed
_HEAD_MAX: Final = 64 * 1024
_BODY_MAX: Final = 16 << 20  # a part of a recording has 8 MiB
_START_SECONDS: Final = 10
_SLOW_PIECE: Final = 24  # bytes at a time, where a line trickles
_GARBAGE: Final = b"\x16\x03\x01\x00\xffnot this protocol\x00\xff" * 8


class Fault(enum.Enum):
    """What the line does to an exchange."""

    NONE = "none"
    DELAY = "delay"  # the right answer, ``seconds`` late
    RESET = "reset"  # the question is taken, then the connection is reset
    HALF_OPEN = "half_open"  # the question is taken, and nothing ever comes: no answer, no end
    GARBAGE = "garbage"  # bytes that are not HTTP
    SLOW_CLOSE = "slow_close"  # the answer trickles for ``seconds`` and its end never comes
    TRUNCATED = "truncated"  # half of the answer, then the end
    CUT = "cut"  # half of the question reaches the far end, then both connections end
    LOST = "lost"  # the far end has acted and answered; the answer never comes


class FaultyLine:
    """A relay to ``target`` on a thread of its own."""

    def __init__(self, target: str, *, host: str = "127.0.0.1", port: int = 0) -> None:
        far = urlsplit(target)
        self._far = (str(far.hostname), int(far.port or 80))
        self._faults: dict[str | None, tuple[Fault, float]] = {}
        self._left: dict[str | None, int] = {}  # how many exchanges more, where that is limited
        self._socket = socket.create_server((host, port))
        self.host, self.port = self._socket.getsockname()[:2]
        self.taken = 0  # questions that reached the line
        self.spoiled = 0  # those that a fault was done to
        self._tasks: set[asyncio.Task[None] | None] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sim-line", daemon=True)
        self._done: asyncio.Event

    @property
    def url(self) -> str:
        """The base address to give instead of the target's."""
        return f"http://{self.host}:{self.port}"

    def behave(
        self,
        register: str | None,
        fault: Fault,
        *,
        seconds: float = 30,
        times: int | None = None,
    ) -> None:
        """Do ``fault`` to exchanges with ``register`` from now on; ``None`` for all registers.

        ``times`` is after how many of them the line is whole again.
        """
        if register is None:
            self._faults.clear()
            self._left.clear()
        self._faults[register] = (fault, seconds)
        self._left.pop(register, None)
        if times is not None:
            self._left[register] = times

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise RuntimeError("the line did not start")
        return self

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(_START_SECONDS)
        self._socket.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._done = asyncio.Event()
        server = await asyncio.start_server(self._connected, sock=self._socket)
        self._ready.set()
        await self._done.wait()
        server.close()
        mine = asyncio.current_task()
        # A line that was just accepted may not have begun: it begins first, so that it closes.
        for _ in range(_LAST_TURNS):
            await asyncio.sleep(0)
        while others := [task for task in asyncio.all_tasks() if task is not mine]:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await asyncio.sleep(0)

    async def _connected(self, near: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        # A stream is held by nobody but its task, and the task by its stream: hold it here, or a
        # caller who hangs up lets both be collected in mid-exchange.
        mine = asyncio.current_task()
        self._tasks.add(mine)
        with (
            contextlib.closing(out),
            contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError),
        ):
            head, body = await _request(near)
            path = head.split(b" ", 2)[1].split(b"?", 1)[0]
            register = path.rstrip(b"/").rsplit(b"/", 1)[-1].decode()
            if register == "line":
                out.write(self._told(body))
            else:
                self.taken += 1
                await self._exchange(register, head + body, out)
            await out.drain()
        self._tasks.discard(mine)

    async def _exchange(self, register: str, request: bytes, out: asyncio.StreamWriter) -> None:
        fault, seconds = self._fault_of(register)
        self.spoiled += fault is not Fault.NONE
        if fault is Fault.CUT:
            await self._begun(request)
        if fault is Fault.LOST:
            await self._relayed(request)
        if fault in {Fault.RESET, Fault.CUT, Fault.LOST}:
            _reset(out)
            return
        if fault is Fault.HALF_OPEN:
            await self._done.wait()
            return
        if fault is Fault.GARBAGE:
            out.write(_GARBAGE)
            return
        answer = await self._relayed(request)
        if fault is Fault.DELAY:
            await asyncio.sleep(seconds)
        if fault is Fault.TRUNCATED:
            answer = answer[: len(answer) // 2]
        if fault is Fault.SLOW_CLOSE:
            await self._trickle(answer, seconds, out)
            return
        out.write(answer)

    def _fault_of(self, register: str) -> tuple[Fault, float]:
        name = register if register in self._faults else None
        found = self._faults.get(name, (Fault.NONE, 0.0))
        if name in self._left:
            self._left[name] -= 1
            if not self._left[name]:
                del self._left[name], self._faults[name]
        return found

    async def _begun(self, request: bytes) -> None:
        """Let half of a question through and hang up."""
        _, out = await asyncio.open_connection(*self._far)
        with contextlib.closing(out):
            out.write(request[: len(request) // 2])
            await out.drain()

    async def _trickle(self, answer: bytes, seconds: float, out: asyncio.StreamWriter) -> None:
        """Send all but the last byte in pieces over ``seconds``, then neither it nor an end."""
        pieces = range(0, len(answer) - 1, _SLOW_PIECE)
        for start in pieces:
            out.write(answer[start : min(start + _SLOW_PIECE, len(answer) - 1)])
            await out.drain()
            await asyncio.sleep(seconds / len(pieces))
        await self._done.wait()

    async def _relayed(self, request: bytes) -> bytes:
        near, out = await asyncio.open_connection(*self._far)
        try:
            out.write(request)
            await out.drain()
            head, body = await _request(near, bare=request.startswith(b"HEAD "))
            # This line ends after each exchange: told in time, nobody tries to use it again.
            return head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) + body
        finally:
            out.close()

    def _told(self, body: bytes) -> bytes:
        try:
            wanted = json.loads(body)
            seconds = float(wanted.get("seconds", 30))
            self.behave(wanted.get("register"), Fault(wanted["fault"]), seconds=seconds)
        except (ValueError, KeyError, TypeError, AttributeError):
            return b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        return b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


async def _request(near: asyncio.StreamReader, *, bare: bool = False) -> tuple[bytes, bytes]:
    """Return head and body of one message that tells its length, as both our ends do.

    A ``bare`` one, the answer to HEAD, tells the length of a body that it does not have.
    """
    head = await near.readuntil(b"\r\n\r\n")
    if len(head) > _HEAD_MAX:
        raise OSError("too long a head")
    if bare:
        return head, b""
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    if length > _BODY_MAX:
        raise OSError("too long a body")
    return head, await near.readexactly(length)


def _reset(out: asyncio.StreamWriter) -> None:
    line: socket.socket = out.get_extra_info("socket")
    # Lingering for no time at all: closing sends a reset instead of an end.
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    out.transport.abort()

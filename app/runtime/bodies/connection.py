"""One connection: heads and bodies in, answers out, one request after the other."""

import asyncio
import http
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Final, cast

import structlog
from starlette.types import ASGIApp, Message, Scope

from app.runtime.bodies.body import Body, piece_bytes
from app.runtime.bodies.head import END, HEAD_BYTES_MAX, Head, HeadNotGood, read_head
from app.runtime.bodies.turns import Turns

_SCRATCH_BYTES: Final = 64 << 10
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

log = structlog.get_logger("app.runtime.bodies")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one caller may take of us.

    Attributes:
        memory_bytes: for the bodies of all requests at once, as far as the least piece allows.
        body_bytes: what is still read of a body that nobody wants; a longer one ends the line.
        head_seconds: from the first byte of a head to its last.
        idle_seconds: without a byte: between requests, in a body, in an answer not taken.
        body_seconds: a whole body, however slowly it comes.
        connections: at once; one more is closed.
        bodies: read at once; the others wait for their turn.
        waiting_bytes: of one line that the kernel holds before they are read. What more is sent
            waits at its sender: whole parts of 64 docks in kernel memory are half a gibibyte, and
            out of every cache by their turn. Linux doubles it, within
            ``net.core.rmem_max``; at 20 ms it lets 25 MB/s through.
    """

    memory_bytes: int = 16 << 20
    body_bytes: int = 8 << 20
    head_seconds: float = 10
    idle_seconds: float = 30
    body_seconds: float = 900
    connections: int = 1024
    bodies: int = 4
    waiting_bytes: int = 512 << 10


@dataclass
class Door:
    """What all connections of one server share."""

    app: ASGIApp
    limits: Limits
    connections: "set[Connection]" = field(default_factory=set)
    closing: bool = False
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    # Read into and taken out of again before anything else happens: one for all of them.
    scratch: memoryview = field(default_factory=lambda: memoryview(bytearray(_SCRATCH_BYTES)))
    turns: Turns = field(init=False)

    def __post_init__(self) -> None:
        self.turns = Turns(self.limits.bodies)

    def piece_bytes(self) -> int:
        """Return how long a piece of a body may be now."""
        return piece_bytes(streams=self.turns.reading, memory_bytes=self.limits.memory_bytes)


class Connection(asyncio.BufferedProtocol):
    """Speaks HTTP/1.1 with one peer. Nothing of the next request is read before the answer."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._transport: asyncio.Transport | None = None
        self._come = bytearray()  # of a head, or before its turn
        self._body: Body | None = None
        self._unwanted = 0  # of a body whose request is answered already
        self._busy = False
        self._waits_turn = False
        self._last = False  # no request after this one
        self._began = self._moved = time.monotonic()
        self._writable = asyncio.Event()
        self._writable.set()

    # --- what the loop calls -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of the peer, or turn it away when there are too many."""
        self._transport = cast("asyncio.Transport", transport)  # of a stream, always
        if len(self._door.connections) >= self._door.limits.connections:
            self._transport.abort()
            return
        self._door.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's names
        """Forget the peer; a request under way is told."""
        self._door.connections.discard(self)
        self._transport = None
        self._writable.set()
        if self._body is not None:
            self._body.give_up()

    def eof_received(self) -> bool:
        """Close, unless an answer is still due."""
        if self._body is not None and self._body.left:
            return False
        self._last = True
        return self._busy

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the protocol's names
        """Return where to read to: a body's own memory, or the scratch."""
        if self._body is not None and self._body.left:
            return self._body.room()
        return self._door.scratch

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read."""
        self._moved = time.monotonic()
        if self._body is not None and self._body.left:
            self._body.filled(nbytes)
            return
        if self._unwanted:
            passed = min(self._unwanted, nbytes)
            self._unwanted -= passed
            self._come += self._door.scratch[passed:nbytes]
            if self._unwanted:
                return
        else:
            if not self._come:
                self._began = self._moved
            self._come += self._door.scratch[:nbytes]
        self._read()

    def pause_writing(self) -> None:
        """The peer takes no more of the answer."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It does again."""
        self._writable.set()

    # --- requests ----------------------------------------------------------------------------

    def _read(self) -> None:
        """Begin the next request if its head is here."""
        if self._busy or self._transport is None:
            return
        if self._last and not self._unwanted:
            self._transport.close()
            return
        end = self._come.find(END, 0, HEAD_BYTES_MAX)
        if end < 0:
            if len(self._come) >= HEAD_BYTES_MAX:
                self._turn_away(HeadNotGood(431, "a head is shorter"))
            return
        try:
            head = read_head(bytes(self._come[: end + len(END)]))
        except HeadNotGood as bad:
            self._turn_away(bad)
            return
        del self._come[: end + len(END)]
        self._begin(head)

    def _turn_away(self, bad: HeadNotGood) -> None:
        transport = self._transport
        if transport is None:
            return
        transport.write(
            f"HTTP/1.1 {bad.status} {http.HTTPStatus(bad.status).phrase}\r\n"
            "Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        self._come.clear()
        self._linger(HEAD_BYTES_MAX)

    def _linger(self, count: int) -> None:
        """Say no more; take a little of what still comes, or the peer may never see our word."""
        transport = self._transport
        if transport is None:
            return
        self._last, self._unwanted = True, count
        self._began = time.monotonic()
        if transport.can_write_eof():
            transport.write_eof()
        self._resume()

    def _begin(self, head: Head) -> None:
        self._busy = True
        self._began = self._moved
        self._last = self._last or not head.keep_alive or self._door.closing
        body = self._body = Body(
            head.body_bytes,
            piece_bytes=self._door.piece_bytes,
            pause=self._pause,
            resume=self._resume,
        )
        self._waits_turn = bool(body.left) and not self._door.turns.ask(self)
        self._give_early(body)
        if not body.left or self._waits_turn:
            self._pause()  # what comes now is of the next request: it waits in the kernel
        exchange = Exchange(self, head, body)
        task = asyncio.get_running_loop().create_task(self._answer(exchange))
        self._door.tasks.add(task)
        task.add_done_callback(self._door.tasks.discard)

    def _give_early(self, body: Body) -> None:
        """Hand over what of the body came together with its head."""
        while self._come and body.left:
            room = body.room()
            count = min(len(room), len(self._come))
            room[:count] = self._come[:count]
            del self._come[:count]
            body.filled(count)

    async def _answer(self, exchange: "Exchange") -> None:
        try:
            await self._door.app(exchange.scope(), exchange.receive, exchange.send)
        except Exception:
            log.exception("fault")  # the application answers its own faults; this is one of ours
        finally:
            self._end(exchange)

    def _end(self, exchange: "Exchange") -> None:
        """Get ready for the next request, or close."""
        body, self._body, self._busy, self._waits_turn = self._body, None, False, False
        self._door.turns.done(self)
        left = body.left if body is not None else 0
        transport = self._transport
        if transport is None:
            return
        if not exchange.answered or (left and exchange.awaits_continue):
            transport.close()
            return
        if self._last and not left:
            transport.close()
            return
        if self._last or left > self._door.limits.body_bytes:
            self._linger(min(left, self._door.limits.body_bytes))
            return
        # The sender is let finish, or it would take our answer for a broken line.
        self._unwanted = left
        self._began = self._moved = time.monotonic()
        self._resume()
        if not left:
            self._read()

    # --- for the exchange, the turns and the server ----------------------------------------------

    def begin_body(self) -> None:
        """Read the body: it is our turn."""
        self._waits_turn = False
        self._began = time.monotonic()
        self._resume()

    def write(self, text: bytes) -> None:
        """Send, or drop it where nobody is there."""
        if self._transport is not None:
            self._moved = time.monotonic()
            self._transport.write(text)

    async def drained(self) -> None:
        """Wait until the peer has taken enough of the answer."""
        await self._writable.wait()

    def peer(self) -> Any:
        """Return the peer's address."""
        return self._transport.get_extra_info("peername") if self._transport else None

    def name(self) -> Any:
        """Return our own address."""
        return self._transport.get_extra_info("sockname") if self._transport else None

    @property
    def last(self) -> bool:
        """Whether the connection ends with the request under way."""
        return self._last

    def _pause(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def _resume(self) -> None:
        transport = self._transport
        if self._waits_turn or transport is None or transport.is_closing():
            return
        if transport.is_reading():
            return
        self._moved = time.monotonic()  # that we did not read was no fault of the sender's
        transport.resume_reading()

    def look(self, now: float) -> None:
        """End a line that has been silent, or slow, for too long."""
        limits, transport = self._door.limits, self._transport
        if transport is None:
            return
        receives = self._unwanted or (self._body is not None and self._body.left)
        waits = transport.is_reading() or not self._writable.is_set()
        if (
            (waits and now - self._moved > limits.idle_seconds)
            or (self._come and not self._busy and now - self._began > limits.head_seconds)
            or (receives and now - self._began > limits.body_seconds)
        ):
            self.hang_up()

    def hang_up(self) -> None:
        """Break the line off."""
        if self._transport is not None:
            self._transport.abort()

    def close_idle(self) -> None:
        """Close between two requests; a request under way is the last."""
        self._last = True
        if not self._busy and self._transport is not None:
            self._transport.close()


class Exchange:
    """One request and its answer, as the application sees them."""

    def __init__(self, line: Connection, head: Head, body: Body) -> None:
        self._line, self._head, self._body = line, head, body
        self.awaits_continue = head.expects_continue and body.left == head.body_bytes > 0
        self.answered = False
        self._start: Message | None = None
        self._taken = False

    def scope(self) -> Scope:
        """Return the request in the words of ASGI 3."""
        head = self._head
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": head.version,
            "server": self._line.name(),
            "client": self._line.peer(),
            "scheme": "http",
            "method": head.method,
            "root_path": "",
            "path": head.path,
            "raw_path": head.raw_path,
            "query_string": head.query,
            "headers": head.headers,
            "state": {},
        }

    async def receive(self) -> Message:
        """Return the next piece of the body; it is good until the next call."""
        if self._taken:
            await asyncio.Event().wait()  # who asks after the end waits for the line to break
        if self.awaits_continue:
            self.awaits_continue = False
            self._line.write(_CONTINUE)
        try:
            piece, more = await self._body.take()
        except ConnectionResetError:
            return {"type": "http.disconnect"}
        self._taken = not more
        return {"type": "http.request", "body": piece, "more_body": more}

    async def send(self, message: Message) -> None:
        """Send the answer; its head goes with the first of its body."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        body: bytes = message.get("body", b"")
        if self._start is not None:
            body, self._start = self._begin(self._start) + body, None
        more = message.get("more_body", False)
        self._line.write(body)
        await self._line.drained()
        self.answered = not more

    def _begin(self, start: Message) -> bytes:
        status: int = start["status"]
        lines = [f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}".encode()]
        headers: list[tuple[bytes, bytes]] = start.get("headers", [])
        lines += [name + b": " + value for name, value in headers]
        lines.append(b"date: " + formatdate(usegmt=True).encode())
        if self._line.last or self.awaits_continue:
            lines.append(b"connection: close")
        return b"\r\n".join(lines) + END

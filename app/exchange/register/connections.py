"""HTTP/1.1 to one far end over connections that are kept: one question on each at a time.

A roadside check asks eight registers, so what a question costs counts eight times: 0.1 ms here,
1.9 ms through a general client. What is not needed is left out: no redirects, no proxies, no
cookies, no unpacking, no pipelining. The bytes of an answer are read by llhttp (``httptools``).
"""

import asyncio
import base64
import contextlib
import enum
import ssl
from collections import deque
from dataclasses import dataclass, field
from typing import Final, cast
from urllib.parse import unquote, urlsplit

import httptools

_OK: Final = 200
_SWITCHING: Final = 101
_FINAL: Final = 200  # below it an answer only announces another
_HEAD_BYTES_MAX: Final = 64 * 1024
_IDLE_SECONDS: Final = 5.0  # below what far ends keep: a question sent to a closed one is lost


class NotConnected(Exception):
    """No connection could be made: the question never left. The text says why."""


class Broken(Exception):
    """The line broke, or what came is no answer; the text says why and names nobody."""


class _Awaits(enum.Enum):
    """What a connection expects next."""

    NOTHING = enum.auto()  # it is free, or not usable any more
    HEAD = enum.auto()
    BODY = enum.auto()


class _Connection(asyncio.Protocol):
    """One connection: asks, and reads one answer."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._awaits = _Awaits.NOTHING
        self._answer: asyncio.Future[bytes] | None = None
        self._body = bytearray()
        self._head_bytes = self._bytes_max = 0
        self._framed = False
        self.free_since = 0.0

    @property
    def is_free(self) -> bool:
        """Whether the next question may go out on it."""
        transport = self._transport
        return (
            self._awaits is _Awaits.NOTHING and transport is not None and not transport.is_closing()
        )

    async def ask(self, question: bytes, *, bytes_max: int) -> bytes:
        """Send ``question`` whole and return the body of the answer.

        Raises:
            Broken: there is none. The connection is then closed, as it is for whoever gives up.
        """
        if self._transport is None:
            raise Broken("transport.ReadError")
        self._answer = asyncio.get_running_loop().create_future()
        self._awaits, self._bytes_max, self._head_bytes = _Awaits.HEAD, bytes_max, 0
        self._framed = False
        self._body.clear()
        self._transport.write(question)
        try:
            return await self._answer
        finally:
            if self._awaits is not _Awaits.NOTHING:
                self.close()

    def close(self) -> None:
        """Close it; what has not come is not waited for."""
        self._awaits = _Awaits.NOTHING
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    # What the loop tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.Protocol``."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        if self._awaits is _Awaits.NOTHING:  # nobody has asked
            self.close()
            return
        if self._awaits is _Awaits.HEAD:
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES_MAX + self._bytes_max:
                self._fail("answer_too_large")
                return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail("transport.RemoteProtocolError")

    def eof_received(self) -> None:
        """See ``asyncio.Protocol``."""
        if self._awaits is _Awaits.BODY and not self._framed:
            self._succeed()  # the end of the line is the end of the answer (RFC 9112, 6.3)
        self._fail("transport.RemoteProtocolError")

    def connection_lost(self, _error: Exception | None) -> None:
        """See ``asyncio.Protocol``."""
        self._fail("transport.ReadError")
        self._transport = None

    # What the parser tells.

    def on_message_begin(self) -> None:
        """Begin an answer; one that nobody has asked for ends the connection."""
        if self._awaits is not _Awaits.HEAD:
            self._fail("transport.RemoteProtocolError")

    def on_header(self, name: bytes, _value: bytes) -> None:
        """Remember whether the answer tells its own length."""
        if name.lower() in {b"content-length", b"transfer-encoding"}:
            self._framed = True

    def on_headers_complete(self) -> None:
        """Refuse at once what is no answer, before its body comes."""
        status = self._parser.get_status_code()
        if status == _SWITCHING or status >= _FINAL:
            self._awaits = _Awaits.BODY if self._awaits is _Awaits.HEAD else self._awaits
            if status != _OK:
                self._fail(f"http_{status}")

    def on_body(self, piece: bytes) -> None:
        """Take a piece, up to the limit."""
        if self._awaits is not _Awaits.BODY:
            return
        if len(self._body) + len(piece) > self._bytes_max:
            self._fail("answer_too_large")
            return
        self._body += piece

    def on_message_complete(self) -> None:
        """Give the answer out, if it is one."""
        if self._awaits is _Awaits.BODY:
            self._succeed()
            if not self._parser.should_keep_alive():
                self.close()

    def _succeed(self) -> None:
        self._awaits = _Awaits.NOTHING
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(bytes(self._body))
        self._body.clear()

    def _fail(self, why: str) -> None:
        waiting = self._awaits is not _Awaits.NOTHING
        self.close()
        if waiting and self._answer is not None and not self._answer.done():
            self._answer.set_exception(Broken(why))


@dataclass(kw_only=True)
class Connections:
    """The connections to one address; at most ``connections_max``, the next wait for a free one.

    Attributes:
        address: ``http://`` or ``https://``, with a path in front of each question's if need be.
        connections_max: how many at once.
        connect_seconds: a connection that takes longer is none.
        tls: what is believed over ``https://``.
    """

    address: str
    connections_max: int
    connect_seconds: float
    tls: ssl.SSLContext | None
    _idle: list[_Connection] = field(init=False, default_factory=list, repr=False)
    _waiting: deque[asyncio.Future[None]] = field(init=False, default_factory=deque, repr=False)
    _open: int = field(init=False, default=0)
    _host: str = field(init=False)
    _port: int = field(init=False)
    _secure: bool = field(init=False)
    _prefix: str = field(init=False)
    _head: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.address)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._secure else 80)
        self._prefix = parts.path.rstrip("/")
        named = f"[{self._host}]" if ":" in self._host else self._host
        head = f"Host: {named}:{self._port}\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
        if parts.username is not None:
            account = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            head += f"Authorization: Basic {base64.b64encode(account).decode()}\r\n"
        self._head = head

    async def post(
        self, path: str, content: bytes, *, headers: dict[str, str], bytes_max: int
    ) -> bytes:
        """Send ``content`` and return the body of an answer 200, of at most ``bytes_max`` bytes.

        Raises:
            NotConnected: nothing was sent.
            Broken: it may have been, and there is no answer.
        """
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        target = f"{self._prefix}{path}" or "/"
        head = f"POST {target} HTTP/1.1\r\n{self._head}{lines}Content-Length: {len(content)}\r\n"
        question = f"{head}\r\n".encode("ascii") + content
        await self._turn()
        try:
            connection = self._free_one() or await self._connected()
            answer = await connection.ask(question, bytes_max=bytes_max)
            if connection.is_free:
                connection.free_since = asyncio.get_running_loop().time()
                self._idle.append(connection)
            return answer
        finally:
            self._give_turn()

    async def aclose(self) -> None:
        """Close what is free; what is asked on is closed by whoever asks."""
        while self._idle:
            self._idle.pop().close()

    async def _turn(self) -> None:
        if self._open < self.connections_max:
            self._open += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # given up as the turn came: pass it on
                self._give_turn()
            else:
                with contextlib.suppress(ValueError):
                    self._waiting.remove(turn)
            raise

    def _give_turn(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._open -= 1

    def _free_one(self) -> _Connection | None:
        """Return the connection used last; those unused for long are closed on the way."""
        since = asyncio.get_running_loop().time() - _IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.is_free and connection.free_since > since:
                return connection
            connection.close()
        return None

    async def _connected(self) -> _Connection:
        try:
            async with asyncio.timeout(self.connect_seconds):
                _, connection = await asyncio.get_running_loop().create_connection(
                    _Connection, self._host, self._port, ssl=self.tls if self._secure else None
                )
                return connection
        except TimeoutError as error:
            raise NotConnected("timed_out") from error
        except OSError as error:
            raise NotConnected("transport.ConnectError") from error

"""ZVT over TCP: the bare APDUs, no blocks and no acknowledgements; the network repeats for us.

The terminal listens on port 20007; the cash register opens and closes the connection.
"""

import logging
import socket
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from fines.field.line import LineLost, Timers
from fines.wire import zvt, zvt_frame
from fines.wire.zvt_errors import LengthMismatch

log = logging.getLogger(__name__)

SCHEME: Final = "zvt"  # zvt://host:20007
PORT: Final = 20007
_READ_BYTES: Final = 4096
_LOOK_SECONDS: Final = 0.2  # how often ``until`` is asked


class TcpLine:
    """An open connection. See ``line.Line``: the same calls, the same promises.

    Raises:
        LineLost: on any call, when the connection is gone.
    """

    def __init__(self, *, url: str, timers: Timers) -> None:
        address = urlsplit(url)
        if address.scheme != SCHEME or not address.hostname:
            raise LineLost("the terminal's address must be zvt://host:port")
        try:
            where = (address.hostname, address.port or PORT)
            self._socket = socket.create_connection(where, timeout=timers.t2_seconds)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, ValueError) as error:
            raise LineLost("the terminal cannot be reached") from error
        self._timers = timers
        self._received = bytearray()
        self._messages: deque[zvt.Apdu] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; harmless twice."""
        self._socket.close()

    def send(self, message: zvt.Apdu) -> None:
        """Hand a message to the network; that the terminal has it, its answer says."""
        try:
            self._socket.settimeout(self._timers.t2_seconds)
            self._socket.sendall(zvt.pack(message))
        except OSError as error:
            raise LineLost("the terminal has hung up") from error

    def receive(
        self, *, timeout_seconds: float, until: Callable[[], bool] | None = None
    ) -> zvt.Apdu | None:
        """Return the terminal's next message; ``None`` when none came in time."""
        deadline = time.monotonic() + timeout_seconds
        while not self._messages:
            remaining = deadline - time.monotonic()
            if remaining <= 0 or (until is not None and until()):
                return None
            self._read(min(remaining, _LOOK_SECONDS))
        return self._messages.popleft()

    def _read(self, seconds: float) -> None:
        try:
            self._socket.settimeout(seconds)
            data = self._socket.recv(_READ_BYTES)
        except TimeoutError:
            return
        except OSError as error:
            raise LineLost("the terminal has hung up") from error
        if not data:
            raise LineLost("the terminal has hung up")
        self._received += data
        while (size := _whole(self._received)) is not None:
            self._messages.append(zvt.parse(bytes(self._received[:size])))
            del self._received[:size]


def _whole(received: bytearray) -> int | None:
    """Return how long the first message is, ``None`` while its end has not come."""
    try:
        size = zvt_frame.apdu_length(bytes(received[:5]))
    except LengthMismatch:
        return None
    if size > zvt_frame.APDU_BYTES_MAX:
        raise LineLost("a message longer than any; something else speaks on this port")
    return size if len(received) >= size else None

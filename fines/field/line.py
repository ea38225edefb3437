"""The serial line to the card terminal: blocks, acknowledgements, repeats (PA00P015, chapter 1).

One thread owns a line. Nothing here knows what a message means.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import serial

from fines.wire import zvt, zvt_frame
from fines.wire.zvt_errors import ZvtMalformed

log = logging.getLogger(__name__)


class LineSilent(Exception):
    """The terminal did not acknowledge or answer in time. What it did meanwhile is unknown."""


class LineLost(LineSilent):
    """The port itself is gone or busy: unplugged, or owned by another program."""


@dataclass(frozen=True, kw_only=True)
class Timers:
    """The specification's timers, in seconds, and the repeats after a lost or bad block.

    ``t1``: quiet inside a block. ``t2``: wait for ACK or NAK. ``t3``: from a command to its
    answer. ``t4``: from 80 00 to the closing command, armed anew by every status.
    """

    t1_seconds: float = 0.2
    t2_seconds: float = 5.0
    t3_seconds: float = 5.0
    t4_seconds: float = 180.0
    repeats: int = 2  # three sendings in all


class Line:
    """An open line. ``send`` returns once the terminal has the message, ``receive`` acknowledges.

    ``open_port`` and ``monotonic`` are pyserial's and the machine's; a simulation brings its own.

    Raises:
        LineLost: on any call, when the port is gone.
    """

    def __init__(
        self,
        *,
        url: str,
        timers: Timers,
        baud: int = 9600,
        open_port: Callable[..., Any] = serial.serial_for_url,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        try:
            self._port = open_port(
                url,
                baudrate=baud,
                bytesize=serial.EIGHTBITS,
                parity=serial.PARITY_NONE,
                stopbits=serial.STOPBITS_TWO,
                timeout=timers.t1_seconds,
                write_timeout=timers.t2_seconds,
                **({} if "://" in url else {"exclusive": True}),
            )
            self._port.reset_input_buffer()
        except (OSError, ValueError) as error:  # SerialException is an OSError
            raise LineLost("the terminal's port cannot be opened") from error
        self._timers = timers
        self._reader = zvt_frame.BlockReader()
        self._events: deque[zvt_frame.Event] = deque()
        self._messages: deque[zvt.Apdu] = deque()
        self._last_block = b""
        self._sent_since = True

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
        """Give the port back; harmless twice."""
        self._port.close()

    def send(self, message: zvt.Apdu) -> None:
        """Hand a message to the terminal, repeating the block as the specification allows.

        Raises:
            LineSilent: no ACK after the last repeat; the terminal may still have acted on it.
        """
        block = zvt_frame.encode(zvt.pack(message))
        for _ in range(1 + self._timers.repeats):
            self._write(block)
            if self._acknowledged():
                self._sent_since = True
                return
        raise LineSilent(f"no acknowledgement of {message}")

    def receive(
        self, *, timeout_seconds: float, until: Callable[[], bool] | None = None
    ) -> zvt.Apdu | None:
        """Return the terminal's next message, already acknowledged; ``None`` when none came.

        ``until`` is asked between reads and ends the wait early.
        """
        deadline = self._monotonic() + timeout_seconds
        while not self._messages:
            event = self._next(deadline, until)
            if event is None:
                return None
            self._take(event)
        return self._messages.popleft()

    def _acknowledged(self) -> bool:
        deadline = self._monotonic() + self._timers.t2_seconds
        while (event := self._next(deadline, None)) is not None:
            if isinstance(event, zvt_frame.Ack):
                return True
            if isinstance(event, zvt_frame.Nak):
                return False
            if self._take(event):
                return True  # the terminal goes on talking: only its ACK was lost
        return False

    def _take(self, event: zvt_frame.Event) -> bool:
        """Acknowledge what came; ``True`` if it was a new message."""
        if isinstance(event, zvt_frame.Damaged):
            log.warning("damaged block from the terminal: %s", event.fault.value)
            self._write(zvt_frame.NAK)
            return False
        if not isinstance(event, zvt_frame.Block):
            return False  # an ACK or NAK nobody waits for
        self._write(zvt_frame.ACK)
        if event.apdu == self._last_block and not self._sent_since:
            return False  # our ACK was lost and the block came again
        self._last_block = event.apdu
        self._sent_since = False
        try:
            self._messages.append(zvt.parse(event.apdu))
        except ZvtMalformed:
            log.warning("a block without a readable message")
            return False
        return True

    def _next(self, deadline: float, until: Callable[[], bool] | None) -> zvt_frame.Event | None:
        while not self._events:
            remaining = deadline - self._monotonic()
            if remaining <= 0 or (until is not None and until()):
                return None
            data = self._read(min(remaining, self._timers.t1_seconds))
            if data:
                self._events.extend(self._reader.feed(data))
            elif self._reader.in_block and (damage := self._reader.quiet()) is not None:
                self._events.append(damage)
        return self._events.popleft()

    def _read(self, seconds: float) -> bytes:
        try:
            self._port.timeout = seconds
            first: bytes = self._port.read(1)
            waiting = self._port.in_waiting if first else 0
            return first + (self._port.read(waiting) if waiting else b"")
        except (OSError, TypeError) as error:  # TypeError: pyserial, port closed under a read
            raise LineLost("the terminal's port is gone") from error

    def _write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except OSError as error:
            raise LineLost("the terminal's port takes no bytes") from error

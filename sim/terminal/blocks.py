"""The terminal's side of the block protocol: acknowledge, repeat, notice a repeated block.

Written apart from the cash register's, so that the two cannot share a mistake.
"""

from collections.abc import Callable
from dataclasses import dataclass

from fines.wire import zvt, zvt_frame
from fines.wire.zvt_errors import ZvtMalformed
from sim.clock import SYSTEM, Clock
from sim.terminal.wire import Wire


@dataclass(frozen=True, kw_only=True)
class TerminalTimers:
    """PA00P015's timers in seconds; a simulation may hurry."""

    t1_seconds: float = 0.2
    t2_seconds: float = 5.0
    t3_seconds: float = 5.0
    repeats: int = 2


class Blocks:
    """Messages over a wire. ``alive`` is called between reads and may raise to end any wait."""

    def __init__(
        self,
        *,
        wire: Wire,
        timers: TerminalTimers,
        alive: Callable[[], None],
        clock: Clock = SYSTEM,
    ) -> None:
        self._wire, self._timers, self._alive, self._clock = wire, timers, alive, clock
        self._reader = zvt_frame.BlockReader()
        self._events: list[zvt_frame.Event] = []
        self._inbox: list[zvt.Apdu] = []
        self._previous: bytes | None = None  # the last block received, until we send a new one

    def send(self, message: zvt.Apdu) -> bool:
        """Return whether the cash register has acknowledged the message."""
        block = zvt_frame.encode(zvt.pack(message))
        for _ in range(self._timers.repeats + 1):
            self._wire.write(block)
            end = self._clock.monotonic() + self._timers.t2_seconds
            while (event := self._event(end)) is not None:
                if isinstance(event, zvt_frame.Nak):
                    break
                if isinstance(event, zvt_frame.Ack) or self._receive_block(event):
                    self._previous = None
                    return True
        return False

    def receive(self, seconds: float) -> zvt.Apdu | None:
        """Return the next message, acknowledged; ``None`` when none came in time."""
        end = self._clock.monotonic() + seconds
        while not self._inbox:
            event = self._event(end)
            if event is None:
                return None
            self._receive_block(event)
        return self._inbox.pop(0)

    def _receive_block(self, event: zvt_frame.Event) -> bool:
        if isinstance(event, zvt_frame.Damaged):
            self._wire.write(zvt_frame.NAK)
            return False
        if not isinstance(event, zvt_frame.Block):
            return False
        self._wire.write(zvt_frame.ACK)
        if event.apdu == self._previous:
            return False
        self._previous = event.apdu
        try:
            self._inbox.append(zvt.parse(event.apdu))
        except ZvtMalformed:
            return False
        return True

    def _event(self, end: float) -> zvt_frame.Event | None:
        while not self._events:
            self._alive()
            left = end - self._clock.monotonic()
            if left <= 0:
                return None
            data = self._wire.read(min(left, self._timers.t1_seconds, 0.05))
            if data:
                self._quiet_from = self._clock.monotonic() + self._timers.t1_seconds
                self._events += self._reader.feed(data)
            elif self._reader.in_block and self._clock.monotonic() >= self._quiet_from:
                damage = self._reader.quiet()
                self._events += [damage] if damage is not None else []
        return self._events.pop(0)

    _quiet_from = 0.0

"""ZVT over TCP at the terminal's end: bare APDUs, no blocks, nothing to acknowledge."""

from collections.abc import Callable

from fines.wire import zvt, zvt_frame
from fines.wire.zvt_errors import LengthMismatch
from sim.clock import SYSTEM, Clock
from sim.terminal.wire import Wire


class BareBlocks:
    """Messages over a wire, with the calls of ``blocks.Blocks``."""

    def __init__(self, *, wire: Wire, alive: Callable[[], None], clock: Clock = SYSTEM) -> None:
        self._wire, self._alive, self._clock = wire, alive, clock
        self._received = bytearray()

    def send(self, message: zvt.Apdu) -> bool:
        """Hand the message to the network, which repeats by itself."""
        self._wire.write(zvt.pack(message))
        return True

    def receive(self, seconds: float) -> zvt.Apdu | None:
        """Return the next message; ``None`` when none came in time."""
        end = self._clock.monotonic() + seconds
        while (message := self._first()) is None:
            self._alive()
            left = end - self._clock.monotonic()
            if left <= 0:
                return None
            self._received += self._wire.read(min(left, 0.05))
        return message

    def _first(self) -> zvt.Apdu | None:
        try:
            size = zvt_frame.apdu_length(bytes(self._received[:5]))
        except LengthMismatch:
            return None
        if len(self._received) < size:
            return None
        message = zvt.parse(bytes(self._received[:size]))
        del self._received[:size]
        return message

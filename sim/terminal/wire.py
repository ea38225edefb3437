"""The terminal's end of the serial line: a pseudo-terminal or a TCP port, and what breaks on it."""

import contextlib
import errno
import os
import random
import select
import socket
import tty
from pathlib import Path
from typing import Final, Protocol

from fines.wire import zvt_frame

_READ_BYTES: Final = 4096


class Wire(Protocol):
    """Bytes to and from the cash register."""

    def read(self, seconds: float) -> bytes:
        """Return what came within ``seconds``, empty for nothing."""

    def write(self, data: bytes) -> None:
        """Send, or lose what the other end has no room for, as a serial line does."""

    def close(self) -> None:
        """Let everything go."""


class PtyWire:
    """A pseudo-terminal whose far end appears at ``link``, like a serial device."""

    def __init__(self, link: Path) -> None:
        # Our copy of the far end stays open: else a leaving cash register would break the line.
        self._near, self._far = os.openpty()
        self._link = link
        try:
            tty.setraw(self._near)
            tty.setraw(self._far)
            os.set_blocking(self._near, False)
            link.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                link.unlink()
            link.symlink_to(os.ttyname(self._far))
        except BaseException:
            os.close(self._near)
            os.close(self._far)
            raise

    def read(self, seconds: float) -> bytes:
        """See ``Wire``."""
        ready, _, _ = select.select([self._near], [], [], max(seconds, 0))
        return os.read(self._near, _READ_BYTES) if ready else b""

    def write(self, data: bytes) -> None:
        """See ``Wire``."""
        with contextlib.suppress(BlockingIOError):
            while data:
                data = data[os.write(self._near, data) :]

    def close(self) -> None:
        """See ``Wire``."""
        with contextlib.suppress(FileNotFoundError):
            self._link.unlink()
        os.close(self._near)
        os.close(self._far)


class TcpWire:
    """A TCP port that carries the serial blocks, for pyserial's ``socket://``; one peer."""

    def __init__(self, *, host: str, port: int) -> None:
        self._listener = socket.create_server((host, port))
        self._peer: socket.socket | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._listener.getsockname()[1])

    def read(self, seconds: float) -> bytes:
        """See ``Wire``."""
        watched = [self._listener, *([self._peer] if self._peer is not None else [])]
        ready, _, _ = select.select(watched, [], [], max(seconds, 0))
        if self._listener in ready:
            self._hang_up()
            self._peer, _ = self._listener.accept()
            return b""
        if self._peer is None or self._peer not in ready:
            return b""
        with contextlib.suppress(OSError):
            if data := self._peer.recv(_READ_BYTES):
                return data
        self._hang_up()
        return b""

    def write(self, data: bytes) -> None:
        """See ``Wire``."""
        if self._peer is not None:
            try:
                self._peer.sendall(data)
            except OSError as error:
                if error.errno not in (errno.EPIPE, errno.ECONNRESET):
                    raise
                self._hang_up()

    def close(self) -> None:
        """See ``Wire``."""
        self._hang_up()
        self._listener.close()

    def _hang_up(self) -> None:
        if self._peer is not None:
            self._peer.close()
            self._peer = None


class FaultyWire:
    """A wire that can be cut, that loses ACKs and flips bits; the same seed errs the same way."""

    def __init__(self, wire: Wire, *, seed: int) -> None:
        self._wire = wire
        self._random = random.Random(seed)
        self.is_cut = False
        self.flip_rate = 0.0  # of bytes, either way
        self.lost_acks = 0  # how many of the terminal's next ACKs vanish

    def read(self, seconds: float) -> bytes:
        """See ``Wire``."""
        data = self._wire.read(seconds)
        return b"" if self.is_cut else self._bent(data)

    def write(self, data: bytes) -> None:
        """See ``Wire``."""
        if self.is_cut:
            return
        if data == zvt_frame.ACK and self.lost_acks > 0:
            self.lost_acks -= 1
            return
        self._wire.write(self._bent(data))

    def close(self) -> None:
        """See ``Wire``."""
        self._wire.close()

    def _bent(self, data: bytes) -> bytes:
        if not self.flip_rate:
            return data
        return bytes(
            byte ^ (1 << self._random.randrange(8))
            if self._random.random() < self.flip_rate
            else byte
            for byte in data
        )

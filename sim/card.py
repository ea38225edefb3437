"""A memory card that fails: what the kernel says of one, in the place of its calls.

    card = BadSectors(8 << 20)                      # the sector at that byte is not given back
    monkeypatch.setattr(os, "pread", card)

    card = ReadOnlyCard(bay)                        # as the kernel remounts one that fails
    monkeypatch.setattr(os, "unlink", card.in_place_of(os.unlink))

Faults of what a camera writes, a lost end, a changed byte, a clock that stops, are in
``sim.camera``.
"""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any


class BadSectors:
    """A card with sectors that it does not give back; to be put in place of ``os.pread``.

    As the kernel does it: a read ends short before such a sector, and fails at it.

    Args:
        sectors: a byte of each, counted from the beginning of its file.
        heals_after: after how many failures the card gives back everything.
        name: of the file that they lie in; every file without one.
    """

    def __init__(self, *sectors: int, heals_after: int = 10**9, name: str = "") -> None:
        self.failed = 0
        self.sectors, self._heals_after, self._name = sectors, heals_after, name
        self._pread = os.pread
        self._lock = threading.Lock()

    def __call__(self, handle: int, size: int, at: int) -> bytes:
        """Read as ``os.pread`` does."""
        bad = [one for one in self.sectors if at <= one < at + size]
        if not bad or self.failed >= self._heals_after or not self._is_in(handle):
            return self._pread(handle, size, at)
        if min(bad) > at:
            return self._pread(handle, min(bad) - at, at)
        with self._lock:
            self.failed += 1
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def _is_in(self, handle: int) -> bool:
        return not self._name or Path(f"/proc/self/fd/{handle}").readlink().name == self._name


class ReadOnlyCard:
    """A card under ``folder`` that lets nothing be changed, once ``after`` changes were made."""

    def __init__(self, folder: Path, *, after: int = 0) -> None:
        self.refused = 0
        self._folder = str(folder)
        self._left = after

    def in_place_of(self, change: Callable[..., Any]) -> Callable[..., Any]:
        """Return what stands for a call that changes a path, or opens one."""

        def call(path: Any, *more: Any, **named: Any) -> Any:
            if self._is_changed(path, *more, **named):
                if self._left <= 0:
                    self.refused += 1
                    raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
                self._left -= 1
            return change(path, *more, **named)

        return call

    def heal(self) -> None:
        """Let everything be changed from now on."""
        self._left = 10**9

    def _is_changed(self, path: Any, mode: Any = "w", *_: Any, **__: Any) -> bool:
        reads = isinstance(mode, str) and not set(mode) & set("wax+")
        return str(path).startswith(self._folder) and not reads

"""Giving memory back: footage comes in blocks of 8 MiB, and none of it is kept."""

import contextlib
import ctypes
from typing import Final

_MMAP_THRESHOLD: Final = -3  # M_MMAP_THRESHOLD of mallopt(3)
_ALONE_BYTES: Final = 1 << 20


def give_back_large() -> None:
    """Let whatever is a MiB or more go back to the system as soon as it is freed.

    The C library of Linux raises that bound by itself with the first block that is freed; from
    then on blocks lie among small objects, and a process stays as large as it once was. Where
    there is no such call nothing changes.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _ALONE_BYTES)

"""The clock a simulator lives by: the machine's, or a virtual one that a simulation turns."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Seconds for waiting by, and the instant for writing down."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = _now


SYSTEM = Clock()

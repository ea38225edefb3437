"""The circuit breaker of one register: a broken one is left alone, then asked once to see.

Thirty lines of states and no library: what the known ones add is storage and decorators, and
each of them decides for itself what a failure is. Time is passed in, in seconds of any steady
clock.
"""

import enum
from dataclasses import dataclass


class Permit(enum.Enum):
    """Whether a question may be sent now."""

    ASK = "ask"
    PROBE = "probe"  # the one question of a half-open breaker
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class BreakerTerms:
    """When a breaker opens, and for how long.

    Attributes:
        failures_max: so many failures in a row open it.
        open_seconds: nobody is asked for so long; then one question tries.
    """

    failures_max: int
    open_seconds: float


@dataclass(frozen=True, kw_only=True)
class Breaker:
    """Closed while ``opened_at`` is ``None``; half-open while a probe is under way."""

    failures: int = 0
    opened_at: float | None = None
    probing: bool = False


CLOSED = Breaker()


def asking(breaker: Breaker, *, terms: BreakerTerms, now: float) -> tuple[Breaker, Permit]:
    """Return whether a question may be sent, and the breaker that remembers it."""
    if breaker.opened_at is None:
        return breaker, Permit.ASK
    if breaker.probing or now < breaker.opened_at + terms.open_seconds:
        return breaker, Permit.REFUSED
    return Breaker(failures=breaker.failures, opened_at=breaker.opened_at, probing=True), (
        Permit.PROBE
    )


def answered(
    breaker: Breaker, *, good: bool, permit: Permit, terms: BreakerTerms, now: float
) -> Breaker:
    """Return the breaker after a question that had ``permit`` ended.

    A good answer closes it, whoever asked. Questions that were under way when it opened end
    late: their failures neither prolong the pause nor end a probe.
    """
    if good:
        return CLOSED
    if permit is Permit.PROBE:
        return Breaker(failures=breaker.failures, opened_at=now)
    if breaker.opened_at is not None:
        return breaker
    failures = breaker.failures + 1
    return Breaker(failures=failures, opened_at=now if failures >= terms.failures_max else None)

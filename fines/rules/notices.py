"""What the register of administrative proceedings is told of money, and how long we try.

A notice tells and never asks: what comes back is an acknowledgement and nothing of a person, so
it stands on no basis of Order 151. How soon the register must be told is in no text that we could
read (ERAP rules, order No. 85 of 10.07.2020): the term is dated configuration, not verified.
"""

import enum
from datetime import datetime, timedelta
from typing import Final

from fines.errors.money import NoticeStepRefused

ATTEMPTS_MAX: Final = 200
_FIRST_PAUSE: Final = timedelta(seconds=10)
_PAUSE_MAX: Final = timedelta(minutes=15)


class NoticeKind(enum.Enum):
    """What is told."""

    PAID = "paid"
    REFUNDED = "refunded"
    CORRECTED = "corrected"  # somebody else's correction stands beside the record now


class NoticeStatus(enum.Enum):
    """Where a notice stands."""

    WAITING = "waiting"
    TOLD = "told"  # the register has acknowledged it
    DEAD = "dead"  # given up, a case is open; a clerk may send it again


NOTICE_STEPS: Final[dict[NoticeStatus, frozenset[NoticeStatus]]] = {
    NoticeStatus.WAITING: frozenset({NoticeStatus.TOLD, NoticeStatus.DEAD}),
    NoticeStatus.TOLD: frozenset(),
    NoticeStatus.DEAD: frozenset({NoticeStatus.WAITING}),
}


def next_notice_status(*, current: NoticeStatus, target: NoticeStatus) -> NoticeStatus:
    """Return ``target`` if a notice may move there from ``current``.

    Raises:
        NoticeStepRefused: the table lists no such step.
    """
    if target not in NOTICE_STEPS[current]:
        raise NoticeStepRefused(f"notice: {current.value} -> {target.value}")
    return target


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after this many attempts: twice as long each time, up to a bound."""
    return min(_FIRST_PAUSE * (1 << min(attempts - 1, 16)), _PAUSE_MAX)


def is_given_up(*, attempts: int, give_up_at: datetime, now: datetime) -> bool:
    """Tell whether a notice that failed again is not tried any more."""
    return now >= give_up_at or attempts >= ATTEMPTS_MAX

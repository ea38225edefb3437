"""Requests that wait: for a register of cases, a second person or a justification.

``rules.requests`` holds the table of steps; here stands how long a request may wait and when a
silent register is asked again.
"""

from datetime import datetime, timedelta
from typing import Final

from app.exchange.rules.codes import Outcome
from app.exchange.rules.requests import WAITING, RequestStatus

WAITS_AT_MOST: Final = timedelta(hours=24)
_FIRST_WAIT: Final = timedelta(seconds=30)
_LONGEST_WAIT: Final = timedelta(minutes=30)

STATUS_OF: Final[dict[Outcome, RequestStatus]] = {
    Outcome.ALLOWED: RequestStatus.RECEIVED,
    Outcome.REFUSED: RequestStatus.REFUSED,
    Outcome.PENDING_VERIFICATION: RequestStatus.PENDING_VERIFICATION,
    Outcome.NEEDS_SECOND_PERSON: RequestStatus.NEEDS_SECOND_PERSON,
    Outcome.NEEDS_JUSTIFICATION: RequestStatus.NEEDS_JUSTIFICATION,
}


def dies_at(received_at: datetime) -> datetime:
    """Return when a request that still waits is dead.

    Counted from its receipt, whatever it waits for and however often that changes: waiting for
    one thing after another adds no time.
    """
    return received_at + WAITS_AT_MOST


def is_dead(status: RequestStatus, *, received_at: datetime, now: datetime) -> bool:
    """Return whether a request in ``status`` waits no longer. The last instant is too late."""
    return status in WAITING and now >= dies_at(received_at)


def next_attempt_at(*, attempts: int, received_at: datetime, now: datetime) -> datetime | None:
    """Return when a silent register is asked again after ``attempts``, or ``None``: not any more.

    Each wait is twice the one before, up to half an hour; none ends after the request is dead.
    """
    doubled = _FIRST_WAIT * 2 ** min(max(attempts - 1, 0), 10)
    at = now + min(doubled, _LONGEST_WAIT)
    return at if at < dies_at(received_at) else None

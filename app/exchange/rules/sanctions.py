"""The life of a court's sanction: Order 151 item 28, exchanged with the courts' EAIAS."""

import enum

from app.exchange.errors import StepRefused


class SanctionStatus(enum.Enum):
    """Where a sanction stands. Only ``GRANTED`` opens anything, and only within its scope."""

    DRAFT = "draft"
    SIGNED = "signed"
    SENT = "sent"
    RECEIVED = "received"  # the court's system has given it a number
    GRANTED = "granted"
    REFUSED = "refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


_NEXT: dict[SanctionStatus, frozenset[SanctionStatus]] = {
    SanctionStatus.DRAFT: frozenset({SanctionStatus.SIGNED, SanctionStatus.WITHDRAWN}),
    SanctionStatus.SIGNED: frozenset({SanctionStatus.SENT, SanctionStatus.WITHDRAWN}),
    SanctionStatus.SENT: frozenset(
        {
            SanctionStatus.RECEIVED,
            SanctionStatus.GRANTED,
            SanctionStatus.REFUSED,
            SanctionStatus.WITHDRAWN,
        }
    ),
    SanctionStatus.RECEIVED: frozenset(
        {SanctionStatus.GRANTED, SanctionStatus.REFUSED, SanctionStatus.WITHDRAWN}
    ),
    SanctionStatus.GRANTED: frozenset({SanctionStatus.EXPIRED, SanctionStatus.WITHDRAWN}),
    SanctionStatus.REFUSED: frozenset(),
    SanctionStatus.EXPIRED: frozenset(),
    SanctionStatus.WITHDRAWN: frozenset(),
}


def next_sanction_status(current: SanctionStatus, target: SanctionStatus) -> SanctionStatus:
    """Return ``target`` if a sanction may move there from ``current``.

    Raises:
        StepRefused: the table lists no such step.
    """
    if target not in _NEXT[current]:
        raise StepRefused(f"{current.value} -> {target.value}")
    return target

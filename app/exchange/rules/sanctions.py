"""The life of a court's sanction: Order 151 item 28, exchanged with the courts' EAIAS."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from app.exchange.errors import StepRefused
from app.exchange.rules.facts import SanctionStanding


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


@dataclass(frozen=True, kw_only=True)
class CourtDecision:
    """What a court's answer must say to grant anything."""

    number: str
    judge: str = field(repr=False)
    decided_at: datetime
    valid_until: datetime
    services: frozenset[str]


class DecisionFault(enum.Enum):
    """Why a court's answer grants nothing: it is not believed, and the sanction stays as it is."""

    NO_NUMBER = "no_number"
    NO_JUDGE = "no_judge"
    NO_TERM = "no_term"  # over before it begins
    IN_FUTURE = "in_future"
    NO_SERVICE = "no_service"
    BEYOND_REQUEST = "beyond_request"  # a court may grant less than was asked, never more


def fault_of(
    decision: CourtDecision, *, services_asked: Iterable[str], now: datetime
) -> DecisionFault | None:
    """Return what keeps ``decision`` from granting a sanction, or ``None``."""
    faults = (
        (DecisionFault.NO_NUMBER, not decision.number.strip()),
        (DecisionFault.NO_JUDGE, not decision.judge.strip()),
        (DecisionFault.NO_TERM, decision.valid_until <= decision.decided_at),
        (DecisionFault.IN_FUTURE, decision.decided_at > now),
        (DecisionFault.NO_SERVICE, not decision.services),
        (DecisionFault.BEYOND_REQUEST, not decision.services.issubset(services_asked)),
    )
    return next((fault for fault, found in faults if found), None)


@dataclass(frozen=True, kw_only=True)
class Sanction:
    """A sanction as it stands, and what it covers; subjects are keyed hashes.

    ``granted_from`` and ``valid_until`` are the court's, ``None`` before it decided.
    """

    status: SanctionStatus
    subject: bytes
    services: frozenset[str]
    case_register: str
    case_number: str
    granted_from: datetime | None
    valid_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class SanctionUse:
    """What a request wants of a sanction; ``services`` are those that need one."""

    subject: bytes | None
    services: frozenset[str]
    case_register: str | None
    case_number: str | None
    at: datetime


_STANDING_OF: dict[SanctionStatus, SanctionStanding] = {
    SanctionStatus.DRAFT: SanctionStanding.NOT_YET,
    SanctionStatus.SIGNED: SanctionStanding.NOT_YET,
    SanctionStatus.SENT: SanctionStanding.NOT_YET,
    SanctionStatus.RECEIVED: SanctionStanding.NOT_YET,
    SanctionStatus.REFUSED: SanctionStanding.REFUSED,
    SanctionStatus.EXPIRED: SanctionStanding.EXPIRED,
    SanctionStatus.WITHDRAWN: SanctionStanding.WITHDRAWN,
}


def sanction_standing(sanction: Sanction | None, use: SanctionUse) -> SanctionStanding:
    """Return where the named ``sanction`` stands for ``use``; ``None``: there is none of that id.

    It covers one subject in one case, for the services that the court granted, from the decision
    up to but not at ``valid_until``. No job has to have marked it expired.
    """
    if sanction is None:
        return SanctionStanding.UNKNOWN
    if sanction.status is not SanctionStatus.GRANTED:
        return _STANDING_OF[sanction.status]
    begin, end = sanction.granted_from, sanction.valid_until
    if begin is None or end is None:
        return SanctionStanding.UNKNOWN
    if not _covers(sanction, use):
        return SanctionStanding.OUT_OF_SCOPE
    if use.at < begin:
        return SanctionStanding.NOT_YET
    return SanctionStanding.GRANTED if use.at < end else SanctionStanding.EXPIRED


def _covers(sanction: Sanction, use: SanctionUse) -> bool:
    return (
        sanction.subject == use.subject
        and sanction.case_register == use.case_register
        and sanction.case_number == use.case_number
        and sanction.services.issuperset(use.services)
    )

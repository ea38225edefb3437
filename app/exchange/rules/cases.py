"""Whether a case confirms a request: it exists, is open, and is in the user's work.

Order of the Prosecutor General No. 151 of 22.12.2015, items 5 and 21-27. A register of cases
says who holds a case; what follows from it is decided here, and nowhere at the far end.
"""

import enum
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from app.exchange.wire.cases import CaseKind, CaseRecord, CaseRegister, CaseState, CaseStatus


class CaseVerdict(enum.Enum):
    """What a register's answer amounts to. Only ``CONFIRMED`` opens anything."""

    CONFIRMED = "confirmed"
    NO_CASE = "no_case"
    CLOSED = "closed"
    NOT_YOURS = "not_yours"
    ORDER_NOT_ADDRESSED = "order_not_addressed"
    REFUSED = "refused"  # by the register, or a question that is none
    UNAVAILABLE = "unavailable"  # silence, or an answer that cannot be believed


@dataclass(frozen=True, kw_only=True)
class CaseQuestion:
    """One case, and the person who says that it is in his work.

    Attributes:
        register: who confirms it.
        number: as the person typed it.
        officer_iin, department_bin: the person and the body of his post at this instant.
        order_number: the outgoing number of an order; with it the order decides (item 22).
        year, court: for cases of courts (item 25).
        kind: what the basis needs the case to be. Give it wherever a basis stands behind the
            question: AIS SU and EAIAS hold several kinds, and one is no ground for another.
    """

    register: CaseRegister
    number: str = field(repr=False)
    officer_iin: str = field(repr=False)
    department_bin: str
    order_number: str | None = field(default=None, repr=False)
    year: int | None = None
    court: str | None = None
    kind: CaseKind | None = None


@dataclass(frozen=True, kw_only=True)
class CaseReply:
    """What became of a question to a register of cases.

    Attributes:
        verdict: see ``CaseVerdict``.
        articles: of the case, where it is confirmed; nothing is told of another's case.
        asked_ms: how long the register took; ``None`` where it was not asked.
        fault: why it is unavailable, for operators; names no person.
        message_id: of the last question sent.
    """

    verdict: CaseVerdict
    message_id: UUID
    articles: tuple[str, ...] = ()
    asked_ms: float | None = None
    fault: str = ""


# A case before the court has left the investigator's work, but orders may be given in it.
_STATES: Final = frozenset({CaseState.OPEN})
_STATES_WITH_ORDER: Final = frozenset({CaseState.OPEN, CaseState.IN_COURT})


def judge_case(
    question: CaseQuestion, *, status: CaseStatus, case: CaseRecord | None
) -> CaseVerdict:
    """Return what the register's answer says of the person's right to name this case.

    "In the user's work" means: he holds the case or is of its group (items 5, 21); with an order,
    that the order is addressed to his body (item 22); for a court, that the case is its own
    (items 24, 25). A case of another kind than the basis needs is no case for it.
    """
    if status is CaseStatus.REFUSED:
        return CaseVerdict.REFUSED
    if status is not CaseStatus.FOUND or case is None:
        return CaseVerdict.NO_CASE
    if question.kind is not None and case.kind is not question.kind:
        return CaseVerdict.NO_CASE
    states = _STATES if question.order_number is None else _STATES_WITH_ORDER
    if case.state not in states:
        return CaseVerdict.CLOSED
    if question.order_number is not None:
        return _by_order(question, case)
    return CaseVerdict.CONFIRMED if _in_work(question, case) else CaseVerdict.NOT_YOURS


def _by_order(question: CaseQuestion, case: CaseRecord) -> CaseVerdict:
    addressed = any(
        order.number == question.order_number and order.addressed_to_bin == question.department_bin
        for order in case.orders
    )
    return CaseVerdict.CONFIRMED if addressed else CaseVerdict.ORDER_NOT_ADDRESSED


def _in_work(question: CaseQuestion, case: CaseRecord) -> bool:
    if question.register is CaseRegister.EAIAS:
        return case.body_bin == question.department_bin
    return any(holder.iin == question.officer_iin for holder in case.holders)

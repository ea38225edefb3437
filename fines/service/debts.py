"""What a payment pays: a record of ours, or a fine that the register knows of.

One place answers for both how much is owed now, who owes it, and what slips state of it.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.service import posts_by_id
from fines import models, repository
from fines.rules.offence_record import OffenceStatus, next_offence_status
from fines.rules.payable import Decision, Owed, Sum, payable_now, register_fine_sum
from fines.rules.proceedings import CourseStage, next_stage
from fines.rules.slips import CaseFacts
from fines.service.desk import Desk
from fines.service.people import Offender, offender_of


@dataclass(frozen=True, kw_only=True)
class Debt:
    """One of the two, never both."""

    record: models.OffenceRecord | None = None
    fine: models.RegisterFine | None = None

    @property
    def row(self) -> models.OffenceRecord | models.RegisterFine:
        """Whichever it is."""
        row = self.record or self.fine
        if row is None:
            raise ValueError("a debt is a record or a fine of the register")
        return row

    @property
    def ids(self) -> dict[str, str]:
        """Its id as audit events name it."""
        name = "register_fine_id" if self.record is None else "offence_record_id"
        return {name: str(self.row.id)}

    @property
    def columns(self) -> dict[str, UUID | None]:
        """Its id as rows that belong to it hold it."""
        return {
            "offence_record_id": self.record.id if self.record else None,
            "register_fine_id": self.fine.id if self.fine else None,
        }


async def debt_of(session: AsyncSession, payment: models.Payment, *, lock: bool = False) -> Debt:
    """Return what a payment pays; a record is locked and read anew where asked."""
    if payment.register_fine_id is not None:
        return Debt(fine=await session.get_one(models.RegisterFine, payment.register_fine_id))
    record = await session.get_one(models.OffenceRecord, payment.offence_record_id)
    if lock:
        await session.refresh(record, with_for_update=True)
    return Debt(record=record)


def payer_of(desk: Desk, debt: Debt) -> Offender:
    """Return who owes it.

    Raises:
        RecordDamaged: what is sealed cannot be opened.
    """
    return offender_of(desk, debt.row)


async def sum_owed(session: AsyncSession, debt: Debt, *, now: datetime) -> Sum:
    """Return what may be paid of it now; see ``fines.rules.payable``."""
    if debt.record is None:
        assert debt.fine is not None  # noqa: S101 - a debt is one of the two
        return register_fine_sum(amount_tiyn=debt.fine.amount_tiyn)
    record = debt.record
    case = await repository.ordinary_case(session, record.id)
    return payable_now(
        Owed(
            status=record.status,
            full_tiyn=record.fine_full_tiyn,
            half_tiyn=record.fine_half_tiyn,
            discount_until=record.discount_until,
            decision=decision_of(case),
        ),
        now=now,
    )


def decision_of(case: models.OrdinaryCase | None) -> Decision | None:
    """Return the decision of a case as paying sees it, if there is one."""
    if case is None or case.fine_tiyn is None:
        return None
    # A case closed while its record is unpaid was cancelled on appeal: nothing is owed.
    return Decision(
        fine_tiyn=0 if case.stage is CourseStage.CLOSED else case.fine_tiyn,
        in_force_on=case.in_force_on,
        suspended=case.suspended,
        handed_over=case.stage is CourseStage.WITH_ENFORCEMENT,
    )


async def settle_debt(session: AsyncSession, debt: Debt) -> None:
    """Move a record to paid: half within the seven days, else whole. The record is locked."""
    record = debt.record
    if record is None:
        return  # whose the fine is learns of it by a notice
    half = record.status is OffenceStatus.RECEIPT_ISSUED
    record.status = next_offence_status(
        current=record.status,
        target=OffenceStatus.PAID_HALF if half else OffenceStatus.PAID_FULL,
    )
    case = await repository.ordinary_case(session, record.id, lock=True)
    if case is not None and not half:
        case.stage = next_stage(current=case.stage, target=CourseStage.CLOSED)
        case.due_at = None


async def number_of(session: AsyncSession, debt: Debt) -> str:
    """Return the number by which the register knows what is owed."""
    if debt.record is None:
        assert debt.fine is not None  # noqa: S101 - a debt is one of the two
        return debt.fine.decision_number
    case = await repository.ordinary_case(session, debt.record.id)
    return (case.decision_number if case is not None else None) or debt.record.number


async def case_facts(
    desk: Desk, session: AsyncSession, debt: Debt, payment: models.Payment
) -> CaseFacts:
    """Return what slips state of what is paid."""
    offender = offender_of(desk, debt.row)
    card = (await posts_by_id(session, [payment.post_id]))[payment.post_id]
    record, fine = debt.record, debt.fine
    if record is not None:
        number = record.number
        receipt = record.receipt_number or ""
        citation = f"{record.article}({record.part})" if record.part else record.article
        place = record.place
        case = await repository.ordinary_case(session, record.id)
        if payment.discount_tiyn == 0 and case is not None:
            receipt = case.decision_number or receipt
    else:
        assert fine is not None  # noqa: S101 - a debt is one of the two
        number = receipt = fine.decision_number
        citation, place = fine.citation, ""
    discounted = record is not None and payment.discount_tiyn > 0
    return CaseFacts(
        department_kk=card.department_name_kk,
        department_ru=card.department_name_ru,
        department_bin=card.department_bin,
        place=place,
        record_number=number,
        receipt_number=receipt,
        citation=citation,
        officer_badge=card.badge,
        violator_name=offender.full_name,
        violator_iin=offender.iin,
        fine_full_tiyn=payment.full_tiyn,
        amount_tiyn=payment.amount_tiyn,
        discount_last_day=record.discount_last_day if record is not None and discounted else None,
        budget_code=desk.budget_code,
        purpose_code=desk.purpose_code,
    )

"""The paper of a refund: drawn and filed to what was paid, by a job, and shown to the clerk."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.access import Principal
from app.db import transaction
from fines.errors.money import RefundNotFound, RefundStepRefused
from fines.repository import refunds as statements
from fines.repository.reconciliation import locked_payment
from fines.service.debts import debt_of, payer_of
from fines.service.desk import Desk
from fines.service.papers import filed_slip

_BATCH_MAX: Final = 50  # 50 ms of processor each


async def file_refund_slips(desk: Desk, now: datetime) -> int:
    """Draw and file the slips of refunds that have no file yet; return how many. Repeatable."""
    async with transaction(desk.sessions) as session:
        waiting = await statements.unfiled_refund_slips(session, limit=_BATCH_MAX)
    for slip_id, payment in waiting:
        await filed_slip(desk, payment=payment, slip_id=slip_id, now=now)
    return len(waiting)


async def refund_document(
    desk: Desk, *, caller: Principal, refund_id: UUID, now: datetime
) -> bytes:
    """Return the slip of a refund as PDF; looking at it is recorded.

    Raises:
        RefundNotFound: there is no such refund of the caller's unit.
        RefundStepRefused: it is not paid out yet.
        PaperAltered: what is stored no longer has its hash.
    """
    fields: dict[str, object] = {"refund_id": str(refund_id)}
    async with (
        desk.refusals_audited(
            event="fines.refund_slip_not_read", who=caller, at=now, fields=fields
        ),
        transaction(desk.sessions) as session,
    ):
        refund = await statements.refund(session, refund_id, department_id=caller.department_id)
        if refund is None:
            raise RefundNotFound(f"no refund {refund_id}")
        slip_id = await statements.slip_of_refund(session, refund_id)
        payment = await locked_payment(session, number=refund.payment_number)
        if slip_id is None or payment is None:
            raise RefundStepRefused(f"refund {refund_id} was not paid out yet")
        await desk.trail.record(
            session,
            event="fines.refund_slip_read",
            at=now,
            who=caller,
            subject_iin=payer_of(desk, await debt_of(session, payment)).iin,
            fields=fields,
        )
    return await filed_slip(desk, payment=payment, slip_id=slip_id, now=now)

"""An officer orders a duplicate of a slip: numbered, marked, with his badge, never an original."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from app.identity.service import posts_by_id
from fines import models, repository
from fines.errors import SlipNotFound
from fines.rules.duplicates import duplicate_of, next_duplicate
from fines.service.desk import Desk, own_payment
from fines.service.facts import assigned_terminal
from fines.service.filing import slip_key, whole_slip
from fines.service.slips import keep_slips
from fines.service.terminal_orders import standing_order
from fines.wire.protocol import OrderKind


async def order_duplicate(
    desk: Desk, *, caller: Principal, payment_id: UUID, slip_id: UUID, now: datetime
) -> dict[str, object]:
    """Order a duplicate of a slip of the caller's own payment, on the terminal he holds now.

    While one is still on its way to the printer, asking again orders no second.

    Raises:
        PaymentNotFound, SlipNotFound: there is none of the caller's.
        SlipNotPrinted, DuplicatesExhausted: see there.
        TerminalNotAssigned: he holds no terminal.
        PaperAltered: the slip's lines no longer have their hash.
    """
    fields: dict[str, object] = {"payment_id": str(payment_id), "slip_id": str(slip_id)}
    async with (
        desk.refusals_audited(event="fines.duplicate_refused", who=caller, at=now, fields=fields),
        transaction(desk.sessions) as session,
    ):
        payment = await own_payment(session, caller=caller, payment_id=payment_id, lock=True)
        terminal = await assigned_terminal(session, caller=caller)
        original, duplicates = await _family(session, payment, slip_id)
        if duplicates and duplicates[-1].printed_at is None:
            return _answer(duplicates[-1])
        number = next_duplicate(
            original_printed=original.printed_at is not None, known=len(duplicates)
        )
        badge = (await posts_by_id(session, [payment.post_id]))[payment.post_id].badge
        key = await slip_key(desk, session, payment)
        slip = duplicate_of(
            whole_slip(key, original), slip_id=uuid4(), number=number, at=now, officer_badge=badge
        )
        (row,) = keep_slips(session, (slip,), now, key=key, ordered_by=caller.post_id)
        order = standing_order(payment, OrderKind.PRINT, now=now, after=timedelta())
        order.device_id = terminal.device_id
        session.add(order)
        await desk.trail.record(
            session,
            event="fines.duplicate_ordered",
            at=now,
            who=caller,
            fields={
                **fields,
                "duplicate_id": str(row.id),
                "copy_number": row.copy_number,
                "number": number,
            },
        )
        return _answer(row)


async def _family(
    session: AsyncSession, payment: models.Payment, slip_id: UUID
) -> tuple[models.SlipRow, list[models.SlipRow]]:
    slips = await repository.slips_of(session, payment.id)
    named = next((one for one in slips if one.id == slip_id), None)
    if named is None:
        raise SlipNotFound(f"payment {payment.id} has no slip {slip_id}")
    same = [one for one in slips if (one.kind, one.copy_number) == (named.kind, named.copy_number)]
    return same[0], same[1:]


def _answer(row: models.SlipRow) -> dict[str, object]:
    return {
        "slip_id": row.id,
        "kind": row.kind.value,
        "copy_number": row.copy_number,
        "duplicate": row.duplicate,
        "printed_at": row.printed_at,
    }

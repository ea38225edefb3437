"""Duplicates of slips: numbered, marked, with the officer's badge, never a second original.

An officer orders one of a slip that came out; the machine makes one for a slip of which nobody
knows whether it did.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from app.identity.service import posts_by_id
from fines import models, repository
from fines.errors import SlipNotFound
from fines.rules.duplicates import NUMBER_MAX, duplicate_of, next_duplicate, replacement_of
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
        last = (original, *duplicates)[-1]
        if duplicates and last.printed_at is None and last.doubted_at is None:
            return _answer(last)
        ordered = sum(one.ordered_post_id is not None for one in duplicates)
        number = next_duplicate(
            original_printed=any(one.printed_at is not None for one in (original, *duplicates)),
            known=ordered,
            replacements=len(duplicates) - ordered,
        )
        badge = await _badge(session, payment)
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


async def replace_doubtful(
    desk: Desk,
    session: AsyncSession,
    payment: models.Payment,
    slip_ids: Iterable[UUID],
    *,
    caller: Principal,
    now: datetime,
) -> None:
    """Want numbered duplicates in the place of papers that may have come out; may be repeated.

    The hundredth paper of one slip would have no number: the last one is wanted again as it is.
    """
    for slip_id in slip_ids:
        row = await repository.slip(session, payment_id=payment.id, slip_id=slip_id)
        if row is None or row.printed_at is not None or row.doubted_at is not None:
            continue
        original, duplicates = await _family(session, payment, slip_id)
        if len(duplicates) >= NUMBER_MAX:
            continue
        row.doubted_at = now
        key = await slip_key(desk, session, payment)
        slip = replacement_of(
            whole_slip(key, row),
            original=whole_slip(key, original),
            slip_id=uuid4(),
            number=len(duplicates) + 1,
            at=now,
            officer_badge=await _badge(session, payment),
        )
        keep_slips(session, (slip,), now, key=key, replaces=row.id)
        await session.flush()
        await desk.trail.record(
            session,
            event="fines.slip_doubtful",
            at=now,
            who=caller,
            fields={
                "payment_id": str(payment.id),
                "slip_id": str(row.id),
                "kind": row.kind.value,
                "copy_number": row.copy_number,
                "duplicate": row.duplicate,
                "replacement_id": str(slip.slip_id),
                "number": slip.duplicate,
            },
        )


async def _badge(session: AsyncSession, payment: models.Payment) -> str:
    return (await posts_by_id(session, [payment.post_id]))[payment.post_id].badge


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

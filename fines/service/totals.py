"""End of day at a terminal: somebody wants its totals, its agent closes the day and tells them.

The totals are the terminal's own count, kept as told; comparing them is reconciliation's work.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.clock import utc_now
from app.db import transaction
from devices.service import HandInCheck, terminal_number_in
from fines import models
from fines.errors import OrderNotFound, TerminalNotFound
from fines.errors.money import HandInNotAllowed
from fines.repository import totals as repository
from fines.rules.payment import RECONCILE_LIFE, OrderStatus
from fines.service.desk import Desk
from fines.service.hand_in import DAY_NOT_CLOSED, check_hand_in, match_totals
from fines.service.reports import answered_before, keep_answer, refuse_card_numbers
from fines.wire.protocol import OrderKind, Totals, TotalsAnswer

_SHOWN_MAX: Final = 31  # a month of days


async def want_totals(
    desk: Desk, *, caller: Principal, device_id: UUID, now: datetime
) -> dict[str, object]:
    """Order a terminal of the caller's unit to close its day; one order at a time.

    Raises:
        TerminalNotFound: the unit has no such terminal.
    """
    fields = {"terminal_device_id": str(device_id)}
    async with desk.refusals_audited(
        event="fines.totals_not_wanted", who=caller, at=now, fields=fields
    ):
        async with transaction(desk.sessions) as session:
            await _terminal(session, caller, device_id)
        order, _ = await order_totals(desk, device_id=device_id, who=caller, now=now)
        return {"order_id": order.id, "ordered_at": order.created_at}


async def order_totals(
    desk: Desk, *, device_id: UUID, who: Principal | None, now: datetime
) -> tuple[models.TerminalOrder, bool]:
    """Order a terminal to close its day, unless such an order stands; return it, and whether new.

    ``who`` is ``None`` where the hour of closing orders it.
    """
    try:
        async with transaction(desk.sessions) as session:
            order = await repository.open_reconcile_of(session, device_id=device_id)
            if order is not None and order.expires_at > now:
                return order, False
            return await _order(desk, session, who, order, device_id, now), True
    except IntegrityError:  # two asked at once: the other's order will do
        async with transaction(desk.sessions) as session:
            order = await repository.open_reconcile_of(session, device_id=device_id)
        if order is None:
            raise
        return order, False


@asynccontextmanager
async def hand_in_check(desk: Desk) -> AsyncIterator[HandInCheck]:
    """Yield the check of a terminal that comes back at the end of a shift.

    Where its day is not closed yet, the refusal orders just that: the keeper waits a minute and
    tries again. The order is made when the refused transaction has let the device go.
    """
    unclosed: list[UUID] = []

    async def check(session: AsyncSession, *, device_id: UUID, since: datetime) -> None:
        try:
            await check_hand_in(session, device_id=device_id, since=since)
        except HandInNotAllowed as refusal:
            if refusal.fields.get("because") == DAY_NOT_CLOSED:
                unclosed.append(device_id)
            raise

    try:
        yield check
    finally:
        for device_id in unclosed:
            await order_totals(desk, device_id=device_id, who=None, now=utc_now())


async def _order(
    desk: Desk,
    session: AsyncSession,
    caller: Principal | None,
    stale: models.TerminalOrder | None,
    device_id: UUID,
    now: datetime,
) -> models.TerminalOrder:
    if stale is not None:
        stale.status = OrderStatus.EXPIRED
        stale.ended_at = now
        await session.flush()
    order = models.TerminalOrder(
        id=uuid4(),
        payment_id=None,
        device_id=device_id,
        kind=OrderKind.RECONCILE,
        status=OrderStatus.WAITING,
        created_at=now,
        not_before=now,
        expires_at=now + RECONCILE_LIFE,
    )
    session.add(order)
    await desk.trail.record(
        session,
        event="fines.totals_wanted",
        at=now,
        who=caller,
        fields={"terminal_device_id": str(device_id), "order_id": str(order.id)},
    )
    await session.flush()
    return order


async def _terminal(session: AsyncSession, caller: Principal, device_id: UUID) -> str:
    number = await terminal_number_in(
        session, device_id=device_id, department_id=caller.department_id
    )
    if not number:
        raise TerminalNotFound(f"no terminal {device_id} in this unit")
    return number


async def take_totals(
    desk: Desk, *, caller: Principal, order_id: UUID, totals: Totals, now: datetime
) -> TotalsAnswer:
    """Keep what a terminal counted; the same again is answered the same.

    Raises:
        OrderNotFound: there is no such order for this terminal.
        ReportDiffers: other totals were told for this order.
        CardNumberRefused: a field holds a card number.
    """
    fields = {"order_id": str(order_id)}
    body = totals.model_dump_json().encode()
    async with (
        desk.refusals_audited(event="fines.totals_not_taken", who=caller, at=now, fields=fields),
        transaction(desk.sessions) as session,
    ):
        refuse_card_numbers(totals)
        order = await repository.locked_reconcile(
            session, order_id=order_id, device_id=caller.device
        )
        if order is None:
            raise OrderNotFound(f"no order {order_id}")
        known = await answered_before(
            session, order=order, name="totals", body=body, kind=TotalsAnswer
        )
        if known is not None:
            return known
        row = _row(totals, order, now)
        session.add(row)
        await session.flush()
        verdict = await match_totals(session, totals=row, now=now)
        order.status = OrderStatus.DONE
        order.ended_at = now
        answer = TotalsAnswer()
        keep_answer(session, order=order, name="totals", body=body, answer=answer, now=now)
        await desk.trail.record(
            session,
            event="fines.totals_taken",
            at=now,
            who=caller,
            fields={
                **fields,
                "terminal_number": totals.terminal_number,
                "count": totals.count,
                "sum_tiyn": totals.sum_tiyn,
                "verdict": verdict.value,
            },
        )
        return answer


def _row(totals: Totals, order: models.TerminalOrder, now: datetime) -> models.TerminalTotals:
    return models.TerminalTotals(
        id=order.id,
        device_id=order.device_id,
        terminal_number=totals.terminal_number,
        closed_at=totals.closed_at,
        receipt_from=totals.receipt_from,
        receipt_to=totals.receipt_to,
        count=totals.count,
        sum_tiyn=totals.sum_tiyn,
        brands={name: one.model_dump() for name, one in totals.brands.items()},
        reported_at=now,
    )


async def read_totals(desk: Desk, *, caller: Principal, device_id: UUID) -> list[dict[str, object]]:
    """Return what a terminal of the caller's unit told of its last days, newest first.

    Raises:
        TerminalNotFound: the unit has no such terminal.
    """
    async with transaction(desk.sessions) as session:
        await _terminal(session, caller, device_id)
        rows = await repository.totals_of(session, device_id=device_id, limit=_SHOWN_MAX)
        return [
            {
                "order_id": row.id,
                "terminal_number": row.terminal_number,
                "closed_at": row.closed_at,
                "receipt_from": row.receipt_from,
                "receipt_to": row.receipt_to,
                "count": row.count,
                "sum_tiyn": row.sum_tiyn,
                "brands": row.brands,
                "reported_at": row.reported_at,
            }
            for row in rows
        ]

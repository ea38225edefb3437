"""Running numbers of a person's or post's month, and closing the month.

Who writes an event by one statement of his own need not hold the number while he thinks: he reads
``LAST_NUMBER``, decides as if the next were his, and lets his statement do what it does only where
``NUMBER_TAKEN``: the month is open, and the number was still the next. It shares the month and
locks the stream's row as ``next_number`` does. Where it was not, others of the stream came
between, or the month was closed: then nothing was written, and ``next_number`` is the way.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import repository
from app.audit.errors import MonthClosed
from app.audit.rules.numbering import RunningNumber, month_of
from app.audit.rules.tally import streams_digest
from app.audit.service.trail import AuditTrail
from app.db import Connection, Sessions, transaction

_CLOSED_STREAM: Final = "audit.stream_closed"
_CLOSED_MONTH: Final = "audit.month_closed"


async def next_number(connection: Connection, *, stream: UUID, at: datetime) -> RunningNumber:
    """Return the stream's next number of the month of ``at``, in the caller's transaction.

    Take it just before the event that carries it is recorded, in the same transaction: numbers
    then stand in the log in their order and without a gap, and a rollback gives the number back.
    Others of the same stream wait meanwhile; nobody else does.

    Args:
        connection: the driver's own, in the transaction of the event.
        stream: whose acts are counted: a person's or a post's id.
        at: when the act happened.

    Raises:
        MonthClosed: the month has its closing record already.
    """
    month = month_of(at)
    await repository.share_month(connection, month=month)
    number = await repository.count_up(connection, stream=stream, month=month)
    if number is None:
        raise MonthClosed(f"{month} is closed", month=month)
    return RunningNumber(stream=stream, month=month, number=number)


async def close_month(sessions: Sessions, *, trail: AuditTrail, now: datetime) -> list[str]:
    """Write the closing records of every month that is over, and return these months.

    One record for each stream with its last number, then one for the month with their count and
    digest, in one transaction with the closing itself. Safe to repeat and to run at any time.
    """
    async with transaction(sessions) as session:
        months = await repository.open_months(session, before=month_of(now))
    closed = []
    for month in months:
        async with transaction(sessions) as session:
            if await _close(session, month=month, trail=trail, now=now):
                closed.append(month)
    return closed


async def _close(session: AsyncSession, *, month: str, trail: AuditTrail, now: datetime) -> bool:
    await repository.hold_month(session, month=month)
    if await repository.closed_month(session, month=month) is not None:
        return False
    last = {
        str(stream): number
        for stream, number in (await repository.last_numbers(session, month=month)).items()
    }
    for stream, number in sorted(last.items()):
        fields = {"stream": stream, "month": month, "last_number": number}
        await trail.record(session, event=_CLOSED_STREAM, at=now, who=None, fields=fields)
    event_id = await trail.record(
        session,
        event=_CLOSED_MONTH,
        at=now,
        who=None,
        fields={"month": month, "streams": len(last), "streams_sha256": streams_digest(last)},
    )
    await repository.put_closed(session, month=month, event_id=event_id, at=now)
    return True

"""The day of every terminal is closed by itself, and a silent terminal becomes a case.

Which hours: ``fines.rules.closing``. Everything here may run twice, and in several processes.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import law_date
from app.db import transaction
from devices.service import TerminalFacts, terminals_in_service
from fines.repository import totals as repository
from fines.rules.closing import DatedHours, last_closing, last_missed
from fines.service.desk import Desk
from fines.service.totals import order_totals

BECAUSE_MISSING: Final = "totals missing in the morning"


async def close_days(
    desk: Desk,
    *,
    closing_hours: DatedHours,
    missing_hours: DatedHours,
    now: datetime,
) -> tuple[int, int]:
    """Order the totals that are due and not told yet; open a case for what is missing by now.

    Due are terminals that an officer had at the hour of closing, and those that kept a sale
    since their last closed batch. Returns how many orders were made and how many cases opened.
    """
    closing = last_closing(closing_hours, now=now)
    ordered = 0
    if closing is not None:
        async with transaction(desk.sessions) as session:
            due = await _silent_since(session, closing, now)
        for terminal in due:
            _, new = await order_totals(desk, device_id=terminal.device_id, who=None, now=now)
            ordered += new
    missed = last_missed(closing_hours, missing_hours, now=now)
    opened = 0
    if missed is not None:
        async with transaction(desk.sessions) as session:
            for terminal in await _silent_since(session, missed, now):
                opened += await _open_case(desk, session, terminal, missed, now)
    return ordered, opened


async def _silent_since(
    session: AsyncSession, closing: datetime, now: datetime
) -> list[TerminalFacts]:
    """Return the terminals whose day was to be closed at ``closing`` and is not."""
    terminals = await terminals_in_service(session, at=closing)
    ids = [one.device_id for one in terminals]
    told = await repository.told_since(session, since=closing)
    kept = await repository.with_unclosed_sales(session, device_ids=ids, before=min(closing, now))
    return [
        one
        for one in terminals
        if one.device_id not in told and (one.held or one.device_id in kept)
    ]


async def _open_case(
    desk: Desk, session: AsyncSession, terminal: TerminalFacts, closing: datetime, now: datetime
) -> bool:
    case_id: UUID | None = await repository.put_missing_case(
        session,
        device_id=terminal.device_id,
        department_id=terminal.department_id,
        day=law_date(closing),
        because=BECAUSE_MISSING,
        at=now,
    )
    if case_id is None:
        return False
    await desk.trail.record(
        session,
        event="fines.case_opened",
        at=now,
        who=None,
        fields={"case_id": str(case_id), "because": BECAUSE_MISSING},
    )
    return True

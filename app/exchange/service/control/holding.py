"""Holds: a complaint or a case that still needs a request keeps it from being destroyed."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from app.exchange.errors.control import (
    AlreadyReleased,
    HoldNotFound,
    RequestNotInReport,
    SubjectDestroyed,
    TooManyHolds,
)
from app.exchange.models import RequestHoldRow
from app.exchange.repository import control_lines, holds, requests
from app.exchange.rules.retention import HoldReason
from app.exchange.service.control.desk import ControlDesk, opened

_HOLDS_MAX = 50  # of one request: nobody needs more, and a page shows them all


async def hold_request(
    desk: ControlDesk,
    *,
    caller: Principal,
    report_id: UUID,
    request_id: UUID,
    reason: HoldReason,
    text: str,
) -> UUID:
    """Keep what a request holds until the hold is released; return the hold's id.

    Whoever may read the report may hold its requests: a hold shows nothing and destroys nothing.

    Raises:
        ReportNotFound, RequestNotInReport: it is not the caller's to know of.
        SubjectDestroyed: there is nothing left to keep.
        TooManyHolds: see ``_HOLDS_MAX``.
    """
    now = desk.clock()
    hold_id = uuid4()
    async with transaction(desk.sessions) as session:
        await _in_report(session, caller, report_id, request_id)
        # Locked: the job that destroys looks at the holds of the rows it has locked.
        row = await requests.locked(session, request_id)
        if row.wrapped_key is None:
            raise SubjectDestroyed(f"request {request_id} has nothing left to keep")
        if len(await holds.of_request(session, request_id=request_id)) >= _HOLDS_MAX:
            raise TooManyHolds(f"request {request_id} was held {_HOLDS_MAX} times")
        session.add(
            RequestHoldRow(
                id=hold_id,
                request_id=request_id,
                reason=reason,
                text=text,
                held_by=caller.person,
                held_at=now,
            )
        )
        await _record(
            session, desk, caller, "exchange.request_held", request_id, hold_id, reason, now
        )
    return hold_id


async def release_hold(
    desk: ControlDesk,
    *,
    caller: Principal,
    report_id: UUID,
    request_id: UUID,
    hold_id: UUID,
    text: str,
) -> None:
    """End a hold; the request may then be destroyed by its terms, unless another hold lasts.

    Raises:
        ReportNotFound, RequestNotInReport, HoldNotFound: it is not the caller's to know of.
        AlreadyReleased: it was released before.
    """
    now = desk.clock()
    async with transaction(desk.sessions) as session:
        await _in_report(session, caller, report_id, request_id)
        hold = await holds.locked(session, request_id=request_id, hold_id=hold_id)
        if hold is None:
            raise HoldNotFound(f"no hold {hold_id}")
        if hold.released_at is not None:
            raise AlreadyReleased(f"hold {hold_id} was released")
        hold.released_at, hold.released_by, hold.release_text = now, caller.person, text
        await _record(
            session, desk, caller, "exchange.hold_released", request_id, hold_id, hold.reason, now
        )


async def _in_report(
    session: AsyncSession, caller: Principal, report_id: UUID, request_id: UUID
) -> None:
    report = await opened(session, caller=caller, report_id=report_id)
    if await control_lines.one(session, report.of, request_id=request_id) is None:
        raise RequestNotInReport(f"no request {request_id} in report {report_id}")


async def _record(
    session: AsyncSession,
    desk: ControlDesk,
    caller: Principal,
    event: str,
    request_id: UUID,
    hold_id: UUID,
    reason: HoldReason,
    now: datetime,
) -> None:
    await desk.trail.record(
        session,
        event=event,
        at=now,
        who=caller,
        fields={
            "check_id": str(request_id),
            "hold_id": str(hold_id),
            "reason": reason.value,
        },
    )

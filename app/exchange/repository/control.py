"""Statements of departmental control over its own tables. Nothing here is ever changed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from app.exchange.models import (
    ControlMarkRow,
    ControlOfficerRow,
    ControlReportRow,
    ControlReviewRow,
    ControlSpanRow,
    EscalationRow,
)

_OPENING_LOCK: Final = 0x5A0A0D1B  # with the month: who holds it opens its reports
_ROWS_AT_ONCE: Final = 2000


async def hold_opening(session: AsyncSession, *, month: str) -> None:
    """Let nobody else open the month's reports until the transaction ends."""
    key = sa.func.pg_advisory_xact_lock(_OPENING_LOCK, int(month.replace("-", "")))
    await session.execute(sa.select(key))


async def opened_months(session: AsyncSession) -> set[str]:
    """Return the months that have reports."""
    return set(await session.scalars(sa.select(ControlReportRow.month).distinct()))


async def put_report(session: AsyncSession, row: ControlReportRow) -> None:
    """Write a report."""
    session.add(row)
    await session.flush()


async def put_officers(session: AsyncSession, rows: Sequence[Mapping[str, object]]) -> None:
    """Write the officers of a report."""
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        await session.execute(sa.insert(ControlOfficerRow), rows[start : start + _ROWS_AT_ONCE])


async def put_spans(session: AsyncSession, rows: Sequence[Mapping[str, object]]) -> None:
    """Write when each was subordinate; PostgreSQL refuses an instant in two reports."""
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        await session.execute(sa.insert(ControlSpanRow), rows[start : start + _ROWS_AT_ONCE])


async def report(
    session: AsyncSession, report_id: UUID, *, lock: bool = False
) -> ControlReportRow | None:
    """Return a report; with ``lock``, whoever else wants it so waits for this transaction."""
    if lock:
        # No row lock: the server has no right to change these tables, and a row lock asks for it.
        key = int.from_bytes(report_id.bytes[:8], "big", signed=True)
        await session.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
    return await session.get(ControlReportRow, report_id)


async def reports(
    session: AsyncSession,
    *,
    official_id: UUID | None,
    of_controller: bool,
    everything: bool,
    before: str | None,
    limit: int,
) -> Sequence[ControlReportRow]:
    """Return the reports somebody may know of, the newest month first."""
    statement = sa.select(ControlReportRow)
    if not everything:
        passed_up = sa.select(EscalationRow.report_id)
        if of_controller:
            passed_up = passed_up.where(EscalationRow.to_person_id.is_(None))
            own: sa.ColumnElement[bool] = ControlReportRow.official_id.is_(None)
        else:
            passed_up = passed_up.where(EscalationRow.to_person_id == official_id)
            own = ControlReportRow.official_id == official_id
        statement = statement.where(sa.or_(own, ControlReportRow.id.in_(passed_up)))
    if before is not None:
        statement = statement.where(ControlReportRow.month < before)
    found = await session.scalars(
        statement.order_by(
            ControlReportRow.month.desc(), ControlReportRow.due_on, ControlReportRow.id
        ).limit(limit)
    )
    return found.all()


async def unsigned_reports(session: AsyncSession) -> Sequence[ControlReportRow]:
    """Return the reports that nobody has signed and that have not been passed up yet."""
    signed = sa.exists().where(ControlReviewRow.report_id == ControlReportRow.id)
    passed_up = sa.exists().where(EscalationRow.report_id == ControlReportRow.id)
    rows = await session.scalars(
        sa.select(ControlReportRow).where(~signed, ~passed_up).order_by(ControlReportRow.id)
    )
    return rows.all()


async def officers(session: AsyncSession, *, report_id: UUID) -> Sequence[ControlOfficerRow]:
    """Return the officers of a report in its order."""
    rows = await session.scalars(
        sa.select(ControlOfficerRow)
        .where(ControlOfficerRow.report_id == report_id)
        .order_by(ControlOfficerRow.place)
    )
    return rows.all()


async def has_officer(session: AsyncSession, *, report_id: UUID, person_id: UUID) -> bool:
    """Tell whether a person's requests stand in a report."""
    return await session.get(ControlOfficerRow, (report_id, person_id)) is not None


async def spans(session: AsyncSession, *, report_id: UUID) -> Sequence[ControlSpanRow]:
    """Return when each officer of a report was subordinate."""
    rows = await session.scalars(
        sa.select(ControlSpanRow)
        .where(ControlSpanRow.report_id == report_id)
        .order_by(ControlSpanRow.person_id, ControlSpanRow.begin_at)
    )
    return rows.all()


async def put_mark(session: AsyncSession, row: ControlMarkRow) -> None:
    """Write what a reviewer said of a request."""
    session.add(row)
    await session.flush()


async def newest_marks(
    session: AsyncSession, *, report_id: UUID, request_ids: Iterable[UUID]
) -> dict[UUID, ControlMarkRow]:
    """Return the last mark of each of these requests that has one."""
    rows = await session.scalars(
        sa.select(ControlMarkRow)
        .where(
            ControlMarkRow.report_id == report_id,
            ControlMarkRow.request_id.in_(list(request_ids)),
        )
        .order_by(ControlMarkRow.position)
    )
    return {row.request_id: row for row in rows}


async def marks_of(
    session: AsyncSession, *, report_id: UUID, request_id: UUID
) -> Sequence[ControlMarkRow]:
    """Return every mark of one request, the last one first."""
    rows = await session.scalars(
        sa.select(ControlMarkRow)
        .where(ControlMarkRow.report_id == report_id, ControlMarkRow.request_id == request_id)
        .order_by(ControlMarkRow.position.desc())
    )
    return rows.all()


async def put_review(session: AsyncSession, row: ControlReviewRow) -> None:
    """Write a signed review."""
    session.add(row)
    await session.flush()


async def reviews(
    session: AsyncSession, report_ids: Iterable[UUID]
) -> dict[UUID, list[ControlReviewRow]]:
    """Return the signed reviews of reports, the first version first."""
    rows = await session.scalars(
        sa.select(ControlReviewRow)
        .where(ControlReviewRow.report_id.in_(list(report_ids)))
        .order_by(ControlReviewRow.version)
    )
    found: dict[UUID, list[ControlReviewRow]] = {}
    for row in rows:
        found.setdefault(row.report_id, []).append(row)
    return found


async def escalations(
    session: AsyncSession, report_ids: Iterable[UUID]
) -> dict[UUID, list[EscalationRow]]:
    """Return where reports were passed up to."""
    rows = await session.scalars(
        sa.select(EscalationRow)
        .where(EscalationRow.report_id.in_(list(report_ids)))
        .order_by(EscalationRow.at, EscalationRow.id)
    )
    found: dict[UUID, list[EscalationRow]] = {}
    for row in rows:
        found.setdefault(row.report_id, []).append(row)
    return found


async def reports_of_person(
    session: AsyncSession, *, person_id: UUID, month: str
) -> list[tuple[UUID, bool]]:
    """Return the reports that hold a person's month, each with whether it is signed."""
    signed = sa.exists().where(ControlReviewRow.report_id == ControlReportRow.id)
    rows = await session.execute(
        sa.select(ControlReportRow.id, signed)
        .join(ControlOfficerRow, ControlOfficerRow.report_id == ControlReportRow.id)
        .where(ControlOfficerRow.person_id == person_id, ControlReportRow.month == month)
    )
    return [(row[0], row[1]) for row in rows]


async def put_escalation(session: AsyncSession, values: Mapping[str, object]) -> bool:
    """Write that a report went up; false where it had gone there before."""
    put = await session.scalar(
        pg.insert(EscalationRow)
        .values(**values)
        .on_conflict_do_nothing()
        .returning(EscalationRow.id)
    )
    return put is not None

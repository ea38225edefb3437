"""Statements that read the requests of a monthly report, in the order of officers and numbers."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from app.exchange.models import (
    ControlMarkRow,
    ControlOfficerRow,
    ControlSpanRow,
    RegisterRequestRow,
    RequestDisclosureRow,
)
from app.exchange.rules.control import INTERNATIONAL_ORDER, Interval, Mark
from app.exchange.rules.control_report import ReportFilter, ReportPlace, Shown
from app.exchange.rules.disclosures import DisclosureKind
from app.exchange.rules.requests import RequestStatus

Request = RegisterRequestRow
Officer = ControlOfficerRow
Disclosure = RequestDisclosureRow

_OFFICERS_AT_FIRST: Final = 2  # each with more requests in a month than a page holds
_GIVEN_UP: Final = (RequestStatus.NEEDS_JUSTIFICATION, RequestStatus.EXPIRED)
# Drawn for an extended justification, and none was ever given.
ABANDONED: Final = sa.and_(
    Request.extended_asked, Request.extended_sealed.is_(None), Request.status.in_(_GIVEN_UP)
)
# Constants and no parameters: only so PostgreSQL sees that a partial index holds these rows.
_INTERNATIONAL: Final = sa.cast(Request.basis, sa.Text) == sa.literal_column(
    f"'{INTERNATIONAL_ORDER}'"
)
_FLAGGED: Final = sa.func.cardinality(Request.flags) > sa.literal_column("0")
# The same as rules.control.needs_own_mark; a test holds them together.
_OWN_MARK: Final = sa.or_(_FLAGGED, _INTERNATIONAL, ABANDONED)


@dataclass(frozen=True, kw_only=True)
class Of:
    """Which report is read: its id, its month and the month's instants."""

    report_id: UUID
    month: str
    within: Interval


@dataclass(frozen=True, kw_only=True)
class CountRow:
    """How many requests of an officer stand under a basis with a status, and their numbers."""

    officer_id: UUID
    basis: str
    status: str
    requests: int
    flagged: int
    abandoned: int
    numbered: int
    lowest: int | None
    highest: int | None


def _received(of: Of) -> sa.ColumnElement[datetime]:
    # A request belongs to the month that its number names, even if its clock reads otherwise by
    # a hair: it is then held to the month's edge, so that it is in exactly one report.
    last = of.within.end - timedelta(microseconds=1)
    edged: sa.ColumnElement[datetime] = sa.func.greatest(
        sa.func.least(Request.received_at, last), of.within.begin
    )
    return edged


def _subordinate(of: Of) -> sa.ColumnElement[bool]:
    received = _received(of)
    return (
        sa.exists()
        .where(
            ControlSpanRow.report_id == of.report_id,
            ControlSpanRow.person_id == Request.person_id,
            ControlSpanRow.begin_at <= received,
            received < ControlSpanRow.end_at,
        )
        .correlate(Request)
    )


def _marked(of: Of) -> sa.ColumnElement[bool]:
    return (
        sa.exists()
        .where(ControlMarkRow.report_id == of.report_id, ControlMarkRow.request_id == Request.id)
        .correlate(Request)
    )


def _wanted(of: Of, asked: ReportFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if asked.flag == "any":
        conditions.append(_FLAGGED)
    elif asked.flag:
        conditions.append(Request.flags.contains([asked.flag]))
    if asked.international:
        conditions.append(_INTERNATIONAL)
    if asked.abandoned:
        conditions.append(ABANDONED)
    if asked.own_mark:
        conditions.append(sa.and_(_OWN_MARK, ~_marked(of)))
    return conditions


def _lines(
    of: Of, asked: ReportFilter, after: ReportPlace, *, first: int, count: int, limit: int
) -> sa.Select[Any]:
    """Of ``count`` officers from the place ``first`` on: their requests after ``after``."""
    request = (
        sa.select(Request, ABANDONED.label("abandoned"))
        .where(
            Request.person_id == Officer.person_id,
            Request.month == of.month,
            sa.or_(Officer.place > after.officer, Request.number > after.number),
            _subordinate(of),
            *_wanted(of, asked),
        )
        .order_by(Request.number)
        .limit(limit)
        .correlate(Officer)
        .lateral("request")
    )
    row = sa.orm.aliased(Request, request)
    statement = (
        sa.select(row, request.c.abandoned, Officer.place)
        .select_from(Officer)
        .join(request, sa.true())
        .where(
            Officer.report_id == of.report_id,
            Officer.place >= first,
            Officer.place < first + count,
        )
        .order_by(Officer.place, request.c.number)
        .limit(limit)
    )
    if asked.officer_id is not None:
        statement = statement.where(Officer.person_id == asked.officer_id)
    return statement


async def page(
    session: AsyncSession, of: Of, *, asked: ReportFilter, after: ReportPlace, limit: int
) -> list[tuple[RegisterRequestRow, bool, int]]:
    """Return requests after a place, each with whether it was abandoned and its officer's place.

    A few officers are read at first, then twice as many each time, until the page is full: a page
    costs the same whether there are two officers or two hundred.
    """
    last: int | None = await session.scalar(
        sa.select(sa.func.max(Officer.place)).where(Officer.report_id == of.report_id)
    )
    found: list[tuple[RegisterRequestRow, bool, int]] = []
    first, count = after.officer, _OFFICERS_AT_FIRST
    while last is not None and first <= last and len(found) < limit:
        left = limit - len(found)
        rows = await session.execute(_lines(of, asked, after, first=first, count=count, limit=left))
        found += [(row[0], row[1], row[2]) for row in rows]
        first, count = first + count, count * 2
    return found


async def one(
    session: AsyncSession, of: Of, *, request_id: UUID
) -> tuple[RegisterRequestRow, bool, int] | None:
    """Return a request of the report."""
    found = await session.execute(
        sa.select(Request, ABANDONED, Officer.place)
        .join(Officer, Officer.person_id == Request.person_id)
        .where(
            Request.id == request_id,
            Officer.report_id == of.report_id,
            Request.month == of.month,
            _subordinate(of),
        )
    )
    row = found.one_or_none()
    return None if row is None else (row[0], row[1], row[2])


async def shown_of(session: AsyncSession, request_ids: Iterable[UUID]) -> dict[UUID, Shown]:
    """Return how often each of these requests was shown to somebody."""
    counts = [sa.func.count().filter(Disclosure.kind == kind) for kind in DisclosureKind]
    rows = await session.execute(
        sa.select(Disclosure.request_id, *counts)
        .where(Disclosure.request_id.in_(list(request_ids)))
        .group_by(Disclosure.request_id)
    )
    names = [kind.value for kind in DisclosureKind]
    return {row[0]: Shown(**dict(zip(names, row[1:], strict=True))) for row in rows}


def _all(of: Of) -> sa.ColumnElement[bool]:
    return sa.and_(
        Request.month == of.month,
        Request.person_id.in_(
            sa.select(Officer.person_id).where(Officer.report_id == of.report_id)
        ),
        _subordinate(of),
    )


async def counts(session: AsyncSession, of: Of) -> list[CountRow]:
    """Return how many requests there are, by officer, basis and status."""
    basis, status = sa.cast(Request.basis, sa.Text), sa.cast(Request.status, sa.Text)
    rows = await session.execute(
        sa.select(
            Request.person_id,
            basis,
            status,
            sa.func.count(),
            sa.func.count().filter(_FLAGGED),
            sa.func.count().filter(ABANDONED),
            sa.func.count().filter(Request.number > 0),
            sa.func.min(Request.number).filter(Request.number > 0),
            sa.func.max(Request.number).filter(Request.number > 0),
        )
        .where(_all(of))
        .group_by(Request.person_id, basis, status)
    )
    return [
        CountRow(
            officer_id=row[0],
            basis=row[1],
            status=row[2],
            requests=row[3],
            flagged=row[4],
            abandoned=row[5],
            numbered=row[6],
            lowest=row[7],
            highest=row[8],
        )
        for row in rows
    ]


async def count(session: AsyncSession, of: Of) -> int:
    """Return how many requests the report holds."""
    found: int | None = await session.scalar(
        sa.select(sa.func.count()).select_from(Request).where(_all(of))
    )
    return found or 0


async def place_before(session: AsyncSession, of: Of, *, skip: int) -> ReportPlace | None:
    """Return the place after which the line of that position begins; nothing beyond the last."""
    if skip == 0:
        return ReportPlace(officer=0, number=-(2**62))
    found = await session.execute(
        sa.select(Officer.place, Request.number)
        .join(Officer, Officer.person_id == Request.person_id)
        .where(Officer.report_id == of.report_id, Request.month == of.month, _subordinate(of))
        .order_by(Officer.place, Request.number)
        .offset(skip - 1)
        .limit(1)
    )
    row = found.one_or_none()
    return None if row is None else ReportPlace(officer=row[0], number=row[1])


async def flag_counts(session: AsyncSession, of: Of) -> dict[str, int]:
    """Return how many requests carry each flag."""
    flag = sa.func.unnest(Request.flags).label("flag")
    flags = sa.select(flag).where(_all(of), _FLAGGED).subquery()
    rows = await session.execute(sa.select(flags.c.flag, sa.func.count()).group_by(flags.c.flag))
    return {row[0]: row[1] for row in rows}


async def mark_counts(session: AsyncSession, of: Of) -> dict[Mark, int]:
    """Return how many requests have each mark as their last."""
    newest = (
        sa.select(ControlMarkRow.mark)
        .ext(distinct_on(ControlMarkRow.request_id))
        .where(ControlMarkRow.report_id == of.report_id)
        .order_by(ControlMarkRow.request_id, ControlMarkRow.position.desc())
        .subquery()
    )
    rows = await session.execute(sa.select(newest.c.mark, sa.func.count()).group_by(newest.c.mark))
    return {row[0]: row[1] for row in rows}


async def own_marks_missing(session: AsyncSession, of: Of) -> int:
    """Return how many requests must be marked one by one and are not."""
    found: int | None = await session.scalar(
        sa.select(sa.func.count()).select_from(Request).where(_all(of), _OWN_MARK, ~_marked(of))
    )
    return found or 0


async def numbers_here(
    session: AsyncSession, of: Of, *, people: Sequence[UUID]
) -> dict[UUID, list[int]]:
    """Return the numbers of these officers that stand in this report."""
    return await _numbers(session, sa.and_(_all(of), Request.person_id.in_(people)))


async def numbers_anywhere(
    session: AsyncSession, *, month: str, people: Sequence[UUID]
) -> dict[UUID, list[int]]:
    """Return the numbers of each officer's month in our books, whoever reviews them."""
    return await _numbers(session, sa.and_(Request.month == month, Request.person_id.in_(people)))


async def _numbers(session: AsyncSession, which: sa.ColumnElement[bool]) -> dict[UUID, list[int]]:
    rows = await session.execute(
        sa.select(Request.person_id, sa.func.array_agg(Request.number))
        .where(which, Request.number > 0)  # older ones were given no number by the log
        .group_by(Request.person_id)
    )
    return {row[0]: list(row[1]) for row in rows}


async def digest_rows(
    session: AsyncSession, of: Of
) -> AsyncIterator[tuple[UUID, int, UUID, Mark | None, str]]:
    """Yield officer, number, id, last mark and its words of every request, in order."""
    newest = (
        sa.select(ControlMarkRow.request_id, ControlMarkRow.mark, ControlMarkRow.text)
        .ext(distinct_on(ControlMarkRow.request_id))
        .where(ControlMarkRow.report_id == of.report_id)
        .order_by(ControlMarkRow.request_id, ControlMarkRow.position.desc())
        .subquery()
    )
    rows = await session.stream(
        sa.select(
            Request.person_id,
            Request.number,
            Request.id,
            newest.c.mark,
            newest.c.text,
        )
        .join(Officer, Officer.person_id == Request.person_id)
        .outerjoin(newest, newest.c.request_id == Request.id)
        .where(Officer.report_id == of.report_id, Request.month == of.month, _subordinate(of))
        .order_by(Officer.place, Request.number)
    )
    async for row in rows:
        yield row[0], row[1], row[2], row[3], row[4] or ""

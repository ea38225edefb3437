"""What the unit reads of its coverage: a day, one camera's time, the cases."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.identity import service as identity
from bodycam.errors.custody import LedgerNotFound
from bodycam.models import CameraPauseRow, CoverageCaseRow, CoverageLedgerRow
from bodycam.repository import coverage as repository
from bodycam.repository import recordings_by_id
from bodycam.rules.coverage import FindingKind, Interval
from bodycam.rules.coverage_cases import LIVE
from bodycam.rules.coverage_day import Totals, clipped, day_bounds, totals_of
from bodycam.service.recordings import RecordingFacts, facts_of
from devices import service as devices

CASES_SHOWN_MAX = 200


@dataclass(frozen=True, kw_only=True)
class DayLine:
    """What became of one camera on one day."""

    ledger: CoverageLedgerRow
    camera_number: str
    officer: identity.PostCard | None
    totals: Totals
    cases_open: int


@dataclass(frozen=True, kw_only=True)
class DayReport:
    """What became of every camera of a unit on one day of the law."""

    day: date
    lines: Sequence[DayLine]


@dataclass(frozen=True, kw_only=True)
class LedgerView:
    """One camera's time in full.

    Attributes:
        misdated: what the camera brought whose own time is of no issue's.
    """

    ledger: CoverageLedgerRow
    camera_number: str
    officer: identity.PostCard | None
    intervals: Sequence[Interval]
    totals: Totals
    pauses: Sequence[CameraPauseRow]
    cases: Sequence[CoverageCaseRow]
    misdated: Sequence[RecordingFacts]


async def read_day(session: AsyncSession, *, caller: Principal, day: date) -> DayReport:
    """Return the report of the caller's unit on ``day`` as it is known now."""
    begin, end = day_bounds(day)
    rows = await repository.ledgers_between(
        session, department_id=caller.department_id, begin=begin, end=end
    )
    intervals = await repository.intervals_of(session, [row.assignment_id for row in rows])
    numbers = await devices.device_names(session, ids={row.camera_id for row in rows})
    officers = await identity.posts_by_id(session, {row.post_id for row in rows})
    lines = []
    for row in rows:
        cases = await repository.cases_of(session, assignment_id=row.assignment_id)
        of_day = clipped(intervals.get(row.assignment_id, []), begin=begin, end=end)
        lines.append(
            DayLine(
                ledger=row,
                camera_number=numbers.get(row.camera_id, "—"),
                officer=officers.get(row.post_id),
                totals=totals_of(of_day),
                cases_open=sum(one.status in LIVE for one in cases),
            )
        )
    return DayReport(day=day, lines=lines)


async def read_ledger(
    session: AsyncSession, *, caller: Principal, assignment_id: UUID
) -> LedgerView:
    """Return one camera's time in full.

    Raises:
        LedgerNotFound: there is none, or another unit's.
    """
    row = await repository.ledger(
        session, assignment_id=assignment_id, department_id=caller.department_id
    )
    if row is None:
        raise LedgerNotFound(f"no ledger of {assignment_id}")
    intervals = (await repository.intervals_of(session, [assignment_id])).get(assignment_id, [])
    numbers = await devices.device_names(session, ids=[row.camera_id])
    officers = await identity.posts_by_id(session, [row.post_id])
    return LedgerView(
        ledger=row,
        camera_number=numbers.get(row.camera_id, "—"),
        officer=officers.get(row.post_id),
        intervals=intervals,
        totals=totals_of(intervals),
        pauses=await repository.pauses_of(session, assignment_id=assignment_id),
        cases=await repository.cases_of(session, assignment_id=assignment_id),
        misdated=await _misdated(session, row),
    )


async def _misdated(session: AsyncSession, row: CoverageLedgerRow) -> list[RecordingFacts]:
    kind = FindingKind.MISDATED.value
    named = [UUID(one["recording_id"]) for one in row.findings if one["kind"] == kind]
    rows = await recordings_by_id(session, named)
    return [facts_of(rows[one]) for one in named if one in rows]


async def list_cases(
    session: AsyncSession, *, caller: Principal, before: datetime | None = None
) -> Sequence[CoverageCaseRow]:
    """Return cases of the caller's unit, the newest first."""
    return await repository.cases_of_unit(
        session, department_id=caller.department_id, before=before, limit=CASES_SHOWN_MAX
    )

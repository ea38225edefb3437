"""What a whole report amounts to, and whether its numbers are whole."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from app.exchange.models import ControlOfficerRow, ControlReportRow
from app.exchange.repository import control as repository
from app.exchange.repository import control_lines
from app.exchange.repository.control_lines import CountRow, Of
from app.exchange.rules.completeness import (
    OfficerNumbers,
    beyond_of,
    missing_of,
    ranges_of,
)
from app.exchange.rules.control import INTERNATIONAL_ORDER
from app.exchange.rules.control_report import Counts
from app.exchange.service.control.desk import ControlDesk, opened
from app.identity import service as identity

_Key = TypeVar("_Key")


@dataclass(frozen=True, kw_only=True)
class ReportSummary:
    """What a whole report amounts to, and whether its numbers are whole."""

    counts: Counts
    officers: tuple[OfficerNumbers, ...]
    names: Mapping[UUID, str]

    @property
    def complete(self) -> bool:
        """Whether every number of every officer is in our books."""
        return all(one.complete for one in self.officers)


async def read_summary(desk: ControlDesk, *, caller: Principal, report_id: UUID) -> ReportSummary:
    """Return what a report amounts to.

    Raises:
        ReportNotFound: there is none, or it is not the caller's to know of.
    """
    async with transaction(desk.sessions) as session:
        report = await opened(session, caller=caller, report_id=report_id)
        return await summary_of(session, report.row, report.of)


async def summary_of(session: AsyncSession, row: ControlReportRow, of: Of) -> ReportSummary:
    """Return what a report amounts to."""
    officers = await repository.officers(session, report_id=row.id)
    rows = await control_lines.counts(session, of)
    numbers = await _numbers_of(session, of, officers, rows)
    return ReportSummary(
        counts=await _counts_of(session, of, rows),
        officers=numbers,
        names=await identity.names_of(session, [one.person_id for one in officers]),
    )


async def _numbers_of(
    session: AsyncSession,
    of: Of,
    officers: Sequence[ControlOfficerRow],
    rows: Sequence[CountRow],
) -> tuple[OfficerNumbers, ...]:
    """Return each officer's numbers; one by one they are read only where counting leaves a doubt.

    As many numbers as lie from the lowest to the highest, each once by a constraint of the table,
    are all of them. Those of a month that was shared are looked for in other reports too.
    """
    counted = _summed(rows, lambda row: row.officer_id, lambda row: row.numbered)
    lowest = {row.officer_id: row.lowest for row in rows if row.lowest is not None}
    highest: dict[UUID, int] = {}
    for row in rows:
        if row.lowest is not None and row.highest is not None:
            lowest[row.officer_id] = min(row.lowest, lowest[row.officer_id])
            highest[row.officer_id] = max(row.highest, highest.get(row.officer_id, 0))

    def plain(one: ControlOfficerRow) -> bool:
        person_id = one.person_id
        whole = lowest.get(person_id, 1) == 1 and highest.get(person_id, 0) == one.last_number
        return whole and counted.get(person_id, 0) == one.last_number

    doubtful = [one.person_id for one in officers if not plain(one)]
    here = await control_lines.numbers_here(session, of, people=doubtful)
    anywhere = await control_lines.numbers_anywhere(session, month=of.month, people=doubtful)

    def numbers(one: ControlOfficerRow) -> OfficerNumbers:
        last = one.last_number
        whole = ((1, last),) if last else ()
        known = anywhere.get(one.person_id, ())
        return OfficerNumbers(
            person_id=one.person_id,
            last_number=last,
            closing_leaf_index=one.closing_leaf_index,
            here=whole if plain(one) else ranges_of(here.get(one.person_id, ())),
            missing=() if plain(one) else missing_of(known, last_number=last),
            beyond=() if plain(one) else beyond_of(known, last_number=last),
        )

    return tuple(numbers(one) for one in officers)


async def _counts_of(session: AsyncSession, of: Of, rows: Sequence[CountRow]) -> Counts:
    return Counts(
        requests=sum(row.requests for row in rows),
        by_officer=_summed(rows, lambda row: row.officer_id),
        by_basis=_summed(rows, lambda row: row.basis),
        by_status=_summed(rows, lambda row: row.status),
        by_flag=await control_lines.flag_counts(session, of),
        flagged=sum(row.flagged for row in rows),
        abandoned=sum(row.abandoned for row in rows),
        international=sum(row.requests for row in rows if row.basis == INTERNATIONAL_ORDER),
        by_mark=await control_lines.mark_counts(session, of),
        own_marks_missing=await control_lines.own_marks_missing(session, of),
    )


def _summed(
    rows: Sequence[CountRow],
    key: Callable[[CountRow], _Key],
    amount: Callable[[CountRow], int] = lambda row: row.requests,
) -> dict[_Key, int]:
    found: dict[_Key, int] = {}
    for row in rows:
        found[key(row)] = found.get(key(row), 0) + amount(row)
    return found

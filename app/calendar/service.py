"""Loading and reading the working-day calendar."""

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import rules
from app.calendar.models import SpecialDayRow

_FILE = Path(__file__).parent / "catalogue" / "special_days.csv"


def shipped_special_days() -> tuple[rules.SpecialDay, ...]:
    """Return the special days that this release ships.

    Raises:
        CalendarNotValid: the file is not well formed.
    """
    with _FILE.open(encoding="utf-8", newline="") as lines:
        return rules.parse_special_days(lines)


async def load_calendar(session: AsyncSession) -> int:
    """Bring the table to what this release ships and return the number of rows; repeatable.

    Rows that an administrator imported stay as they are.
    """
    days = shipped_special_days()
    await _put(session, days, imported=False)
    return len(days)


async def put_special_days(session: AsyncSession, days: Sequence[rules.SpecialDay]) -> None:
    """Enter imported days; a release never overwrites them afterwards."""
    await _put(session, days, imported=True)


async def _put(session: AsyncSession, days: Sequence[rules.SpecialDay], *, imported: bool) -> None:
    rows = [
        {
            "day": one.day,
            "kind": one.kind,
            "name_kk": one.name_kk,
            "name_ru": one.name_ru,
            "source": one.source,
            "verified": one.verified,
            "imported": imported,
        }
        for one in days
    ]
    statement = insert(SpecialDayRow)
    new = statement.excluded
    changed = ("kind", "name_kk", "name_ru", "source", "verified", "imported")
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[SpecialDayRow.day],
            set_={name: new[name] for name in changed},
            where=None if imported else SpecialDayRow.imported.is_(False),
        ),
        rows,
    )


async def special_days(session: AsyncSession) -> list[rules.SpecialDay]:
    """Return every day entered, in order."""
    found = await session.scalars(sa.select(SpecialDayRow).order_by(SpecialDayRow.day))
    return [
        rules.SpecialDay(
            day=row.day,
            kind=row.kind,
            name_kk=row.name_kk,
            name_ru=row.name_ru,
            source=row.source,
            verified=row.verified,
        )
        for row in found
    ]


async def working_calendar(session: AsyncSession) -> rules.WorkingCalendar:
    """Return the calendar as the table has it now."""
    found = await session.execute(sa.select(SpecialDayRow.day, SpecialDayRow.kind))
    kinds = {day: kind for day, kind in found}  # noqa: C416 - dict() loses the types
    return rules.WorkingCalendar(kinds=kinds, years=frozenset(day.year for day in kinds))

"""Finding what a killed process left unfinished, from where the last look ended."""

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from app.exchange.models import RegisterRequestRow, RequestSweepRow
from app.exchange.rules.requests import RequestStatus

_UNFINISHED: Final = (RequestStatus.RECEIVED, RequestStatus.ASKED, RequestStatus.SEQUENCED)
_NAME: Final = "unfinished"
# A request decided at an instant may be committed later, or by a process whose clock is late.
_OVERLAP: Final = timedelta(minutes=10)

_row = RegisterRequestRow


async def unfinished(
    session: AsyncSession, *, before: datetime, limit: int
) -> list[RegisterRequestRow]:
    """Return requests decided before ``before`` that nobody finishes any more, locked.

    Looks no further back than ``note_finished`` has noted.
    """
    until = sa.select(RequestSweepRow.finished_until).where(RequestSweepRow.name == _NAME)
    since = await session.scalar(until)
    rows = await session.scalars(
        _those(since, before).limit(limit).with_for_update(skip_locked=True)
    )
    return list(rows)


async def note_finished(session: AsyncSession, *, before: datetime) -> None:
    """Note that everything decided before ``before`` has an end, but for what is there still."""
    until = sa.select(RequestSweepRow.finished_until).where(RequestSweepRow.name == _NAME)
    left = _those(await session.scalar(until), before).with_only_columns(
        sa.func.min(_row.decided_at)
    )
    oldest: datetime | None = await session.scalar(left)
    reached = (oldest or before) - _OVERLAP
    noted = pg.insert(RequestSweepRow).values(name=_NAME, finished_until=reached)
    await session.execute(
        noted.on_conflict_do_update(
            index_elements=[RequestSweepRow.name],
            # Never back: of two jobs at once the later one knows.
            set_={"finished_until": sa.func.greatest(RequestSweepRow.finished_until, reached)},
        )
    )


def _those(since: datetime | None, before: datetime) -> sa.Select[RegisterRequestRow]:
    query = sa.select(_row).where(_row.status.in_(_UNFINISHED), _row.decided_at < before)
    return query if since is None else query.where(_row.decided_at >= since)

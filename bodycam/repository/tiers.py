"""Statements of tiers: what is to move, moves under way, what a store was told to lock."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import law_date
from bodycam.models import (
    ComplaintRow,
    LegalHoldRow,
    ObjectLockRow,
    RecordingRow,
    StorageFaultRow,
    TierMoveRow,
)
from bodycam.rules.life_cycle import ComplaintStatus, RecordingStatus
from bodycam.rules.retention import Category
from bodycam.rules.tiers import HOT

_STORED = (
    RecordingRow.stored_at.is_not(None),
    RecordingRow.destruction_begun_at.is_(None),
    RecordingRow.status != RecordingStatus.DESTROYED,
)
_HELD = sa.exists().where(
    LegalHoldRow.recording_id == RecordingRow.id, LegalHoldRow.released_at.is_(None)
)
# A rough sieve by time alone; what it lets through is looked at one by one.
_COMPLAINED = sa.exists().where(
    ComplaintRow.department_id == RecordingRow.department_id,
    ComplaintRow.status != ComplaintStatus.ANSWERED,
    ComplaintRow.seen_from < RecordingRow.ended_at,
    ComplaintRow.seen_to > RecordingRow.started_at,
)
_AT_REST = (
    sa.not_(sa.exists().where(StorageFaultRow.recording_id == RecordingRow.id)),
    sa.not_(
        sa.exists().where(
            TierMoveRow.recording_id == RecordingRow.id, TierMoveRow.cleared_at.is_(None)
        )
    ),
)


async def may_leave(
    session: AsyncSession,
    *,
    ended_before: datetime,
    categories: Iterable[Category],
    after: UUID | None,
    limit: int,
) -> Sequence[RecordingRow]:
    """Return recordings of the first store, old enough for some rule, in the order of their ids."""
    row = RecordingRow
    return await _page(
        session,
        sa.select(row).where(
            *_STORED,
            *_AT_REST,
            row.tier == HOT,
            row.ended_at < ended_before,
            row.category.in_(list(categories)),
        ),
        after=after,
        limit=limit,
    )


async def may_come_back(
    session: AsyncSession, *, after: UUID | None, limit: int
) -> Sequence[RecordingRow]:
    """Return recordings of other stores that a hold or an open complaint may want back."""
    statement = sa.select(RecordingRow).where(
        *_STORED, *_AT_REST, RecordingRow.tier != HOT, sa.or_(_HELD, _COMPLAINED)
    )
    return await _page(session, statement, after=after, limit=limit)


async def _page(
    session: AsyncSession, statement: sa.Select[RecordingRow], *, after: UUID | None, limit: int
) -> Sequence[RecordingRow]:
    if after is not None:
        statement = statement.where(RecordingRow.id > after)
    return (await session.scalars(statement.order_by(RecordingRow.id).limit(limit))).all()


async def is_held(session: AsyncSession, *, recording_id: UUID) -> bool:
    """Return whether a hold stands on a recording."""
    statement = sa.exists().where(
        LegalHoldRow.recording_id == recording_id, LegalHoldRow.released_at.is_(None)
    )
    return bool(await session.scalar(sa.select(statement)))


async def add_move(session: AsyncSession, move: dict[str, object]) -> bool:
    """Add a move, unless the recording has one that is not cleared; return whether it was added."""
    statement = (
        insert(TierMoveRow)
        .values(move)
        .on_conflict_do_nothing(
            index_elements=["recording_id"], index_where=TierMoveRow.cleared_at.is_(None)
        )
        .returning(TierMoveRow.id)
    )
    return await session.scalar(statement) is not None


async def move(session: AsyncSession, move_id: UUID) -> TierMoveRow | None:
    """Return a move, locked, or ``None``."""
    statement = sa.select(TierMoveRow).where(TierMoveRow.id == move_id).with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def waiting(session: AsyncSession, *, limit: int) -> list[tuple[UUID, UUID]]:
    """Return moves that are not switched yet, with their recordings.

    By their attempt, which is new and random each time: what fails always delays nothing else.
    """
    row = TierMoveRow
    statement = (
        sa.select(row.id, row.recording_id)
        .where(row.cleared_at.is_(None), row.switched_at.is_(None))
        .order_by(row.attempt)
        .limit(limit)
    )
    return [(one[0], one[1]) for one in await session.execute(statement)]


async def to_clear(
    session: AsyncSession, *, switched_before: datetime, limit: int
) -> list[tuple[UUID, UUID]]:
    """Return moves whose old bytes are still there, with their recordings, in any order.

    In another one each time: what its store keeps locked for years delays nothing else.
    """
    row = TierMoveRow
    statement = (
        sa.select(row.id, row.recording_id)
        .where(row.cleared_at.is_(None), row.switched_at <= switched_before)
        .order_by(sa.func.random())
        .limit(limit)
    )
    return [(one[0], one[1]) for one in await session.execute(statement)]


async def figures(session: AsyncSession) -> list[tuple[str, int, int]]:
    """Return each tier's name, recordings and bytes."""
    row = RecordingRow
    statement = (
        sa.select(row.tier, sa.func.count(), sa.func.coalesce(sa.func.sum(row.found_bytes), 0))
        .where(*_STORED)
        .group_by(row.tier)
        .order_by(row.tier)
    )
    return [(one[0], int(one[1]), int(one[2])) for one in await session.execute(statement)]


async def waiting_moves(session: AsyncSession) -> tuple[int, datetime | None]:
    """Return how many moves are not switched yet, and when the oldest of them began."""
    row = TierMoveRow
    found = await session.execute(
        sa.select(sa.func.count(), sa.func.min(row.begun_at)).where(
            row.switched_at.is_(None), row.cleared_at.is_(None)
        )
    )
    count, oldest = found.one()
    return int(count), oldest


async def to_lock(
    session: AsyncSession,
    *,
    tiers: Iterable[str],
    retained_in: Iterable[str],
    now: datetime,
    after: UUID | None,
    limit: int,
) -> Sequence[tuple[RecordingRow, bool]]:
    """Return recordings whose store was told otherwise than stands now, and whether each is held.

    ``retained_in``: the tiers that are told an instant too.
    """
    row, lock = RecordingRow, ObjectLockRow
    retained = row.tier.in_(list(retained_in))
    told_held = sa.func.coalesce(lock.held, sa.false())
    statement = (
        sa.select(row, _HELD.label("held"))
        .outerjoin(lock, lock.recording_id == row.id)
        .where(
            *_STORED,
            row.tier.in_(list(tiers)),
            sa.or_(
                told_held != _HELD,
                sa.and_(lock.tier != row.tier, sa.or_(_HELD, retained)),
                sa.and_(
                    retained,
                    sa.or_(
                        lock.retain_until.is_(None),
                        # A term that is over may have become longer: looked at once a day.
                        sa.and_(
                            lock.retain_until < law_date(now),
                            lock.told_at < now - timedelta(days=1),
                        ),
                        lock.category != sa.cast(row.category, sa.String),
                    ),
                ),
            ),
        )
        .order_by(row.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(row.id > after)
    return [(one[0], bool(one[1])) for one in await session.execute(statement)]


async def note_lock(session: AsyncSession, told: dict[str, object]) -> None:
    """Write down what a store was told."""
    statement = insert(ObjectLockRow).values(told)
    changed = {name: statement.excluded[name] for name in told if name != "recording_id"}
    await session.execute(
        statement.on_conflict_do_update(index_elements=["recording_id"], set_=changed)
    )

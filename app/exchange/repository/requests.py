"""Statements of requests, built once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.service import NUMBER_TAKEN, Written, event_beside
from app.db import Connection, Direct, Hoisted
from app.exchange.models import RegisterRequestRow, RequestDisclosureRow
from app.exchange.rules.bases import Basis
from app.exchange.rules.disclosures import DisclosureKind
from app.exchange.rules.requests import WAITING, RequestStatus

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(hours=24)

_row = RegisterRequestRow
_table = cast("sa.Table", RegisterRequestRow.__table__)  # past the ORM: the hottest writes
# What comes after the decision, column by column as it comes.
_LATER: Final = frozenset(
    {
        "second_person_id", "second_at", "second_signature_id", "parts", "hit", "answer",
        "answer_sha256", "decision_leaf_index", "answer_leaf_index", "released_at", "destroyed_at",
    }
)  # fmt: skip
_FIRST: Final = [column for column in _table.c if column.name not in _LATER]
_given = sa.select(*(sa.bindparam(column.name, type_=column.type) for column in _FIRST))


def _inserted(source: sa.Select[Any]) -> Hoisted:
    made = sa.insert(_table).from_select(_FIRST, source).returning(_table.c.id).cte("made")
    # Its commit need not wait for the disk where its maker does nothing on its account before the
    # event has its leaf: the sequencer's does, and what flushes a commit flushes all before it.
    unflushed = sa.case(
        (
            sa.bindparam("awaits_leaf", type_=sa.Boolean()),
            sa.func.set_config("synchronous_commit", "off", sa.true()),
        )
    )
    return Hoisted(sa.select(made.c.id, unflushed).add_cte(*event_beside(made)))


_INSERT, _INSERT_NUMBERED = _inserted(_given), _inserted(_given.where(NUMBER_TAKEN))
_INSTANT = sa.DateTime(timezone=True)
_mine = (
    sa.select(
        sa.func.count()
        .filter(_row.received_at > sa.bindparam("hour_ago", type_=_INSTANT))
        .label("hour"),
        sa.func.count().label("day"),
    )
    .where(
        _row.person_id == sa.bindparam("person_id"),
        _row.received_at > sa.bindparam("day_ago", type_=_INSTANT),
        # A refused request asked nobody: a slip of the finger does not use up the limit.
        _row.status != RequestStatus.REFUSED,
        _row.id != sa.bindparam("request_id"),
    )
    .subquery("mine")
)
_same = (
    sa.select(
        sa.func.count()
        .filter(
            _row.received_at > sa.bindparam("day_ago", type_=_INSTANT),
            _row.basis == Basis.PRIMARY_CHECK,
        )
        .label("primary_day"),
        sa.func.count()
        .filter(_row.received_at > sa.bindparam("repeat_since", type_=_INSTANT))
        .label("repeats"),
        sa.func.array_agg(sa.distinct(sa.cast(_row.basis, sa.Text)))
        .filter(_row.received_at > sa.bindparam("bases_since", type_=_INSTANT))
        .label("bases"),
    )
    .where(
        _row.subject_index == sa.bindparam("subject_index", type_=sa.LargeBinary),
        _row.person_id == sa.bindparam("person_id"),
        _row.received_at
        > sa.func.least(
            sa.bindparam("day_ago", type_=_INSTANT),
            sa.bindparam("repeat_since", type_=_INSTANT),
            sa.bindparam("bases_since", type_=_INSTANT),
        ),
        _row.status != RequestStatus.REFUSED,
        _row.id != sa.bindparam("request_id"),
    )
    .subquery("same")
)
BEFORE: Final = sa.select(
    _mine.c.hour, _mine.c.day, _same.c.primary_day, _same.c.repeats, _same.c.bases
).select_from(_mine.join(_same, sa.true()))
_from = sa.and_(
    _table.c.id == sa.bindparam("request_id"), _table.c.status == sa.bindparam("current")
)
_answered = (
    sa.update(_table)
    .where(_from)
    .values(
        status=sa.bindparam("target"),
        parts=sa.bindparam("parts"),
        hit=sa.bindparam("hit"),
        answer=sa.bindparam("answer"),
        answer_sha256=sa.bindparam("answer_sha256"),
        decision_leaf_index=sa.bindparam("decision_leaf_index"),
        event_ids=sa.func.array_cat(
            _table.c.event_ids, sa.bindparam("event_ids", type_=sa.ARRAY(sa.Uuid))
        ),
    )
    .returning(_table.c.id)
    .cte("answered")
)
# Its commit need not wait for the disk, see ``put_answer``.
_ANSWERED = Hoisted(
    sa.select(_answered.c.id, sa.func.set_config("synchronous_commit", "off", sa.true())).add_cte(
        *event_beside(_answered)
    )
)
_SETTLED = Hoisted(
    sa.update(_table)
    .where(_from)
    .values(
        status=sa.bindparam("target"),
        answer_leaf_index=sa.func.coalesce(
            sa.bindparam("answer_leaf_index", type_=sa.BigInteger), _table.c.answer_leaf_index
        ),
        released_at=sa.bindparam("released_at"),
    )
    .returning(_table.c.id)
)
_LOCKED = (
    sa.select(RegisterRequestRow)
    .where(_row.id == sa.bindparam("request_id"))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_OF_PERSON = sa.select(RegisterRequestRow).where(
    _row.id == sa.bindparam("request_id"), _row.person_id == sa.bindparam("person_id")
)


@dataclass(frozen=True, kw_only=True)
class Before:
    """What a person asked before a request: at all, and about its subject."""

    hour: int
    day: int
    primary_day: int
    repeats: int
    bases: frozenset[str]


def before_from(row: Sequence[Any]) -> Before:
    """Return what a row of ``BEFORE`` says."""
    hour, day, primary_day, repeats, bases = row
    return Before(
        hour=hour, day=day, primary_day=primary_day, repeats=repeats, bases=frozenset(bases or ())
    )


def before_values(
    *,
    request_id: UUID,
    person_id: UUID,
    subject_index: bytes | None,
    repeat_since: datetime,
    bases_since: datetime,
    now: datetime,
) -> dict[str, object]:
    """Return what ``BEFORE`` is asked with."""
    return {
        "request_id": request_id,
        "person_id": person_id,
        "subject_index": subject_index,
        "hour_ago": now - _HOUR,
        "day_ago": now - _DAY,
        "repeat_since": repeat_since,
        "bases_since": bases_since,
    }


async def insert(connection: Connection, values: Mapping[str, object], *, event: Written) -> None:
    """Insert one request with the event that tells of it, in a transaction that took its number."""
    await _INSERT.row(connection, {**values, **event.beside()})


async def insert_numbered(
    connection: Connection, values: Mapping[str, object], *, event: Written
) -> bool:
    """Insert one request with its event and take its number, in one statement.

    False, and nothing written, where the number is no longer the next or its month is closed.
    """
    given = {**values, **event.beside(), "stream": values["person_id"]}
    return await _INSERT_NUMBERED.row(connection, given) is not None


async def put_answer(
    direct: Direct,
    *,
    request_id: UUID,
    current: RequestStatus,
    target: RequestStatus,
    event: Written,
    values: Mapping[str, object],
) -> bool:
    """Move our request on with its answer and the event, in one statement.

    False, and nothing written, if the request is not there. Whoever calls this waits for the
    event's leaf before anything is released, and a leaf's commit takes every commit before it to
    the disk: so this one need not wait for it by itself.
    """
    step = {"request_id": request_id, "current": current, "target": target}
    carries = [] if event.subject_index is None else [event.event_id]
    async with direct.connection() as connection:
        made = await _ANSWERED.row(
            connection, {**step, **values, **event.beside(), "event_ids": carries}
        )
    return made is not None


async def settle(
    connection: Connection,
    *,
    request_id: UUID,
    current: RequestStatus,
    target: RequestStatus,
    answer_leaf_index: int | None = None,
    released_at: datetime | None = None,
) -> bool:
    """Move our request to its end, in one statement; false if it is not there."""
    values = {
        "request_id": request_id,
        "current": current,
        "target": target,
        "answer_leaf_index": answer_leaf_index,
        "released_at": released_at,
    }
    return await _SETTLED.row(connection, values) is not None


async def note_event(session: AsyncSession, *, request_id: UUID, event_id: UUID) -> None:
    """Remember an event that carries a commitment to the request's subject."""
    await session.execute(
        sa.update(_row)
        .where(_row.id == request_id)
        .values(event_ids=sa.func.array_append(_row.event_ids, event_id))
        .execution_options(synchronize_session=False)
    )


async def locked(session: AsyncSession, request_id: UUID) -> RegisterRequestRow:
    """Return our own request, locked for this transaction."""
    return (await session.execute(_LOCKED, {"request_id": request_id})).scalar_one()


async def of_person(
    session: AsyncSession, *, request_id: UUID, person_id: UUID
) -> RegisterRequestRow | None:
    """Return the person's own request, or ``None``."""
    return (
        await session.execute(_OF_PERSON, {"request_id": request_id, "person_id": person_id})
    ).scalar_one_or_none()


async def by_id(session: AsyncSession, request_id: UUID) -> RegisterRequestRow | None:
    """Return a request, whosever it is."""
    return await session.get(RegisterRequestRow, request_id)


async def list_of_person(
    session: AsyncSession, *, person_id: UUID, before: tuple[datetime, UUID] | None, limit: int
) -> list[RegisterRequestRow]:
    """Return the person's requests, the newest first, from behind ``before`` on."""
    query = sa.select(_row).where(_row.person_id == person_id)
    if before is not None:
        query = query.where(sa.tuple_(_row.received_at, _row.id) < sa.tuple_(*before))
    rows = await session.scalars(
        query.order_by(_row.received_at.desc(), _row.id.desc()).limit(limit)
    )
    return list(rows)


async def waiting_for_second(
    session: AsyncSession, *, department_id: UUID, but_not: UUID, limit: int
) -> list[RegisterRequestRow]:
    """Return a department's requests that wait for a second person other than ``but_not``."""
    rows = await session.scalars(
        sa.select(_row)
        .where(
            _row.department_id == department_id,
            _row.status == RequestStatus.NEEDS_SECOND_PERSON,
            _row.dies_at.is_not(None),  # as in the index
            _row.person_id != but_not,
        )
        .order_by(_row.received_at)
        .limit(limit)
    )
    return list(rows)


async def claim_attempt(session: AsyncSession, *, now: datetime, until: datetime) -> UUID | None:
    """Take one pending request whose time has come; nobody else takes it before ``until``.

    A process killed meanwhile gives it back by that instant.
    """
    due = (
        sa.select(_row.id)
        .where(_row.next_attempt_at <= now, _row.status == RequestStatus.PENDING_VERIFICATION)
        .order_by(_row.next_attempt_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    taken: UUID | None = await session.scalar(
        sa.update(_row)
        .where(_row.id == due)
        .values(next_attempt_at=until, attempts=_row.attempts + 1)
        .returning(_row.id)
        .execution_options(synchronize_session=False)
    )
    return taken


async def dead(session: AsyncSession, *, now: datetime, limit: int) -> list[RegisterRequestRow]:
    """Return requests that have waited too long, locked."""
    rows = await session.scalars(
        sa.select(_row)
        .where(_row.dies_at <= now, _row.status.in_(WAITING))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(rows)


async def kept_before(
    session: AsyncSession, *, before: datetime, after: UUID | None, limit: int
) -> Sequence[RegisterRequestRow]:
    """Return requests received before ``before`` that hold something sealed, locked."""
    query = sa.select(_row).where(_row.wrapped_key.is_not(None), _row.received_at < before)
    if after is not None:
        query = query.where(_row.id > after)
    rows = await session.scalars(
        query.order_by(_row.id).limit(limit).with_for_update(skip_locked=True)
    )
    return rows.all()


async def disclose(
    session: AsyncSession, *, row_id: UUID, kind: DisclosureKind, values: Mapping[str, Any]
) -> None:
    """Write that an answer was shown."""
    await session.execute(sa.insert(RequestDisclosureRow), {"id": row_id, "kind": kind, **values})


async def disclosures_since(
    session: AsyncSession, *, person_id: UUID, kind: DisclosureKind, since: datetime
) -> int:
    """Return how often a person was shown something that way since an instant."""
    count: int | None = await session.scalar(
        sa.select(sa.func.count()).where(
            RequestDisclosureRow.person_id == person_id,
            RequestDisclosureRow.at > since,
            RequestDisclosureRow.kind == kind,
        )
    )
    return count or 0


async def events_of_disclosures(session: AsyncSession, *, request_id: UUID) -> list[UUID]:
    """Return the events that tell of each showing of a request's answer."""
    rows = await session.scalars(
        sa.select(RequestDisclosureRow.event_id).where(
            RequestDisclosureRow.request_id == request_id
        )
    )
    return list(rows)


_ONE_BY_ONE = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


async def one_by_one(session: AsyncSession, *, name: str) -> None:
    """Let nobody else of this name past this line before the transaction ends."""
    await session.execute(_ONE_BY_ONE, {"name": name})

"""Destroying what was sealed when its term is over; the row, its events and leaves stay."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.service import forget_subjects
from app.db import transaction
from app.exchange.models import RegisterRequestRow
from app.exchange.repository import documents, holds, requests
from app.exchange.rules.retention import Content, KeptRequest, may_destroy
from app.exchange.service.ports import ExchangePorts

_ROWS_AT_ONCE: Final = 200
_SHORTEST_TERM: Final = timedelta(days=365)  # nothing is younger in any edition: spares a scan


class ReviewedOf(Protocol):
    """Says whether the departmental control of a person's month is signed."""

    async def __call__(self, session: AsyncSession, *, person_id: UUID, month: str) -> bool | None:
        """Return it, or ``None`` where it cannot be said; then nothing is destroyed."""
        ...


async def destroy_overdue(ports: ExchangePorts, *, reviewed_of: ReviewedOf | None) -> int:
    """Destroy what the dated rules no longer keep; return of how many requests something went.

    With the last content goes the data key, and what opens the commitments to the subject in the
    log's leaves. Safe to repeat and to stop at any instant: each batch is one transaction.
    """
    destroyed, after = 0, None
    while True:
        now = ports.clock()
        async with transaction(ports.sessions) as session:
            rows = await requests.kept_before(
                session, before=now - _SHORTEST_TERM, after=after, limit=_ROWS_AT_ONCE
            )
            ids = [row.id for row in rows]
            held = await holds.held_among(session, ids)
            with_document = await documents.kept_among(session, ids)
            for row in rows:
                kept = _Kept(row, document=row.id in with_document)
                destroyed += await _destroy(
                    session, ports, kept, reviewed_of, held=row.id in held, now=now
                )
        if len(rows) < _ROWS_AT_ONCE:
            return destroyed
        after = rows[-1].id


@dataclass
class _Kept:
    """A request, and whether the document of its order is still there."""

    row: RegisterRequestRow
    document: bool


async def _destroy(
    session: AsyncSession,
    ports: ExchangePorts,
    kept: _Kept,
    reviewed_of: ReviewedOf | None,
    *,
    held: bool,
    now: datetime,
) -> bool:
    row, reviewed = kept.row, None
    if reviewed_of is not None:
        reviewed = await reviewed_of(session, person_id=row.person_id, month=row.month)
    request = KeptRequest(
        status=row.status, received_at=row.received_at, held=held, reviewed=reviewed
    )
    destruction = may_destroy(request, now=now)
    gone = [name for name in _PRESENT if name in destruction.contents and _PRESENT[name](kept)]
    if not gone:
        return False
    salts = await _erase(session, kept, frozenset(gone), now)
    await ports.trail.record(
        session,
        event="exchange.answer_destroyed",
        at=now,
        who=None,
        fields={
            "check_id": str(row.id),
            "of_person": str(row.person_id),
            "contents": sorted(name.value for name in gone),
            "rule": destruction.rule,
            "key_destroyed": row.wrapped_key is None,
            "salts": salts,
        },
    )
    return True


_PRESENT: Final[dict[Content, Callable[[_Kept], bool]]] = {
    Content.ANSWER: lambda kept: kept.row.answer is not None,
    Content.SUBJECT: lambda kept: kept.row.subject_sealed is not None,
    # The second person's reason against an order, and its document, go with the reasons for it.
    Content.JUSTIFICATION: lambda kept: (
        kept.row.extended_sealed is not None
        or kept.row.objection_sealed is not None
        or kept.document
    ),
}


async def _erase(
    session: AsyncSession, kept: _Kept, gone: frozenset[Content], now: datetime
) -> int:
    row = kept.row
    if Content.ANSWER in gone:
        row.answer, row.destroyed_at = None, now
    if Content.JUSTIFICATION in gone:
        row.extended_sealed, row.objection_sealed = None, None
        if kept.document:
            await documents.erase(session, row.id)
            kept.document = False
    if Content.SUBJECT in gone:
        row.subject_sealed = None
    if any(present(kept) for present in _PRESENT.values()):
        return 0
    row.wrapped_key, row.subject_index = None, None
    row.destroyed_at = row.destroyed_at or now
    shown = await requests.events_of_disclosures(session, request_id=row.id)
    salts = await forget_subjects(session, event_ids=[*row.event_ids, *shown])
    row.event_ids = []
    await session.flush()
    return salts

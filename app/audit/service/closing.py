"""What the log says of a month that is over: who had how many numbers, and where it says so."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import repository


@dataclass(frozen=True, kw_only=True)
class ClosedStream:
    """The closing record of one stream: its last number, and the index of the record's leaf."""

    stream: UUID
    last_number: int
    leaf_index: int


@dataclass(frozen=True, kw_only=True)
class Closing:
    """The closing records of a month."""

    month: str
    closed_at: datetime
    leaf_index: int
    streams: tuple[ClosedStream, ...]


async def closed_months(session: AsyncSession) -> list[str]:
    """Return the months that take no more numbers, in order."""
    return await repository.closed_months(session)


async def closing_of_month(session: AsyncSession, *, month: str) -> Closing | None:
    """Return the closing records of a month; nothing while the last of them has no leaf yet."""
    closed = await repository.closed_month(session, month=month)
    if closed is None:
        return None
    index = (await repository.indexes_of(session, [closed.event_id])).get(closed.event_id)
    if index is None:
        return None
    leaves = await repository.stream_closings(session, before=index, at=closed.closed_at)
    return Closing(
        month=month,
        closed_at=closed.closed_at,
        leaf_index=index,
        streams=tuple(
            one
            for leaf_index, leaf in leaves
            if (one := _stream(leaf_index, leaf, month)) is not None
        ),
    )


def _stream(index: int, leaf: bytes, month: str) -> ClosedStream | None:
    fields = json.loads(leaf)["fields"]
    if fields["month"] != month:  # two months that were closed at the same instant
        return None
    return ClosedStream(
        stream=UUID(fields["stream"]), last_number=fields["last_number"], leaf_index=index
    )

"""What stands round a request besides what the gates ask: declared relatives, and the district.

Both only raise a flag. They are read into the process and kept for a minute: a check costs no
statement more, and what is declared now counts within that minute.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.service import AuditTrail
from app.clock import law_date
from app.db import Sessions, transaction
from app.exchange.models import DeclaredRelativeRow
from app.exchange.rules.inputs import About
from app.exchange.service.asking import subject_index
from app.identity import service as identity
from app.identity.rules.districts import Ring
from app.iin import parse_iin
from app.keys import Keys

_KEPT: Final = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What was declared and entered when it was read, and until when it is believed."""

    relatives: frozenset[tuple[UUID, bytes]] = field(repr=False)
    districts: Mapping[UUID, Ring]
    until: datetime


@dataclass
class Surroundings:
    """What this process has read of relatives and districts."""

    _known: Known | None = None
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    def forget(self) -> None:
        """Read anew at the next request."""
        self._known = None

    async def at(self, sessions: Sessions, now: datetime) -> Known:
        """Return what is known at ``now``, read anew where it is a minute old."""
        known = self._known
        if known is not None and now < known.until:
            return known
        async with self._reading:  # of many at once, one reads
            known = self._known
            if known is None or now >= known.until:
                known = self._known = await _read(sessions, now)
        return known


async def _read(sessions: Sessions, now: datetime) -> Known:
    async with transaction(sessions) as session:
        rows = await session.execute(
            sa.select(DeclaredRelativeRow.person_id, DeclaredRelativeRow.relative_index).where(
                DeclaredRelativeRow.withdrawn_at.is_(None)
            )
        )
        return Known(
            relatives=frozenset((person_id, index) for person_id, index in rows),
            districts=await identity.districts_on(session, day=law_date(now)),
            until=now + _KEPT,
        )


async def declare_relatives(
    session: AsyncSession,
    *,
    keys: Keys,
    relatives: Mapping[UUID, Sequence[str]],
    trail: AuditTrail,
    now: datetime,
) -> int:
    """Let the declared relatives of these people be those; return how many entries changed.

    Who is not among a person's any more is withdrawn, and stays recorded as declared once.

    Raises:
        IinNotValid: a number cannot be one; nothing is taken.
    """
    total = 0
    for person_id, iins in relatives.items():
        changed = 0
        wanted = {_index_of(keys, iin) for iin in iins}
        rows = await session.scalars(
            sa.select(DeclaredRelativeRow).where(
                DeclaredRelativeRow.person_id == person_id,
                DeclaredRelativeRow.withdrawn_at.is_(None),
            )
        )
        standing = {row.relative_index: row for row in rows}
        for index in standing.keys() - wanted:
            standing[index].withdrawn_at = now
            changed += 1
        for index in sorted(wanted - standing.keys()):
            session.add(
                DeclaredRelativeRow(
                    id=uuid4(), person_id=person_id, relative_index=index, declared_at=now
                )
            )
            changed += 1
        if changed:
            # Not how many there are: only that the list is another one.
            await trail.record(
                session,
                event="exchange.relatives_declared",
                at=now,
                who=None,
                fields={"of_person": str(person_id)},
            )
        total += changed
    await session.flush()
    return total


def _index_of(keys: Keys, iin: str) -> bytes:
    index = subject_index(About(iin=parse_iin(iin)), keys)
    if index is None:
        raise ValueError("a person has an index")
    return index

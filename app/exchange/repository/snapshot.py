"""What the gates must know of a person, in one statement: each that is left out costs a check 2 %.

Who he is, how he stands, what he asked before, how far his numbers have come and where his device
stands; each part is written where it belongs.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.audit.service import LAST_NUMBER
from app.db import Connection, Hoisted
from app.exchange.repository.access import STANDING, Standing, standing_from
from app.exchange.repository.requests import BEFORE, Before, before_from, before_values
from app.identity import service as identity

_standing: Final = STANDING.cte("standing")
_requester: Final = identity.REQUESTER.cte("requester")
_before: Final = BEFORE.cte("before")
_number: Final = sa.func.coalesce(LAST_NUMBER.scalar_subquery(), 0).label("last_number")


def seal_of(row: sa.CTE) -> sa.ColumnElement[str]:
    """Return what tells one state of a row from another; it is compared and never shown."""
    return sa.func.md5(sa.cast(row.table_valued(), sa.Text), type_=sa.Text())


_OF_STANDING: Final = slice(0, len(_standing.c))
_OF_REQUESTER: Final = slice(_OF_STANDING.stop, _OF_STANDING.stop + len(_requester.c))
_OF_BEFORE: Final = slice(_OF_REQUESTER.stop, _OF_REQUESTER.stop + len(_before.c))
_OF_NUMBER, _OF_SEAL, _OF_DEVICE_SEAL = range(_OF_BEFORE.stop, _OF_BEFORE.stop + 3)
_OF_DEVICE: Final = slice(_OF_DEVICE_SEAL + 1, None)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One person as the tables have him; ``officer`` and ``standing`` only of a post of his.

    Attributes:
        last_number: his last running number of the month, 0 where he has none yet.
        seal, device_seal: of his standing and of the device's, for ``repository.release``.
        device: the device's row, as its own slice reads it; empty where none was asked about.
    """

    officer: identity.Requester | None
    standing: Standing | None
    before: Before
    last_number: int
    seal: str | None
    device_seal: str | None
    device: tuple[Any, ...]


@functools.cache
def _statement(device: sa.Select[*tuple[Any, ...]] | None) -> Hoisted:
    asked = _before.outerjoin(_requester, sa.true()).outerjoin(_standing, sa.true())
    columns = [*_standing.c, *_requester.c, *_before.c, _number, seal_of(_standing)]
    if device is None:
        return Hoisted(sa.select(*columns, sa.null()).select_from(asked))
    row = device.cte("device")
    return Hoisted(
        sa.select(*columns, seal_of(row), *row.c).select_from(asked.outerjoin(row, sa.true()))
    )


async def of_person(  # noqa: PLR0913 - what a statement is given, each named
    connection: Connection,
    *,
    request_id: UUID,
    person_id: UUID,
    post_id: UUID | None,
    device: sa.Select[*tuple[Any, ...]] | None,
    device_id: UUID | None,
    about_iin: str | None,
    subject_index: bytes | None,
    month: str,
    repeat_since: datetime,
    bases_since: datetime,
    now: datetime,
    today: date,
) -> Snapshot:
    """Return what is known of a person towards a request of his at ``now``.

    ``device`` is how its own slice asks about ``device_id``, or nothing.
    """
    asked = before_values(
        request_id=request_id,
        person_id=person_id,
        subject_index=subject_index,
        repeat_since=repeat_since,
        bases_since=bases_since,
        now=now,
    )
    whose = {"post_id": post_id, "about_iin": about_iin, "at": now, "today": today}
    numbers = {"stream": person_id, "month": month, "device_id": device_id}
    row: Sequence[Any] = await _statement(device).row(connection, asked | whose | numbers)
    return Snapshot(
        officer=identity.requester_from(row[_OF_REQUESTER]),
        standing=standing_from(row[_OF_STANDING]),
        before=before_from(row[_OF_BEFORE]),
        last_number=row[_OF_NUMBER],
        seal=row[_OF_SEAL],
        device_seal=row[_OF_DEVICE_SEAL],
        device=tuple(row[_OF_DEVICE]),
    )

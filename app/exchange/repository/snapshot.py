"""What the gates must know of a person, in one statement: each that is left out costs a check 2 %.

Who he is, how he stands, and what he asked before; each part is written where it belongs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.db import Connection, Hoisted
from app.exchange.repository.access import STANDING, Standing, standing_from
from app.exchange.repository.requests import BEFORE, Before, before_from, before_values
from app.identity import service as identity

_standing: Final = STANDING.cte("standing")
_requester: Final = identity.REQUESTER.cte("requester")
_before: Final = BEFORE.cte("before")
_SNAPSHOT: Final = Hoisted(
    sa.select(_standing, _requester, _before)
    .select_from(_before)
    .outerjoin(_requester, sa.true())
    .outerjoin(_standing, sa.true())
)
_OF_STANDING: Final = slice(0, len(_standing.c))
_OF_REQUESTER: Final = slice(_OF_STANDING.stop, _OF_STANDING.stop + len(_requester.c))
_OF_BEFORE: Final = slice(_OF_REQUESTER.stop, None)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One person as the tables have him; ``officer`` and ``standing`` only of a post of his."""

    officer: identity.Requester | None
    standing: Standing | None
    before: Before


async def of_person(
    connection: Connection,
    *,
    request_id: UUID,
    person_id: UUID,
    post_id: UUID | None,
    about_iin: str | None,
    subject_index: bytes | None,
    repeat_since: datetime,
    bases_since: datetime,
    now: datetime,
    today: date,
) -> Snapshot:
    """Return what is known of a person towards a request of his at ``now``."""
    asked = before_values(
        request_id=request_id,
        person_id=person_id,
        subject_index=subject_index,
        repeat_since=repeat_since,
        bases_since=bases_since,
        now=now,
    )
    whose = {"post_id": post_id, "about_iin": about_iin, "at": now, "today": today}
    row: Sequence[Any] = await _SNAPSHOT.row(connection, asked | whose)
    return Snapshot(
        officer=identity.requester_from(row[_OF_REQUESTER]),
        standing=standing_from(row[_OF_STANDING]),
        before=before_from(row[_OF_BEFORE]),
    )

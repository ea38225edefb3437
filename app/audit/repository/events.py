"""Writing an event into the outbox: by itself, or in the very statement of its act."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.models import OutboxRow, Subject
from app.db import Connection

# One round trip for both rows: every event of a check pays it.
_PUT_DIRECT: Final = """
    WITH whose AS (
        INSERT INTO audit_subjects (event_id, subject_index, salt)
        SELECT $1, CAST($5 AS bytea), CAST($6 AS bytea) WHERE CAST($5 AS bytea) IS NOT NULL
    )
    INSERT INTO audit_outbox (event_id, event, at, leaf) VALUES ($1, $2, $3, $4)
"""
_PUT_EVENT = sa.text(
    _PUT_DIRECT.replace("$1", ":event_id")
    .replace("$2", ":event")
    .replace("$3", ":at")
    .replace("$4", ":leaf")
    .replace("$5", ":subject_index")
    .replace("$6", ":salt")
).bindparams(
    sa.bindparam("event_id", type_=sa.Uuid()),
    sa.bindparam("at", type_=sa.DateTime(timezone=True)),
    sa.bindparam("leaf", type_=sa.LargeBinary()),
    sa.bindparam("subject_index", type_=sa.LargeBinary()),
    sa.bindparam("salt", type_=sa.LargeBinary()),
)


@dataclass(frozen=True, kw_only=True)
class Written:
    """An event as it is written: its leaf, and where it touched a person, whose data it was."""

    event_id: UUID
    event: str
    at: datetime
    leaf: bytes
    subject_index: bytes | None = None
    salt: bytes | None = None

    def beside(self) -> dict[str, object]:
        """Return what a statement with ``event_beside`` is given of it."""
        return {
            "the_event_id": self.event_id,
            "the_event": self.event,
            "the_event_at": self.at,
            "the_event_leaf": self.leaf,
            "the_event_subject_index": self.subject_index,
            "the_event_salt": self.salt,
        }


_EVENT_ID = sa.bindparam("the_event_id", type_=sa.Uuid())
_SUBJECT_INDEX = sa.bindparam("the_event_subject_index", type_=sa.LargeBinary())


def event_beside(source: sa.CTE) -> tuple[sa.CTE, sa.CTE]:
    """Return what writes an event in another's statement, once for each row of ``source``.

    Add both to the statement, and ``Written.beside`` to its values: the event is then written if,
    and only if, the statement does what it says.
    """
    whose = sa.insert(Subject).from_select(
        ["event_id", "subject_index", "salt"],
        sa.select(
            _EVENT_ID,
            _SUBJECT_INDEX,
            sa.bindparam("the_event_salt", type_=sa.LargeBinary()),
        )
        .select_from(source)
        .where(_SUBJECT_INDEX.is_not(None)),
    )
    event = sa.insert(OutboxRow).from_select(
        ["event_id", "event", "at", "leaf"],
        sa.select(
            _EVENT_ID,
            sa.bindparam("the_event", type_=sa.String(97)),
            sa.bindparam("the_event_at", type_=sa.DateTime(timezone=True)),
            sa.bindparam("the_event_leaf", type_=sa.LargeBinary()),
        ).select_from(source),
    )
    return whose.cte("event_subject"), event.cte("event")


async def put_event(session: AsyncSession, written: Written) -> None:
    """Write the event in the caller's transaction; takes no lock that orders writers."""
    await session.execute(_PUT_EVENT, vars(written))


async def put_event_direct(connection: Connection, written: Written) -> None:
    """Write the event in the transaction of a connection of ``app.db.Direct``."""
    await connection.execute(
        _PUT_DIRECT,
        written.event_id,
        written.event,
        written.at,
        written.leaf,
        written.subject_index,
        written.salt,
    )

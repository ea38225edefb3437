"""Releasing an answer where nothing of the right to it changed since the gates looked."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

import sqlalchemy as sa

from app.db import Connection, Hoisted
from app.exchange.models import RegisterRequestRow
from app.exchange.repository.access import STANDING
from app.exchange.repository.snapshot import seal_of
from app.identity import service as identity

_table = cast("sa.Table", RegisterRequestRow.__table__)
_INSTANT = sa.DateTime(timezone=True)


@dataclass(frozen=True, kw_only=True)
class Seals:
    """What tells whether a person's standing, and that of his device, are what they were.

    Made by the database (``snapshot.seal_of``) and compared by it; ``None`` where there is none.
    """

    standing: str | None
    device: str | None


@functools.cache
def _statement(device: sa.Select[*tuple[Any, ...]] | None) -> Hoisted:
    session = identity.SESSION_HELD.cte("living")
    standing = STANDING.cte("standing")
    unchanged = [
        seal_of(standing) == sa.bindparam("standing_seal", type_=sa.Text()),
        # A right that ends by the clock ends without a change in any row: what has a term, or was
        # carried over from another post, is looked at as a whole.
        standing.c.grant_post_id == standing.c.post_id,
        sa.func.coalesce(standing.c.deadline_at > sa.bindparam("at", type_=_INSTANT), sa.true()),
        session.c.id.is_not(None),
    ]
    if device is not None:
        row = device.cte("device")
        unchanged.append(seal_of(row) == sa.bindparam("device_seal", type_=sa.Text()))
    return Hoisted(
        sa.update(_table)
        .where(
            _table.c.id == sa.bindparam("request_id", type_=sa.Uuid()),
            _table.c.status == sa.bindparam("current", type_=_table.c.status.type),
            *unchanged,
        )
        .values(
            status=sa.bindparam("target", type_=_table.c.status.type),
            answer_leaf_index=sa.bindparam("answer_leaf_index", type_=sa.BigInteger),
            released_at=sa.bindparam("now", type_=_INSTANT),
        )
        .returning(_table.c.id)
    )


_device_rows: Final = functools.cache(Hoisted)


async def unchanged(
    connection: Connection,
    *,
    seals: Seals,
    device: sa.Select[*tuple[Any, ...]] | None,
    values: Mapping[str, Any],
) -> bool:
    """Release an answer, in one statement, to whom nothing has happened since ``seals``.

    False, and nothing written, where the session lives no longer, where the standing or the
    device's is another than it was, or where the request is not there. Session and device are held
    until the statement's end: who is changing one just now is waited for.

    Args:
        connection: in no transaction.
        seals: of the standing the gates saw.
        device: how its own slice asks about the device and holds it, or nothing.
        values: the request's id, its status now and then, the answer's leaf, the person, post,
            session and device, and the instants.
    """
    more = {
        "standing_seal": seals.standing,
        "device_seal": seals.device,
        "at": values["now"],
    }
    return await _statement(device).row(connection, {**values, **more}) is not None


async def device_row(
    connection: Connection, statement: sa.Select[*tuple[Any, ...]], *, device_id: UUID, at: datetime
) -> Sequence[Any]:
    """Return the row of a device by its own slice's statement; ``None`` in it if there is none."""
    row = await _device_rows(statement).row(connection, {"device_id": device_id, "at": at})
    return [None] * len(statement.selected_columns) if row is None else tuple(row)

"""Statements of the log. The sequencer's run on asyncpg itself: they are among the hottest."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.models import CheckpointRow, Leaf, Node, OutboxRow, Subject
from app.audit.rules.merkle import Coordinate
from app.db import Sessions

LEADER_LOCK: Final = 0x5A0A0D17  # any constant of our own: who holds it is the sequencer
WAKE_CHANNEL: Final = "saqshy_audit_wake"

_CONNECT_SECONDS: Final = 5.0
_COMMAND_SECONDS: Final = 20.0

SilentDatabase = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
Connection = Any  # asyncpg.Connection; the package carries no types

_INSERT_OUTBOX = sa.insert(OutboxRow)
_INSERT_SUBJECT = sa.insert(Subject)
_INDEXES = sa.select(Leaf.event_id, Leaf.index).where(
    Leaf.event_id.in_(sa.bindparam("event_ids", expanding=True))
)
_NEWEST = sa.select(CheckpointRow).order_by(CheckpointRow.size.desc()).limit(1)
_WAKE = sa.select(sa.func.pg_notify(WAKE_CHANNEL, ""))

_TAKE_BATCH = """
    DELETE FROM audit_outbox
    WHERE position IN (SELECT position FROM audit_outbox ORDER BY position LIMIT $1)
    RETURNING position, event_id, event, at, leaf
"""
_SIZE = "SELECT coalesce(max(size), 0) FROM audit_checkpoints"
_NODES = """
    SELECT wanted.level, wanted.index, coalesce(node.hash, leaf.leaf_hash) AS hash
    FROM unnest($1::smallint[], $2::bigint[]) AS wanted (level, index)
    LEFT JOIN audit_nodes AS node ON node.level = wanted.level AND node.index = wanted.index
    LEFT JOIN audit_leaves AS leaf ON wanted.level = 0 AND leaf.index = wanted.index
"""
_LEAF_COLUMNS = ("index", "event_id", "event", "at", "leaf", "leaf_hash")
_NODE_COLUMNS = ("level", "index", "hash")
_INSERT_CHECKPOINT = """
    INSERT INTO audit_checkpoints (size, root, note, signed_at) VALUES ($1, $2, $3, $4)
"""


async def put_in_outbox(
    session: AsyncSession, *, event_id: UUID, event: str, at: datetime, leaf: bytes
) -> None:
    """Write the event in the caller's transaction; takes no lock that orders writers."""
    row = {"event_id": event_id, "event": event, "at": at, "leaf": leaf}
    await session.execute(_INSERT_OUTBOX, row)


async def put_subject(
    session: AsyncSession, *, event_id: UUID, subject_index: bytes, salt: bytes
) -> None:
    """Write whose data the event touched."""
    row = {"event_id": event_id, "subject_index": subject_index, "salt": salt}
    await session.execute(_INSERT_SUBJECT, row)


async def indexes_of(session: AsyncSession, event_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return the leaf indexes of those of the events that have one."""
    rows = await session.execute(_INDEXES, {"event_ids": list(event_ids)})
    return {event_id: index for event_id, index in rows}  # noqa: C416 - rows are no pairs to mypy


async def wake_sequencer(session: AsyncSession) -> None:
    """Ask the sequencer to look now. Own transaction: notifying commits wait for each other."""
    await session.execute(_WAKE)


async def newest_checkpoint(session: AsyncSession) -> CheckpointRow | None:
    """Return the checkpoint of the largest tree."""
    found: CheckpointRow | None = await session.scalar(_NEWEST)
    return found


async def leaf_at(session: AsyncSession, *, index: int) -> Leaf | None:
    """Return the leaf of an index."""
    return await session.get(Leaf, index)


async def leaves_after(session: AsyncSession, *, index: int, size: int, limit: int) -> list[bytes]:
    """Return the bytes of at most ``limit`` leaves from ``index`` on, below ``size``, in order."""
    rows = await session.scalars(
        sa.select(Leaf.leaf)
        .where(Leaf.index >= index, Leaf.index < min(size, index + limit))
        .order_by(Leaf.index)
    )
    return list(rows)


async def nodes_at(
    session: AsyncSession, coordinates: Sequence[Coordinate]
) -> Mapping[Coordinate, bytes]:
    """Return the hashes of complete subtrees, leaves included."""
    leaves = [index for level, index in coordinates if level == 0]
    inner = [at for at in coordinates if at[0] > 0]
    found: dict[Coordinate, bytes] = {}
    if leaves:
        rows = await session.execute(
            sa.select(Leaf.index, Leaf.leaf_hash).where(Leaf.index.in_(leaves))
        )
        found |= {(0, index): hash_ for index, hash_ in rows}
    if inner:
        nodes = await session.execute(
            sa.select(Node.level, Node.index, Node.hash).where(
                sa.tuple_(Node.level, Node.index).in_(inner)
            )
        )
        found |= {(level, index): hash_ for level, index, hash_ in nodes}
    return found


@asynccontextmanager
async def connected(sessions: Sessions) -> AsyncIterator[Connection]:
    """Yield a connection outside the pool, closed afterwards.

    Whatever it held, the leader's lock above all, goes with it, also when the process is killed.
    """
    engine = sessions.kw["bind"]
    arguments, options = engine.dialect.create_connect_args(engine.url)
    connection = await asyncpg.connect(
        *arguments,
        **options,
        timeout=_CONNECT_SECONDS,
        command_timeout=_COMMAND_SECONDS,
        server_settings={"timezone": "UTC", "application_name": "saqshy-sequencer"},
    )
    try:
        yield connection
    finally:
        await _close(connection)


async def _close(connection: Connection) -> None:
    try:
        await connection.close(timeout=_CONNECT_SECONDS)
    except SilentDatabase:
        connection.terminate()


async def listen(connection: Connection, heard: Callable[[], None]) -> None:
    """Call ``heard`` whenever somebody waits for a leaf."""
    await connection.add_listener(WAKE_CHANNEL, lambda *_: heard())


async def lead(connection: Connection) -> bool:
    """Take the leader's lock for as long as the connection lives; false if another has it."""
    taken: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK)
    return taken


async def lead_this_transaction(connection: Connection) -> bool:
    """Take the leader's lock until the transaction ends; false if another has it."""
    taken: bool = await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", LEADER_LOCK)
    return taken


async def take_batch(connection: Connection, *, limit: int) -> list[Mapping[str, Any]]:
    """Take the oldest outbox rows out, in order; they are gone when the transaction commits."""
    rows = await connection.fetch(_TAKE_BATCH, limit)
    return sorted(rows, key=lambda row: row["position"])


async def tree_size(connection: Connection) -> int:
    """Return the number of leaves in the log."""
    size: int = await connection.fetchval(_SIZE)
    return size


async def hashes_of(connection: Connection, coordinates: Sequence[Coordinate]) -> list[bytes]:
    """Return the hashes of complete subtrees in the order asked."""
    levels, indexes = [at[0] for at in coordinates], [at[1] for at in coordinates]
    rows = await connection.fetch(_NODES, levels, indexes)
    found = {(row["level"], row["index"]): row["hash"] for row in rows}
    return [found[at] for at in coordinates]


async def write_batch(
    connection: Connection,
    *,
    leaves: Iterable[Sequence[object]],
    nodes: Iterable[Sequence[object]],
    checkpoint: Sequence[object],
) -> None:
    """Write a batch: leaves and nodes by COPY, then the checkpoint."""
    await connection.copy_records_to_table("audit_leaves", records=leaves, columns=_LEAF_COLUMNS)
    await connection.copy_records_to_table("audit_nodes", records=nodes, columns=_NODE_COLUMNS)
    await connection.execute(_INSERT_CHECKPOINT, *checkpoint)

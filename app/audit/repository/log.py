"""Statements of the log. The sequencer's run on asyncpg itself: they are among the hottest."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.models import (
    Anchor,
    CheckpointRow,
    ClosedMonth,
    Cosignature,
    Leaf,
    Node,
    StreamMonth,
    Subject,
)
from app.audit.rules.merkle import Coordinate
from app.db import Connection, Direct, Sessions, own_connection

LEADER_LOCK: Final = 0x5A0A0D17  # any constant of our own: who holds it is the sequencer
WITNESS_LOCK: Final = 0x5A0A0D18  # who holds it speaks to the witness
ANCHOR_LOCK: Final = 0x5A0A0D19  # who holds it asks for time-stamps
_MONTH_LOCK: Final = 0x5A0A0D1A  # with the month: shared by whoever takes a number of it
WAKE_CHANNEL: Final = "saqshy_audit_wake"
GIVEN_CHANNEL: Final = "saqshy_audit_given"

_CLOSING_LEAVES_MAX: Final = 1_000_000  # written while a month was being closed, at the most
_CONNECT_SECONDS: Final = 5.0
_COMMAND_SECONDS: Final = 20.0


_INDEXES_DIRECT: Final = "SELECT event_id, index FROM audit_leaves WHERE event_id = ANY ($1)"
_INDEXES = sa.text(_INDEXES_DIRECT.replace("$1", ":event_ids")).bindparams(
    sa.bindparam("event_ids", type_=pg.ARRAY(sa.Uuid()))
)
_NEWEST = sa.select(CheckpointRow).order_by(CheckpointRow.size.desc()).limit(1)
_TELL_GIVEN: Final = f"SELECT pg_notify('{GIVEN_CHANNEL}', $1)"
_WAKE_DIRECT: Final = f"SELECT pg_notify('{WAKE_CHANNEL}', '')"
_WAKE = sa.text(_WAKE_DIRECT)

_SHARE_MONTH: Final = f"SELECT pg_advisory_xact_lock_shared({_MONTH_LOCK}, $1)"
_COUNT_UP: Final = """
    INSERT INTO audit_stream_months (stream, month, last_number)
    SELECT $1, CAST($2 AS text), 1
    WHERE NOT EXISTS (SELECT FROM audit_closed_months AS closed WHERE closed.month = $2)
    ON CONFLICT (stream, month) DO UPDATE SET last_number = audit_stream_months.last_number + 1
    RETURNING last_number
"""

# How far a stream's numbers of a month have come, or nothing; others build upon it.
LAST_NUMBER: Final = sa.select(StreamMonth.last_number).where(
    StreamMonth.stream == sa.bindparam("stream", type_=sa.Uuid()),
    StreamMonth.month == sa.bindparam("month", type_=sa.String(7)),
)
# Whether a number is the stream's next and was taken just now; see ``service.numbering``.
NUMBER_TAKEN: Final = sa.func.audit_take_number(
    sa.bindparam("stream", type_=sa.Uuid()),
    sa.bindparam("month", type_=sa.Text()),
    sa.bindparam("number", type_=sa.BigInteger()),
    type_=sa.Boolean(),
)

_TAKE_BATCH = """
    DELETE FROM audit_outbox
    WHERE position = ANY (ARRAY(SELECT position FROM audit_outbox ORDER BY position LIMIT $1))
    RETURNING position, event_id, event, at, leaf
"""
# The outbox is empty most of the time. A plan made then compares every row with every other: a
# backlog of 20,000 takes longer than the leader's patience, and grows meanwhile. So each batch is
# planned for the tables as they are, which takes 0.2 ms.
_PLANNED_EACH_TIME: Final = {"plan_cache_mode": "force_custom_plan"}
_SIZE = "SELECT coalesce(max(size), 0) FROM audit_checkpoints"
_NODES = """
    SELECT wanted.level, wanted.index, coalesce(node.hash, leaf.leaf_hash) AS hash
    FROM unnest(CAST($1 AS smallint[]), CAST($2 AS bigint[])) AS wanted (level, index)
    LEFT JOIN audit_nodes AS node ON node.level = wanted.level AND node.index = wanted.index
    LEFT JOIN audit_leaves AS leaf ON wanted.level = 0 AND leaf.index = wanted.index
"""
# One statement whatever the length of a path, so that its plan is made once.
_NODES_AT = sa.text(_NODES.replace("$1", ":levels").replace("$2", ":indexes")).bindparams(
    sa.bindparam("levels", type_=pg.ARRAY(sa.SmallInteger)),
    sa.bindparam("indexes", type_=pg.ARRAY(sa.BigInteger)),
)
_LEAF_COLUMNS = ("index", "event_id", "event", "at", "leaf", "leaf_hash")
_NODE_COLUMNS = ("level", "index", "hash")
_INSERT_CHECKPOINT = """
    INSERT INTO audit_checkpoints (size, root, note, signed_at) VALUES ($1, $2, $3, $4)
"""


async def forget_subjects(session: AsyncSession, event_ids: Sequence[UUID]) -> int:
    """Delete what opens these events' commitments; return how many there were."""
    theirs = sa.delete(Subject).where(Subject.event_id.in_(event_ids)).returning(Subject.event_id)
    return len((await session.scalars(theirs)).all())


async def indexes_of(session: AsyncSession, event_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return the leaf indexes of those of the events that have one."""
    rows = await session.execute(_INDEXES, {"event_ids": list(event_ids)})
    return {event_id: index for event_id, index in rows}  # noqa: C416 - rows are no pairs to mypy


async def indexes_direct(direct: Direct, event_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return the same by one statement on the driver itself."""
    found = await direct.rows(_INDEXES_DIRECT, list(event_ids))
    return {row["event_id"]: row["index"] for row in found}


async def wake_sequencer(session: AsyncSession) -> None:
    """Ask the sequencer to look now. Own transaction: notifying commits wait for each other."""
    await session.execute(_WAKE)


async def wake_direct(direct: Direct) -> None:
    """Do the same by one statement on the driver itself."""
    await direct.row(_WAKE_DIRECT)


async def newest_checkpoint(session: AsyncSession) -> CheckpointRow | None:
    """Return the checkpoint of the largest tree."""
    found: CheckpointRow | None = await session.scalar(_NEWEST)
    return found


async def checkpoint_of(session: AsyncSession, *, size: int) -> CheckpointRow | None:
    """Return the checkpoint of exactly this size."""
    return await session.get(CheckpointRow, size)


async def cosignatures_of(session: AsyncSession, *, size: int) -> list[str]:
    """Return the witnesses' signature lines under a checkpoint."""
    lines = sa.select(Cosignature.line).where(Cosignature.size == size)
    return list(await session.scalars(lines.order_by(Cosignature.witness)))


async def newest_cosigned(
    session: AsyncSession, *, witness: str | None = None
) -> CheckpointRow | None:
    """Return the largest checkpoint with a cosignature; by ``witness`` if one is named."""
    sizes = sa.select(Cosignature.size).order_by(Cosignature.size.desc()).limit(1)
    if witness is not None:
        sizes = sizes.where(Cosignature.witness == witness)
    size = await session.scalar(sizes)
    return None if size is None else await session.get(CheckpointRow, size)


async def put_cosignature(
    session: AsyncSession, *, size: int, witness: str, line: str, at: datetime
) -> None:
    """Write a witness's signature line under a checkpoint."""
    session.add(Cosignature(size=size, witness=witness, line=line, cosigned_at=at))
    await session.flush()


async def newest_anchor(session: AsyncSession) -> Anchor | None:
    """Return the anchor of the largest checkpoint that has one."""
    found: Anchor | None = await session.scalar(
        sa.select(Anchor).order_by(Anchor.size.desc()).limit(1)
    )
    return found


async def put_anchor(session: AsyncSession, *, size: int, response: bytes, at: datetime) -> None:
    """Write a checkpoint's time-stamp."""
    session.add(Anchor(size=size, response=response, stamped_at=at))
    await session.flush()


async def unanchored_since(session: AsyncSession) -> datetime | None:
    """Return when the first checkpoint behind the newest anchor was signed, if there is one."""
    anchored = sa.select(sa.func.coalesce(sa.func.max(Anchor.size), 0)).scalar_subquery()
    found: datetime | None = await session.scalar(
        sa.select(CheckpointRow.signed_at)
        .where(CheckpointRow.size > anchored)
        .order_by(CheckpointRow.size)
        .limit(1)
    )
    return found


async def row_of_hashes(
    session: AsyncSession, *, level: int, first: int, count: int
) -> list[bytes]:
    """Return ``count`` hashes of one level of the tree from ``first`` on, in order."""
    if level == 0:
        leaves = sa.select(Leaf.leaf_hash).where(Leaf.index >= first, Leaf.index < first + count)
        return list(await session.scalars(leaves.order_by(Leaf.index)))
    nodes = sa.select(Node.hash).where(
        Node.level == level, Node.index >= first, Node.index < first + count
    )
    return list(await session.scalars(nodes.order_by(Node.index)))


async def share_month(connection: Connection, *, month: str) -> None:
    """Keep the month from being closed until the transaction ends."""
    await connection.fetchval(_SHARE_MONTH, int(month.replace("-", "")))


async def hold_month(session: AsyncSession, *, month: str) -> None:
    """Wait until nobody takes numbers of the month, and let nobody until the transaction ends."""
    key = sa.func.pg_advisory_xact_lock(_MONTH_LOCK, int(month.replace("-", "")))
    await session.execute(sa.select(key))


async def closed_month(session: AsyncSession, *, month: str) -> ClosedMonth | None:
    """Return when a month was closed, and by which event."""
    return await session.get(ClosedMonth, month)


async def closed_months(session: AsyncSession) -> list[str]:
    """Return the closed months in order."""
    return list(await session.scalars(sa.select(ClosedMonth.month).order_by(ClosedMonth.month)))


async def stream_closings(
    session: AsyncSession, *, before: int, at: datetime
) -> list[tuple[int, bytes]]:
    """Return the streams' closing records, written with the month's own and before it, in order."""
    near = Leaf.index.between(before - _CLOSING_LEAVES_MAX, before)
    closing = sa.and_(Leaf.event == "audit.stream_closed", Leaf.at == at, near)
    leaves = sa.select(Leaf.index, Leaf.leaf).where(closing).order_by(Leaf.index)
    return [(index, leaf) for index, leaf in await session.execute(leaves)]


async def put_closed(session: AsyncSession, *, month: str, event_id: UUID, at: datetime) -> None:
    """Write that the month is closed."""
    session.add(ClosedMonth(month=month, event_id=event_id, closed_at=at))
    await session.flush()


async def count_up(connection: Connection, *, stream: UUID, month: str) -> int | None:
    """Return the stream's next number of the month; ``None`` where the month is closed.

    Share the month before. The stream's row stays locked until the commit.
    """
    number: int | None = await connection.fetchval(_COUNT_UP, stream, month)
    return number


async def last_numbers(session: AsyncSession, *, month: str) -> dict[UUID, int]:
    """Return how far every stream came in the month."""
    rows = await session.execute(
        sa.select(StreamMonth.stream, StreamMonth.last_number).where(StreamMonth.month == month)
    )
    return {stream: number for stream, number in rows}  # noqa: C416 - rows are no pairs to mypy


async def open_months(session: AsyncSession, *, before: str) -> list[str]:
    """Return the months before ``before`` that have numbers and no closing record."""
    months = (
        sa.select(StreamMonth.month)
        .where(StreamMonth.month < before)
        .where(StreamMonth.month.not_in(sa.select(ClosedMonth.month)))
        .distinct()
    )
    return sorted(await session.scalars(months))


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
    levels, indexes = [at[0] for at in coordinates], [at[1] for at in coordinates]
    rows = await session.execute(_NODES_AT, {"levels": levels, "indexes": indexes})
    return {(level, index): hash_ for level, index, hash_ in rows}


@asynccontextmanager
async def connected(sessions: Sessions) -> AsyncIterator[Connection]:
    """Yield a connection outside the pool, closed afterwards.

    Whatever it held, the leader's lock above all, goes with it, also when the process is killed.
    """
    async with own_connection(
        sessions,
        name="saqshy-sequencer",
        command_seconds=_COMMAND_SECONDS,
        connect_seconds=_CONNECT_SECONDS,
        settings=_PLANNED_EACH_TIME,
    ) as connection:
        yield connection


async def listen(connection: Connection, heard: Callable[[], None]) -> None:
    """Call ``heard`` whenever somebody waits for a leaf."""
    await connection.add_listener(WAKE_CHANNEL, lambda *_: heard())


async def tell_given(connection: Connection, words: Iterable[str]) -> None:
    """Say these words to who waits for leaves, once the transaction has committed."""
    for word in words:
        await connection.execute(_TELL_GIVEN, word)


async def listen_for_leaves(connection: Connection, heard: Callable[[str], None]) -> None:
    """Call ``heard`` with every word that was said of leaves."""
    await connection.add_listener(GIVEN_CHANNEL, lambda *said: heard(said[-1]))


async def sign_of_life(connection: Connection) -> None:
    """Ask for nothing, to see that the far end is there.

    Raises:
        SilentDatabase: it is not.
    """
    await connection.execute("SELECT")


async def lead(connection: Connection, *, lock: int = LEADER_LOCK) -> bool:
    """Take a leader's lock for as long as the connection lives; false if another has it."""
    taken: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock)
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

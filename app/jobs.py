"""Background jobs: enqueued in the business transaction, run by ``python -m app work``.

A job is a row in the same database, so that it exists exactly when the change that wants it
does. Jobs run at least once: every task is safe to repeat.
"""

import enum
from collections.abc import Mapping
from typing import Final

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession


class Queue(enum.Enum):
    """The queues; each may have workers of its own."""

    MEDIA = "media"
    PAYMENTS = "payments"
    EXCHANGE = "exchange"
    MAINTENANCE = "maintenance"


FIRST: Final = 10  # a priority: before all that waits, in any queue; what names none has 0

_DEFER = sa.text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(CAST(:queue AS varchar),"
    " CAST(:task AS varchar), CAST(:priority AS integer), CAST(:lock AS text), NULL,"
    " CAST(:arguments AS jsonb), NULL)::procrastinate_job_to_defer_v1])"
)


async def defer(
    session: AsyncSession,
    *,
    queue: Queue,
    task: str,
    arguments: Mapping[str, object],
    lock: str | None = None,
    priority: int = 0,
) -> None:
    """Enqueue ``task`` in the caller's transaction.

    Args:
        session: the transaction that the job belongs to.
        queue: which workers take it.
        task: the registered name, ``slice.act``.
        arguments: JSON values; ids, never personal data.
        lock: jobs of one lock run one after another.
        priority: of the jobs that wait, those of the highest run first.
    """
    values = {"queue": queue.value, "task": task, "lock": lock, "priority": priority}
    await session.execute(_DEFER, values | {"arguments": orjson.dumps(dict(arguments)).decode()})

"""Migrations: one connection, an advisory lock, and limits on locks and statements."""

import asyncio

import sqlalchemy as sa
from alembic import context
from sqlalchemy.engine import Connection

from app.db import make_engine
from app.tables import metadata

_MIGRATION_LOCK = 0x5A05  # any constant: two programs that migrate at once wait for each other


def _is_ours(_object: object, name: str | None, type_: str, *_more: object) -> bool:
    # The job queue brings its own tables; its own migrations own them.
    return not (type_ == "table" and name is not None and name.startswith("procrastinate_"))


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        compare_server_default=True,
        include_object=_is_ours,
        transaction_per_migration=True,
    )
    connection.execute(sa.text("SET lock_timeout = '5s'"))
    connection.execute(sa.text("SET statement_timeout = '120s'"))
    connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
    connection.commit()
    try:
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": _MIGRATION_LOCK})
        connection.commit()


async def _connect_and_run(database_url: str) -> None:
    engine = make_engine(database_url, pool_size=1)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_run)
    finally:  # a revision that refuses leaves no connection behind either
        await engine.dispose()


shared: Connection | None = context.config.attributes.get("connection")
if shared is None:
    asyncio.run(_connect_and_run(context.config.attributes["database_url"]))
else:
    _run(shared)

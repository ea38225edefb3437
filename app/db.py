"""The declarative base, the engine, and the only place that commits."""

import enum
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, ClassVar

import sqlalchemy as sa
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase

Sessions = async_sessionmaker[AsyncSession]


class Base(DeclarativeBase):
    """Declarative base of every model: names, instants with a zone, enums stored by value."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        datetime: sa.DateTime(timezone=True),
        enum.Enum: sa.Enum(
            enum.Enum,
            values_callable=lambda kind: [member.value for member in kind],
            native_enum=False,
            create_constraint=True,
            length=32,
        ),
    }


def make_engine(
    database_url: str, *, pool_size: int = 8, statement_timeout_seconds: float = 20
) -> AsyncEngine:
    """Return an engine on asyncpg.

    Args:
        database_url: ``postgresql://…``; the driver's name is put in here.
        pool_size: connections per process, all processes together under 3 × PostgreSQL's cores.
        statement_timeout_seconds: PostgreSQL ends any statement that takes longer.
    """
    url = sa.make_url(database_url).set(drivername="postgresql+asyncpg")
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=True,
        hide_parameters=True,  # an error's text would repeat personal numbers
        connect_args={
            "server_settings": {
                "timezone": "UTC",
                "statement_timeout": str(int(statement_timeout_seconds * 1000)),
                "idle_in_transaction_session_timeout": "60000",
            }
        },
    )


def make_sessions(engine: AsyncEngine) -> Sessions:
    """Return the session factory that services and routes are given."""
    return async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def transaction(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """Yield a session that commits on success and rolls back on any exception."""
    async with sessions() as session, session.begin():
        yield session


async def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


SessionsOfApp = Annotated[Sessions, Depends(_sessions)]

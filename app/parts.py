"""The parts that the server and the worker are both made of, opened and closed together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from app import keys as app_keys
from app.audit.service import AuditTrail, Sequencer
from app.db import Sessions, make_engine, make_sessions
from app.exchange.register import RegisterPort, open_registers
from app.identity.register import RevocationPort, open_revocation
from app.keys import Keys
from app.settings import Settings
from bodycam.storage import ObjectStore, make_store

LOG_ORIGIN = "saqshy.kz/log"  # the name of the log in its checkpoints (C2SP tlog-checkpoint)


class NoDatabase(ValueError):
    """A database address is needed, and none is set."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Settings, keys and ports, built once."""

    settings: Settings
    keys: Keys
    sessions: Sessions
    trail: AuditTrail
    sequencer: Sequencer
    registers: RegisterPort
    revocation: RevocationPort
    store: ObjectStore


@asynccontextmanager
async def open_parts(settings: Settings) -> AsyncIterator[Parts]:
    """Yield the parts of one process.

    Raises:
        NoDatabase: no address is set; ``up`` sets one for its children.
        KeysMissing: a key file is absent or weak.
    """
    if settings.database_url is None:
        raise NoDatabase("set DATABASE_URL, or use 'up', which brings its own database")
    keys = app_keys.load(settings.keys)
    engine = make_engine(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        statement_timeout_seconds=settings.statement_timeout_seconds,
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        sessions = make_sessions(engine)
        registers = await stack.enter_async_context(open_registers(settings))
        yield Parts(
            settings=settings,
            keys=keys,
            sessions=sessions,
            trail=AuditTrail(subject_key=keys.subject),
            sequencer=Sequencer(
                sessions=sessions, checkpoint_key=keys.checkpoint, origin=LOG_ORIGIN
            ),
            registers=registers,
            revocation=await stack.enter_async_context(open_revocation(settings)),
            store=make_store(settings),
        )

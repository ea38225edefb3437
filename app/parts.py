"""The parts that the server and the worker are both made of, opened and closed together."""

import functools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from app import keys as app_keys
from app.audit.register import HttpStamps, HttpWitness
from app.audit.rules.note import parse_verifier_key
from app.audit.rules.outage import parse_terms
from app.audit.rules.timestamp import stamp_trust
from app.audit.rules.words import key_of_words
from app.audit.service import (
    Anchoring,
    AnchorWatch,
    AuditTrail,
    LeafWatch,
    Sequencer,
    Witnessing,
)
from app.cutting import Answers
from app.db import Direct, Sessions, make_engine, make_sessions, open_direct
from app.exchange.register import (
    CaseRegisterPort,
    RegisterPort,
    open_case_registers,
    open_notices,
    open_registers,
)
from app.exchange.rules.notices import Tell
from app.exchange.service import SeedBook, Surroundings
from app.identity.register import RevocationPort, open_revocation
from app.identity.service import SessionWatch, living_sessions
from app.keys import Keys
from app.settings import Retention, Settings
from bodycam.rules.retention import Category
from bodycam.rules.tiers import HOT, TierRule
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
    direct: Direct
    trail: AuditTrail
    sequencer: Sequencer
    witnessing: Witnessing | None
    anchoring: Anchoring | None
    registers: RegisterPort
    case_registers: CaseRegisterPort
    tell_register: Tell | None  # none: the register has no address
    seeds: SeedBook
    surroundings: Surroundings
    revocation: RevocationPort
    store: ObjectStore
    tier_rules: tuple[TierRule, ...]
    retained_in: tuple[str, ...]  # the stores that are told until when to let nobody delete
    answers: Answers
    session_watch: SessionWatch
    leaf_watch: LeafWatch


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
        direct = await stack.enter_async_context(
            open_direct(
                settings.database_url.get_secret_value(),
                pool_size=settings.database_pool_size,
                statement_timeout_seconds=settings.statement_timeout_seconds,
            )
        )
        registers = await stack.enter_async_context(open_registers(settings))
        witnessing, anchoring = _vouching(settings, sessions, stack)
        trail = AuditTrail(
            subject_key=keys.subject,
            anchors=AnchorWatch(terms=parse_terms(settings.anchor_outage_hours))
            if anchoring
            else None,
            direct=direct,
        )
        answers = Answers(functools.partial(living_sessions, sessions))
        yield Parts(
            settings=settings,
            keys=keys,
            sessions=sessions,
            direct=direct,
            trail=trail,
            sequencer=Sequencer(
                sessions=sessions, checkpoint_key=keys.checkpoint, origin=LOG_ORIGIN
            ),
            witnessing=witnessing,
            anchoring=anchoring,
            registers=registers,
            seeds=SeedBook(),
            surroundings=Surroundings(),
            case_registers=await stack.enter_async_context(open_case_registers(settings)),
            tell_register=await stack.enter_async_context(open_notices(settings)),
            revocation=await stack.enter_async_context(open_revocation(settings)),
            store=make_store(settings, keys=keys.objects),
            tier_rules=_tier_rules(settings),
            retained_in=_retained_in(settings),
            answers=answers,
            session_watch=SessionWatch(sessions=sessions, answers=answers),
            leaf_watch=LeafWatch(
                sessions=sessions,
                waiters=trail.waiters,
                words_key=key_of_words(keys.checkpoint.private_bytes_raw()),
            ),
        )


def _vouching(
    settings: Settings, sessions: Sessions, stack: AsyncExitStack
) -> tuple[Witnessing | None, Anchoring | None]:
    """Return who speaks to the witness and to the time-stamping authority, where configured."""
    witnessing = anchoring = None
    if settings.witness_url is not None and settings.witness_key is not None:
        witness = HttpWitness(url=str(settings.witness_url))
        stack.push_async_callback(witness.aclose)
        key = parse_verifier_key(settings.witness_key)
        witnessing = Witnessing(sessions=sessions, witness=witness, key=key)
    if settings.tsa_url is not None and settings.tsa_roots_dir is not None:
        authority = HttpStamps(url=str(settings.tsa_url))
        stack.push_async_callback(authority.aclose)
        trust = stamp_trust(path.read_bytes() for path in settings.tsa_roots_dir.glob("*.pem"))
        anchoring = Anchoring(sessions=sessions, authority=authority, trust=trust)
    return witnessing, anchoring


def _tier_rules(settings: Settings) -> tuple[TierRule, ...]:
    return tuple(
        TierRule(
            valid_from=one.valid_from,
            to=one.to,
            after_days=one.after_days,
            categories=frozenset(Category(name) for name in one.categories),
            wanted_too=one.wanted_too,
        )
        for one in settings.tier_rules
    )


def _retained_in(settings: Settings) -> tuple[str, ...]:
    modes = {HOT: settings.s3_retention} | {
        name: one.retention for name, one in settings.stores.items()
    }
    return tuple(name for name, mode in modes.items() if mode is not Retention.NONE)

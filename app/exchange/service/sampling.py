"""The daily seed of the draw: committed to before it is used, opened when its day is over."""

import secrets
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from app.clock import law_date
from app.db import transaction
from app.exchange.models import SamplingSeedRow
from app.exchange.repository import seeds as repository
from app.exchange.rules.sampling import SEED_BYTES, commitment_of
from app.exchange.service.ports import ExchangePorts
from app.exchange.storage import Content, new_key, open_key

_SEEDS: Final = UUID("6f0f5d5e-52a3-4d0e-9f2b-0b9a1d1c7c11")  # names the owners of seeds' keys
_DAYS_KEPT: Final = 3  # in a process: today, and yesterday's requests that still wait


async def seed_of(ports: ExchangePorts, *, day: date) -> bytes:
    """Return the seed of ``day``; where there is none yet it is made and committed to first.

    The commitment enters the log's queue before any decision that used the seed, so that its
    leaf stands before theirs.

    Raises:
        AnswerDamaged: the seed cannot be opened: it was sealed under another vault key.
    """
    known = ports.seeds.seeds
    if day not in known:
        known[day] = await commit_seed(ports, day=day)
        for old in sorted(known)[:-_DAYS_KEPT]:
            del known[old]
    return known[day]


async def commit_seed(ports: ExchangePorts, *, day: date) -> bytes:
    """Make the seed of ``day`` unless it is there, record its commitment, and return the seed."""
    async with transaction(ports.sessions) as session:
        row = await repository.seed_of(session, day=day)
        if row is not None:
            return _opened(ports, row)
        seed = secrets.token_bytes(SEED_BYTES)
        # Whoever comes second waits here for the first, and then finds the first one's seed.
        await repository.one_at_a_time(session, day=day)
        row = await repository.seed_of(session, day=day)
        if row is not None:
            return _opened(ports, row)
        now, commitment = ports.clock(), commitment_of(seed, day=day)
        event_id = await ports.trail.record(
            session,
            event="exchange.seed_committed",
            at=now,
            who=None,
            fields={"day": day.isoformat(), "commitment": commitment},
        )
        key = new_key(vault=ports.keys.vault, owner=_owner(day))
        session.add(
            SamplingSeedRow(
                day=day,
                commitment=commitment,
                wrapped_key=key.wrapped,
                sealed=key.seal(Content.SEED, seed),
                committed_at=now,
                commit_event_id=event_id,
            )
        )
    return seed


async def keep_seeds(ports: ExchangePorts, *, now: datetime) -> None:
    """Commit to the seeds of today and tomorrow, and open those of days that are over.

    Safe to repeat. A day is over when nothing of it can be drawn any more.
    """
    today = law_date(now)
    for day in (today, today + timedelta(days=1)):
        await seed_of(ports, day=day)
    async with transaction(ports.sessions) as session:
        for row in await repository.unopened_before(session, day=today):
            seed = _opened(ports, row)
            row.opened_at = now
            await ports.trail.record(
                session,
                event="exchange.seed_opened",
                at=now,
                who=None,
                fields={"day": row.day.isoformat(), "seed": seed.hex()},
            )


def _owner(day: date) -> UUID:
    return uuid5(_SEEDS, day.isoformat())


def _opened(ports: ExchangePorts, row: SamplingSeedRow) -> bytes:
    key = open_key(vault=ports.keys.vault, owner=_owner(row.day), wrapped=row.wrapped_key)
    return key.unseal(Content.SEED, row.sealed)

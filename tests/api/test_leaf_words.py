"""Who waits for a leaf hears the sequencer's word of it, believes no other, and needs none."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.audit.errors import AuditSilent
from app.audit.rules.words import key_of_words, words
from app.audit.service import AuditTrail, LeafWatch, Sequencer
from app.db import transaction

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
WORDS_KEY = key_of_words(KEY.private_bytes_raw())


@pytest.fixture
def trail():
    return AuditTrail(subject_key=b"s" * 32)


@pytest.fixture
def sequencer(sessions):
    return Sequencer(sessions=sessions, checkpoint_key=KEY, origin="test.example/log")


@pytest.fixture
async def watched(sessions, trail):
    watch = LeafWatch(sessions=sessions, waiters=trail.waiters, words_key=WORDS_KEY)
    task = asyncio.create_task(watch.run())
    await until(lambda: trail.waiters.told)
    yield
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not trail.waiters.told


async def record(sessions, trail, count=1):
    async with transaction(sessions) as session:
        return [
            await trail.record(session, event="test.happened", at=NOW, who=None)
            for _ in range(count)
        ]


async def say(sessions, word):
    async with transaction(sessions) as session:
        await session.execute(
            sa.text("SELECT pg_notify('saqshy_audit_given', :word)"), {"word": word}
        )


async def until(true):
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)


async def heard(trail, event_id):
    await until(lambda: event_id in trail.waiters._given)


@pytest.mark.usefixtures("watched")
async def test_a_leaf_given_before_anybody_waited_is_known_without_asking(
    sessions, trail, sequencer
):
    ids = await record(sessions, trail, 450)  # more than one word holds
    await sequencer.drain_once()
    await heard(trail, ids[-1])

    found = [
        await trail.waiters.wait(None, one, 1, direct=None)  # no database: it cannot ask
        for one in ids
    ]

    assert found == list(range(450))


@pytest.mark.usefixtures("watched")
async def test_the_first_leaf_of_all_is_told_like_any_other(sessions, trail, sequencer):
    (event_id,) = await record(sessions, trail)
    waiting = asyncio.create_task(trail.sequenced(sessions, event_id=event_id, timeout_seconds=30))
    await asyncio.sleep(0)
    await sequencer.drain_once()

    assert await waiting == 0


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("key", [b"w" * 32, b""])
async def test_a_word_of_somebody_else_releases_nothing(sessions, trail, key):
    first, second = await record(sessions, trail, 2)
    (forged,) = words(key, first=0, event_ids=[first])
    await say(sessions, forged)
    await say(sessions, "")
    await say(sessions, f"{'0' * 32}0 {first.hex}")
    (good,) = words(WORDS_KEY, first=7, event_ids=[second])
    await say(sessions, good)  # after the others: what they said has come
    await heard(trail, second)

    with pytest.raises(AuditSilent):
        await trail.sequenced(sessions, event_id=first, timeout_seconds=0.5)


@pytest.mark.usefixtures("watched")
async def test_who_missed_the_word_asks_the_tables(sessions, trail, sequencer):
    (event_id,) = await record(sessions, trail)
    await sequencer.drain_once()
    await heard(trail, event_id)
    trail.waiters._given.clear()

    assert await trail.sequenced(sessions, event_id=event_id, timeout_seconds=30) == 0


async def test_a_watch_that_lost_its_connection_listens_again(sessions, trail, sequencer):
    watch = LeafWatch(sessions=sessions, waiters=trail.waiters, words_key=WORDS_KEY)
    task = asyncio.create_task(watch.run())
    await until(lambda: trail.waiters.told)

    async with transaction(sessions) as session:
        await session.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'saqshy-leaf-watch' AND datname = current_database()"
            )
        )
    (event_id,) = await record(sessions, trail)
    await sequencer.drain_once()
    index = await trail.sequenced(sessions, event_id=event_id, timeout_seconds=30)
    (later,) = await record(sessions, trail)
    async with asyncio.timeout(30):
        while later not in trail.waiters._given:
            (later,) = await record(sessions, trail)
            await sequencer.drain_once()
            await asyncio.sleep(0.2)
    task.cancel()

    assert index == 0


async def test_an_event_without_a_leaf_stays_silent_for_who_is_told_too(sessions, trail):
    trail.waiters.told = True  # and nobody says anything

    with pytest.raises(AuditSilent):
        await trail.sequenced(sessions, event_id=uuid4(), timeout_seconds=0.6)

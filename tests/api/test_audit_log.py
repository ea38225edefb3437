import asyncio
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.exc import IntegrityError

from app.access import Principal, Role
from app.audit import repository, service, verify
from app.audit.errors import AuditSilent, EventNotWritable, LeafNotFound, LogEmpty
from app.audit.models import CheckpointRow, Leaf, OutboxRow, Subject
from app.audit.rules.leaf import commitment
from app.audit.rules.note import VerifierKey
from app.audit.service import AuditTrail, Sequencer
from app.db import transaction

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
ORIGIN = "test.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
VKEY = str(VerifierKey(name=ORIGIN, public_key=KEY.public_key().public_bytes_raw()))
IIN = "950817301017"
_BACKLOG = """
    INSERT INTO audit_outbox (event_id, event, at, leaf)
    SELECT gen_random_uuid(), 'test.happened', now(), CAST('x' AS bytea)
    FROM generate_series(1, $1)
"""


@pytest.fixture
def trail():
    return AuditTrail(subject_key=b"s" * 32)


@pytest.fixture
def sequencer(sessions):
    return Sequencer(sessions=sessions, checkpoint_key=KEY, origin=ORIGIN)


@pytest.fixture
async def running(sequencer):
    stop = asyncio.Event()
    task = asyncio.create_task(sequencer.run(stop))
    yield
    stop.set()
    await task


async def record(sessions, trail, count=1, **more):
    async with transaction(sessions) as session:
        return [
            await trail.record(session, event="test.happened", at=NOW, who=None, **more)
            for _ in range(count)
        ]


async def whole_log(sessions):
    """Return every leaf after checking them against the newest checkpoint, as an auditor does."""
    async with transaction(sessions) as session:
        size = await service.leaf_count(session)
        note = await service.checkpoint_note(session)
        export = b"".join([part async for part in service.export_leaves(session, size=size)])
    leaves = export.splitlines()
    verify.verify_log(leaves=leaves, checkpoint=note, verifier_key=VKEY)
    return leaves


async def event_ids(sessions):
    async with transaction(sessions) as session:
        return list(await session.scalars(sa.select(Leaf.event_id).order_by(Leaf.index)))


async def test_an_event_gets_its_leaf_and_the_log_verifies(sessions, trail, sequencer):
    written = await record(sessions, trail, 3)

    drained = await sequencer.drain_once()

    assert drained == 3
    assert len(await whole_log(sessions)) == 3
    assert sorted(await event_ids(sessions)) == sorted(written)


async def test_an_empty_outbox_makes_no_checkpoint(sessions, sequencer):
    drained = await sequencer.drain_once()

    assert drained == 0
    async with transaction(sessions) as session:
        assert await service.leaf_count(session) == 0
        with pytest.raises(LogEmpty):
            await service.checkpoint_note(session)
        with pytest.raises(LogEmpty):
            await service.proof_of_leaf(session, index=0)


async def test_every_batch_is_proven_leaf_by_leaf(sessions, trail, sequencer):
    for count in (1, 1, 5, 20, 3):
        await record(sessions, trail, count)
        await sequencer.drain_once()

    async with transaction(sessions) as session:
        for index in range(30):
            proof = await service.proof_of_leaf(session, index=index)
            leaf = await service.leaf_of(session, index=index)
            verify.verify_proof(leaf=leaf, proof=proof, verifier_key=VKEY)
        with pytest.raises(LeafNotFound):
            await service.proof_of_leaf(session, index=30)


async def test_a_backlog_is_not_taken_by_the_plan_of_an_empty_outbox(sessions):
    async with repository.connected(sessions) as connection:
        await connection.execute("VACUUM audit_outbox")  # only now it is known to be empty
        await connection.execute("SET statement_timeout = '30s'")  # the wrong plan takes a minute
        for _ in range(8):  # by then a plan is kept, where one is
            async with connection.transaction():
                await repository.take_batch(connection, limit=2000)
        async with connection.transaction():
            await connection.execute(_BACKLOG, 40_000)
            taken = await repository.take_batch(connection, limit=2000)

    positions = [row["position"] for row in taken]
    assert positions == list(range(positions[0], positions[0] + 2000))


async def test_a_rolled_back_event_never_reaches_the_log(sessions, trail, sequencer):
    async with sessions() as session:
        await trail.record(session, event="test.happened", at=NOW, who=None)
        await session.rollback()

    assert await sequencer.drain_once() == 0


async def test_a_leaf_names_the_caller_and_commits_to_the_subject(sessions, trail, sequencer):
    caller = Principal(
        department_id=uuid4(), person_id=uuid4(), post_id=uuid4(), role=Role.PATROL_OFFICER
    )

    async with transaction(sessions) as session:
        event_id = await trail.record(
            session, event="test.asked", at=NOW, who=caller, subject_iin=IIN, fields={"hit": True}
        )
    await sequencer.drain_once()

    (leaf,) = await whole_log(sessions)
    async with transaction(sessions) as session:
        subject = await session.get(Subject, event_id)
    made = commitment(subject_key=b"s" * 32, salt=subject.salt, iin=IIN)
    assert f'"subject":"{made}"' in leaf.decode()
    assert f'"person":"{caller.person_id}"' in leaf.decode()
    assert IIN not in leaf.decode()


async def test_an_event_with_the_subject_in_clear_is_not_written(sessions, trail, sequencer):
    with pytest.raises(EventNotWritable):
        await record(sessions, trail, subject_iin=IIN, fields={"note": f"iin {IIN}"})

    assert await sequencer.drain_once() == 0


@pytest.mark.parametrize("table", ["audit_leaves", "audit_nodes", "audit_checkpoints"])
@pytest.mark.parametrize("act", ["UPDATE {} SET {}", "DELETE FROM {}", "TRUNCATE {}"])
async def test_what_is_written_cannot_be_changed_or_deleted(sessions, trail, sequencer, table, act):
    await record(sessions, trail, 2)
    await sequencer.drain_once()
    columns = {
        "audit_leaves": "leaf = 'x'",
        "audit_nodes": "hash = 'x'",
        "audit_checkpoints": "note = 'x'",
    }

    with pytest.raises(IntegrityError, match="append-only"):
        async with transaction(sessions) as session:
            await session.execute(sa.text(act.format(table, columns[table])))

    assert len(await whole_log(sessions)) == 2


@pytest.mark.usefixtures("running")
async def test_waiting_ends_with_the_index_of_the_leaf(sessions, trail):
    (event_id,) = await record(sessions, trail)

    index = await trail.sequenced(sessions, event_id=event_id, timeout_seconds=30)

    async with transaction(sessions) as session:
        assert str(event_id).encode() in await service.leaf_of(session, index=index)


@pytest.mark.usefixtures("running")
async def test_waiting_is_short(sessions, trail):
    waits = []
    for _ in range(30):
        (event_id,) = await record(sessions, trail)
        started = time.perf_counter()
        await trail.sequenced(sessions, event_id=event_id, timeout_seconds=30)
        waits.append(time.perf_counter() - started)

    # Typically about 10 ms; the bound leaves room for a machine that does other things too.
    assert sorted(waits)[15] < 0.1


@pytest.mark.usefixtures("running")
async def test_many_who_wait_at_once_each_get_their_own_index(sessions, trail):
    async def one():
        (event_id,) = await record(sessions, trail)
        return await trail.sequenced(sessions, event_id=event_id, timeout_seconds=30), event_id

    answers = await asyncio.gather(*(one() for _ in range(100)))

    assert [event_id for _, event_id in sorted(answers)] == await event_ids(sessions)


async def test_without_a_sequencer_waiting_ends_in_silence(sessions, trail):
    (event_id,) = await record(sessions, trail)

    with pytest.raises(AuditSilent):
        await trail.sequenced(sessions, event_id=event_id, timeout_seconds=0.1)


@pytest.mark.usefixtures("running")
async def test_an_event_that_was_never_committed_has_no_leaf(sessions, trail):
    with pytest.raises(AuditSilent):
        await trail.sequenced(sessions, event_id=uuid4(), timeout_seconds=0.1)


async def test_a_database_that_does_not_answer_is_silence(sessions, trail):
    async with transaction(sessions) as session:
        await session.execute(sa.text("ALTER TABLE audit_leaves RENAME TO audit_leaves_gone"))

    with pytest.raises(AuditSilent):
        await trail.sequenced(sessions, event_id=uuid4(), timeout_seconds=2)


@pytest.mark.usefixtures("running")
async def test_two_sequencers_at_once_write_one_log(sessions, trail):
    stop = asyncio.Event()
    other = Sequencer(sessions=sessions, checkpoint_key=KEY, origin=ORIGIN)
    task = asyncio.create_task(other.run(stop))
    written = []

    async def writer():
        for _ in range(20):
            written.extend(await record(sessions, trail, 3))
            await other.drain_once()

    await asyncio.gather(*(writer() for _ in range(4)))
    await trail.sequenced(sessions, event_id=written[-1], timeout_seconds=30)
    await emptied(sessions)
    stop.set()
    await task

    assert Counter(await event_ids(sessions)) == Counter(written)
    assert len(await whole_log(sessions)) == 240


async def emptied(sessions):
    waiting = sa.select(sa.func.count()).select_from(OutboxRow)
    for _ in range(1000):
        async with transaction(sessions) as session:
            if await session.scalar(waiting) == 0:
                return
        await asyncio.sleep(0.01)
    raise TimeoutError


@pytest.mark.usefixtures("running")
async def test_the_second_takes_over_when_the_leader_loses_its_connection(sessions, trail):
    (first,) = await record(sessions, trail)
    await trail.sequenced(sessions, event_id=first, timeout_seconds=30)
    async with transaction(sessions) as session:
        await session.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'saqshy-sequencer' AND datname = current_database()"
            )
        )

    (second,) = await record(sessions, trail)
    index = await trail.sequenced(sessions, event_id=second, timeout_seconds=30)

    assert index == 1


PROGRAM = """
import asyncio, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from app.audit.service import Sequencer
from app.db import make_engine, make_sessions
key = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
sessions = make_sessions(make_engine(sys.argv[1], pool_size=1))
print("ready", flush=True)
sequencer = Sequencer(sessions=sessions, checkpoint_key=key, origin=sys.argv[2])
asyncio.run(sequencer.run(asyncio.Event()))
"""


async def checkpoints(sessions):
    async with transaction(sessions) as session:
        return await session.scalar(sa.select(sa.func.count()).select_from(CheckpointRow))


async def test_killed_in_the_middle_of_its_batches_each_event_is_there_once(
    sessions, trail, database_url
):
    written = []
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, database_url, ORIGIN, stdout=subprocess.PIPE
        )
        await process.stdout.readline()
        wanted = await checkpoints(sessions) + 2
        async with asyncio.timeout(60):
            while await checkpoints(sessions) < wanted:
                written += await record(sessions, trail, 40)
        written += await record(sessions, trail, 40)
        process.kill()  # whatever it was doing
        await process.wait()

    after = Sequencer(sessions=sessions, checkpoint_key=KEY, origin=ORIGIN)
    while await after.drain_once():
        pass

    assert Counter(await event_ids(sessions)) == Counter(written)
    assert len(await whole_log(sessions)) == len(written)
    assert await checkpoints(sessions) > 2


async def test_a_batch_that_fails_at_its_last_statement_leaves_nothing(sessions, trail, sequencer):
    written = await record(sessions, trail, 5)
    blocked = CheckpointRow(size=5, root=b"", note="", signed_at=NOW)
    async with transaction(sessions) as session:
        session.add(blocked)
        await session.flush()
        # Another writer's checkpoint of the same size, not yet committed: ours must wait for it.
        attempt = asyncio.create_task(sequencer.drain_once())
        await asyncio.sleep(0.2)
        attempt.cancel()
        await asyncio.gather(attempt, return_exceptions=True)
        await session.rollback()

    assert await event_ids(sessions) == []
    assert await sequencer.drain_once() == 5
    assert sorted(await event_ids(sessions)) == sorted(written)


async def test_anybody_reads_checkpoint_proof_and_key_over_http(client, sessions, parts):
    (event_id,) = await record(sessions, parts.trail)
    index = await parts.trail.sequenced(sessions, event_id=event_id, timeout_seconds=30)

    key = await client.get("/log/key")
    proof = await client.get(f"/log/proof/{index}")
    checkpoint = await client.get("/log/checkpoint")

    async with transaction(sessions) as session:
        leaf = await service.leaf_of(session, index=index)
    assert verify.verify_proof(leaf=leaf, proof=proof.text, verifier_key=key.text).size == 1
    assert proof.text.endswith(checkpoint.text)
    assert checkpoint.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/log/checkpoint", 404, "audit.log_empty"),
        ("/log/key", 404, "audit.log_empty"),
        ("/log/proof/0", 404, "audit.log_empty"),
        ("/log/proof/-1", 422, "app.bad_request"),
        ("/log/proof/99999999999999999999", 422, "app.bad_request"),
        ("/log/proof/one", 422, "app.bad_request"),
    ],
)
async def test_what_is_not_there_has_its_own_answer(client, path, status, code):
    answer = await client.get(path)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_leaf_beyond_the_newest_checkpoint_is_not_found(client, sessions, parts):
    (event_id,) = await record(sessions, parts.trail)
    await parts.trail.sequenced(sessions, event_id=event_id, timeout_seconds=30)

    answer = await client.get("/log/proof/1")

    assert (answer.status_code, answer.json()["code"]) == (404, "audit.leaf_not_found")

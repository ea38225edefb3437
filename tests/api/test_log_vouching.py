import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.exc import IntegrityError

from app.audit import service, verify
from app.audit.errors import AnchorOverdue, MonthClosed, StampNotValid
from app.audit.register import HttpStamps, HttpWitness, PeerSilent
from app.audit.rules.note import VerifierKey, parse_verifier_key
from app.audit.rules.outage import parse_terms
from app.audit.rules.tiles import tile_path, tiles_of
from app.audit.rules.timestamp import check_stamp, stamp_trust
from app.audit.service import Anchoring, AnchorWatch, AuditTrail, Sequencer, Witnessing
from app.audit.service.witnessing import ForkSuspected
from app.db import driver_of, transaction
from sim.timestamping import SimTimestamping
from sim.witness import SimWitness

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
ORIGIN = "test.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
VKEY = str(VerifierKey(name=ORIGIN, public_key=KEY.public_key().public_bytes_raw()))


@pytest.fixture
def trail():
    return AuditTrail(subject_key=b"s" * 32)


@pytest.fixture
def grow(sessions, trail):
    sequencer = Sequencer(sessions=sessions, checkpoint_key=KEY, origin=ORIGIN)

    async def more(count):
        async with transaction(sessions) as session:
            for _ in range(count):
                await trail.record(session, event="test.happened", at=NOW, who=None)
        while await sequencer.drain_once():
            pass

    return more


async def note(sessions):
    async with transaction(sessions) as session:
        return await service.checkpoint_note(session)


@pytest.fixture
def witness(tmp_path):
    with SimWitness(log_key=VKEY, folder=tmp_path / "witness") as witness:
        yield witness


@pytest.fixture
async def witnessing(sessions, witness):
    port = HttpWitness(url=witness.url)
    yield Witnessing(sessions=sessions, witness=port, key=parse_verifier_key(witness.key))
    await port.aclose()


async def test_each_checkpoint_is_cosigned_as_the_log_grows(sessions, grow, witness, witnessing):
    for count, size in ((1, 1), (5, 6), (300, 306), (1, 307)):
        await grow(count)
        before = await note(sessions)

        assert await witnessing.submit_once() == size
        assert await witnessing.submit_once() is None

        cosigned = await note(sessions)
        assert cosigned.startswith(before)
        verify._opened(cosigned, VKEY, [witness.key])
    assert witness.refused == []


async def test_an_empty_log_is_not_submitted(witnessing):
    assert await witnessing.submit_once() is None


async def test_a_proof_carries_the_cosignature(sessions, grow, witness, witnessing):
    await grow(20)
    await witnessing.submit_once()

    async with transaction(sessions) as session:
        proof = await service.proof_of_leaf(session, index=7)
        leaf = await service.leaf_of(session, index=7)

    verify.verify_proof(leaf=leaf, proof=proof, verifier_key=VKEY, witnesses=[witness.key])


async def test_a_leaf_behind_the_cosigned_checkpoint_is_proven_by_the_newest(
    sessions, grow, witnessing
):
    await grow(3)
    await witnessing.submit_once()
    await grow(2)

    async with transaction(sessions) as session:
        published = await service.published_note(session)
        proof = await service.proof_of_leaf(session, index=4)
        leaf = await service.leaf_of(session, index=4)

    assert published.splitlines()[1] == "3"
    assert verify.verify_proof(leaf=leaf, proof=proof, verifier_key=VKEY).size == 5


async def test_an_answer_that_was_lost_is_made_good(grow, witness, witnessing):
    await grow(3)
    witness.loses_answers = True
    with pytest.raises(PeerSilent):
        await witnessing.submit_once()
    witness.loses_answers = False
    await grow(4)

    assert await witnessing.submit_once() == 7
    assert witness.refused == [409]


async def test_a_silent_witness_is_asked_again(grow, witness, witnessing):
    await grow(3)
    witness.silent = True
    with pytest.raises(PeerSilent):
        await witnessing.submit_once()
    witness.silent = False

    assert await witnessing.submit_once() == 3


async def test_a_rewritten_log_is_refused_by_the_witness(sessions, grow, witness, witnessing):
    await grow(5)
    await witnessing.submit_once()
    async with transaction(sessions) as session:  # as the owner of the database could
        for table in ("audit_leaves", "audit_nodes", "audit_checkpoints", "audit_cosignatures"):
            await session.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            await session.execute(sa.text(f"DELETE FROM {table}"))
    await grow(9)

    with pytest.raises(ForkSuspected, match="no proof"):
        await witnessing.submit_once()
    assert witness.refused == [409, 422]


async def test_a_log_that_was_set_back_is_noticed(sessions, grow, witnessing):
    await grow(5)
    await witnessing.submit_once()
    async with transaction(sessions) as session:
        for table in ("audit_leaves", "audit_nodes", "audit_checkpoints", "audit_cosignatures"):
            await session.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            await session.execute(sa.text(f"DELETE FROM {table}"))
    await grow(2)

    with pytest.raises(ForkSuspected, match="seen 5 leaves, we 2"):
        await witnessing.submit_once()


async def test_another_witness_is_not_believed(sessions, grow, witness):
    await grow(3)
    stranger = VerifierKey(name="witness.example/x", public_key=b"x" * 32, kind=b"\x04")
    port = HttpWitness(url=witness.url)

    with pytest.raises(PeerSilent, match="no cosignature"):
        await Witnessing(sessions=sessions, witness=port, key=stranger).submit_once()
    await port.aclose()


@pytest.fixture
def tsa(tmp_path):
    with SimTimestamping.create(tmp_path / "tsa") as tsa:
        yield tsa


@pytest.fixture
async def anchoring(sessions, tsa):
    port = HttpStamps(url=tsa.url)
    trust = stamp_trust(path.read_bytes() for path in tsa.roots_dir.glob("*.pem"))
    yield Anchoring(sessions=sessions, authority=port, trust=trust)
    await port.aclose()


async def test_a_checkpoint_is_anchored_once(sessions, grow, anchoring):
    await grow(3)

    assert await anchoring.anchor_once() == 3
    assert await anchoring.anchor_once() is None

    async with transaction(sessions) as session:
        content, response = await service.anchored(session)
    check_stamp(response, content=content.encode(), nonce=None, trust=anchoring.trust, now=None)


async def test_a_stamp_that_proves_nothing_is_not_stored(sessions, grow, anchoring, tsa):
    await grow(3)
    tsa.with_faults(wrong_nonce=True)

    with pytest.raises(StampNotValid):
        await anchoring.anchor_once()
    async with transaction(sessions) as session:
        assert await service.anchored(session) is None


async def test_a_silent_authority_is_silence(grow, anchoring, tsa):
    await grow(3)
    tsa.silent = True

    with pytest.raises(PeerSilent):
        await anchoring.anchor_once()


@pytest.mark.parametrize("hours", [0, 3.9])
async def test_within_the_term_an_outage_stops_nothing(sessions, grow, hours):
    await grow(3)
    watch = AnchorWatch(
        terms=parse_terms("2026-01-01=4"),
        clock=lambda: datetime.now(UTC) + timedelta(hours=hours),
    )

    await watch.refuse_if_overdue(sessions, wait_seconds=0)


async def test_after_the_term_nothing_is_released_until_a_stamp_comes(sessions, grow, anchoring):
    await grow(1)
    late = datetime.now(UTC) + timedelta(hours=4, seconds=5)

    def trail():
        watch = AnchorWatch(terms=parse_terms("2026-01-01=4"), clock=lambda: late)
        return AuditTrail(subject_key=b"s" * 32, anchors=watch)

    async with transaction(sessions) as session:
        event_id = await trail().record(session, event="test.happened", at=NOW, who=None)
    await grow(0)

    with pytest.raises(AnchorOverdue):
        await trail().sequenced(sessions, event_id=event_id, timeout_seconds=1)
    await anchoring.anchor_once()
    assert await trail().sequenced(sessions, event_id=event_id, timeout_seconds=20) == 1


async def test_a_stamp_that_is_on_its_way_is_waited_for(sessions, grow, anchoring):
    await grow(1)
    late = datetime.now(UTC) + timedelta(hours=5)
    watch = AnchorWatch(terms=parse_terms("2026-01-01=4"), clock=lambda: late)

    waiting = asyncio.create_task(watch.refuse_if_overdue(sessions, wait_seconds=20))
    await asyncio.sleep(0.3)
    early = waiting.done()
    await anchoring.anchor_once()
    await waiting

    assert not early


async def test_the_log_is_cosigned_and_stamped_while_the_server_runs(
    sessions, grow, witnessing, anchoring
):
    stop = asyncio.Event()
    await grow(2)

    async with asyncio.TaskGroup() as group:
        group.create_task(witnessing.run(stop))
        group.create_task(anchoring.run(stop))
        await until_there_are(sessions, "audit_cosignatures", 1)
        await until_there_are(sessions, "audit_anchors", 1)
        await grow(3)
        await until_there_are(sessions, "audit_cosignatures", 2)
        stop.set()

    assert await count_of(sessions, "audit_anchors") == 1  # the next is a minute later


async def until_there_are(sessions, table, count):
    for _ in range(400):
        if await count_of(sessions, table) >= count:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(table)


async def count_of(sessions, table):
    async with transaction(sessions) as session:
        return await session.scalar(sa.text(f"SELECT count(*) FROM {table}"))


@pytest.mark.parametrize("table", ["audit_cosignatures", "audit_anchors", "audit_closed_months"])
async def test_what_vouches_for_the_log_is_written_once(sessions, table):
    with pytest.raises(IntegrityError, match="append-only"):
        async with transaction(sessions) as session:
            await session.execute(sa.text(f"DELETE FROM {table}"))


async def act(sessions, trail, stream, at):
    async with transaction(sessions) as session:
        running = await service.next_number(await driver_of(session), stream=stream, at=at)
        await trail.record(session, event="test.asked", at=at, who=None, fields=running.as_fields())
        return running.number


async def exported(sessions):
    async with transaction(sessions) as session:
        size = await service.leaf_count(session)
        export = b"".join([part async for part in service.export_leaves(session, size=size)])
    return export.splitlines()


async def test_numbers_run_without_a_gap_and_the_month_is_closed(sessions, trail, grow):
    streams = [uuid4() for _ in range(3)]
    next_month = NOW + timedelta(days=20)

    await asyncio.gather(*(act(sessions, trail, streams[n % 3], NOW) for n in range(30)))
    assert await act(sessions, trail, streams[0], next_month) == 1
    assert await service.close_month(sessions, trail=trail, now=NOW) == []
    assert await service.close_month(sessions, trail=trail, now=next_month) == ["2026-11"]
    assert await service.close_month(sessions, trail=trail, now=next_month) == []
    await grow(0)

    leaves = await exported(sessions)
    assert len(leaves) == 35
    assert verify.verify_numbers(leaves=leaves) == (31, 1)


async def test_a_rolled_back_act_gives_its_number_back(sessions, trail):
    stream = uuid4()
    async with sessions() as session:
        await service.next_number(await driver_of(session), stream=stream, at=NOW)
        await session.rollback()

    assert await act(sessions, trail, stream, NOW) == 1


async def test_a_closed_month_takes_no_number(sessions, trail):
    await act(sessions, trail, uuid4(), NOW)
    await service.close_month(sessions, trail=trail, now=NOW + timedelta(days=20))

    with pytest.raises(MonthClosed):
        await act(sessions, trail, uuid4(), NOW)


async def test_closing_waits_for_an_act_that_has_its_number(sessions, trail, grow):
    stream, next_month = uuid4(), NOW + timedelta(days=20)
    await act(sessions, trail, stream, NOW)
    async with transaction(sessions) as session:
        running = await service.next_number(await driver_of(session), stream=stream, at=NOW)
        closing = asyncio.create_task(service.close_month(sessions, trail=trail, now=next_month))
        await asyncio.sleep(0.2)
        assert not closing.done()
        await trail.record(
            session, event="test.asked", at=NOW, who=None, fields=running.as_fields()
        )

    assert await closing == ["2026-11"]
    await grow(0)
    assert verify.verify_numbers(leaves=await exported(sessions)) == (2, 1)


async def test_a_copy_in_a_folder_verifies_and_is_brought_up_to_date(sessions, grow, tmp_path):
    public_key = KEY.public_key().public_bytes_raw()
    notes = []
    for count in (300, 400):
        await grow(count)
        async with transaction(sessions) as session:
            await service.copy_log(session, public_key=public_key, folder=tmp_path)
        notes.append((tmp_path / "checkpoint").read_text())

        opened = verify.verify_tiles(
            folder=tmp_path / "tile", checkpoint=notes[-1], verifier_key=VKEY, earlier=notes[0]
        )

        assert opened.size == int(notes[-1].splitlines()[1])
    arguments = ["--key", str(tmp_path / "key"), "--checkpoint", str(tmp_path / "checkpoint")]
    assert verify.main(["log", *arguments, "--leaves", str(tmp_path / "leaves")]) == 0
    assert verify.main(["tiles", *arguments, "--tiles", str(tmp_path / "tile")]) == 0


@pytest.fixture
async def published(sessions, parts, client):
    async with transaction(sessions) as session:
        for _ in range(300):
            last = await parts.trail.record(session, event="test.happened", at=NOW, who=None)
    await parts.trail.sequenced(sessions, event_id=last, timeout_seconds=10)
    checkpoint = (await client.get("/log/checkpoint")).text
    return checkpoint, (await client.get("/log/key")).text


async def test_an_auditor_needs_nothing_but_the_public_tiles(published, client, tmp_path):
    checkpoint, key = published
    for tile in tiles_of(int(checkpoint.splitlines()[1])):
        answer = await client.get(f"/log/tile/{tile_path(tile)}")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert "immutable" in answer.headers["cache-control"]
        path = tmp_path / tile_path(tile)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(answer.content)

    opened = verify.verify_tiles(folder=tmp_path, checkpoint=checkpoint, verifier_key=key)

    assert opened.size == 300


async def test_growth_is_proven_over_http(published, client):
    checkpoint, key = published
    growth = await client.get("/log/growth/300")

    after = verify.verify_growth(earlier=checkpoint, growth=growth.text, verifier_key=key)

    assert after.size == 300


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/log/tile/0/001", 404, "audit.tile_not_found"),
        ("/log/tile/0/001.p/45", 404, "audit.tile_not_found"),
        ("/log/tile/1/000.p/2", 404, "audit.tile_not_found"),
        ("/log/tile/2/000.p/1", 404, "audit.tile_not_found"),
        ("/log/tile/entries/000", 404, "audit.tile_not_found"),
        ("/log/tile/0/0", 404, "audit.tile_not_found"),
        ("/log/growth/301", 404, "audit.earlier_not_covered"),
        ("/log/growth/-1", 422, "app.bad_request"),
    ],
)
@pytest.mark.usefixtures("published")
async def test_what_the_tree_does_not_have_is_not_found(client, path, status, code):
    answer = await client.get(path)

    assert (answer.status_code, answer.json()["code"]) == (status, code)

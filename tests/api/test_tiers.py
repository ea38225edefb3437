"""Recordings go from store to store: no reader, no crash and no race loses a byte."""

import asyncio
import json
import secrets
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from moto.server import ThreadedMotoServer
from typer.testing import CliRunner

from app.cli import cli
from app.db import transaction
from bodycam.errors import ObjectAbsent, StoreSilent
from bodycam.models import RecordingRow, TierMoveRow
from bodycam.rules.retention import HoldReason
from bodycam.service import custody, expiry, scrubbing
from bodycam.service.tiers import figures_of
from bodycam.storage import tier_named
from bodycam.storage.s3 import S3Store
from sim.district import KEEPER, REVIEWER
from tests import factories_bodycam as bodycam
from tests.factories_identity import signed_in
from tests.factories_store import directory_store, joined, s3_store, store_of
from tests.factories_tiers import Lying, Stopped, Stopping, run, two

DUE = datetime.now(UTC) + timedelta(days=31)
CLEARED = DUE + timedelta(hours=1)


@pytest.fixture
async def recorded(client, yard):
    recorded = yard.record(footage_file=bodycam.long_footage(blocks=2))
    (await bodycam.dock_whole(client, recorded, yard.dock)).raise_for_status()
    return recorded


@pytest.fixture
def key(recorded):
    return f"recordings/{recorded.recording_id}"


@pytest.fixture
def content(recorded):
    return (recorded.folder / "recording.mp4").read_bytes()


@pytest.fixture
def hot(parts):
    return parts.store


@pytest.fixture
def cold(tmp_path):
    return directory_store(tmp_path / "cold")


@pytest.fixture
def store(app, hot, cold):
    app.state.store = two(hot, cold)
    return app.state.store


async def whole(store, key, content):
    return await joined(store.open_range(key=key, start=0, length=len(content))) == content


async def tier(sessions, recorded):
    async with transaction(sessions) as session:
        row = await session.get(RecordingRow, recorded.recording_id)
        return row.tier


async def open_moves(sessions):
    async with transaction(sessions) as session:
        statement = sa.select(sa.func.count()).where(TierMoveRow.cleared_at.is_(None))
        return await session.scalar(statement)


async def hold(sessions, recorded, *, caller=KEEPER):
    async with transaction(sessions) as session:
        return await custody.place_hold(
            session,
            trail=bodycam.TRAIL,
            caller=await bodycam.principal_of(sessions, caller),
            recording_id=recorded.recording_id,
            reason=HoldReason.COURT,
            case_number="1",
            now=DUE,
        )


async def scrubbed(sessions, store):
    return await scrubbing.scrub(
        sessions, store=store, trail=bodycam.TRAIL, now=DUE + timedelta(days=40)
    )


@pytest.fixture(scope="module")
def s3_server():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def cold_store(request, kind):
    if kind == "directory":
        return request.getfixturevalue("cold")
    if kind == "ceph":
        return store_of(request.getfixturevalue("ceph"))
    return s3_store(request.getfixturevalue("s3_server"), f"b{secrets.token_hex(8)}")


@pytest.mark.parametrize("kind", ["directory", "s3", "ceph"])
async def test_what_is_due_moves_and_is_played_all_the_time(
    app, client, sessions, hot, recorded, key, content, kind, request
):
    cold = cold_store(request, kind)
    store = app.state.store = two(hot, cold)
    reviewer = await signed_in(client, REVIEWER)
    asked = {**reviewer, "Range": "bytes=8388600-8388650"}
    path = f"/api/recordings/{recorded.recording_id}/content"

    early = await run(sessions, store, now=DUE - timedelta(days=10))
    first = await run(sessions, store, now=DUE)
    between = await client.get(path, headers=asked)
    again = await run(sessions, store, now=DUE + timedelta(minutes=59))
    assert await whole(hot, key, content)
    last = await run(sessions, store, now=CLEARED)

    assert (early.switched, first.switched, again.switched, again.cleared) == (0, 1, 0, 0)
    assert (last.cleared, await open_moves(sessions)) == (1, 0)
    with pytest.raises(ObjectAbsent):
        await hot.size_of(key=key)
    after = await client.get(path, headers=asked)
    assert between.content == after.content == content[8388600:8388651]
    assert await whole(cold, key, content)
    (event,) = await bodycam.events(sessions, "bodycam.recording_moved")
    assert (event["from"], event["to"]) == ("hot", "cold")
    assert await scrubbed(sessions, store) == (1, 0)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("side", "kind"), [("hot", "directory"), ("cold", "directory"), ("cold", "s3")]
)
async def test_killed_at_any_step_there_is_one_valid_place_and_the_move_ends(
    sessions, hot, recorded, key, content, side, kind, after, request
):
    cold = cold_store(request, kind)
    stops = 0
    for at in range(100):
        stopping = {"hot": hot, "cold": cold}
        stopping[side] = Stopping(stopping[side], at=at, after=after)
        try:
            await run(sessions, two(**stopping), now=DUE + at * timedelta(hours=2))
        except Stopped:
            stops += 1
        store = two(hot, cold)
        place = await tier(sessions, recorded)
        assert await whole(tier_named(store, place), key, content)
        assert await whole(store, key, content)
        if place == "cold" and not await open_moves(sessions):
            break

    assert stops
    assert await tier(sessions, recorded) == "cold"
    with pytest.raises(ObjectAbsent):
        await hot.size_of(key=key)
    assert len(await bodycam.events(sessions, "bodycam.recording_moved")) == 1


async def test_a_copy_that_reads_back_otherwise_never_counts(
    sessions, hot, cold, recorded, key, content
):
    lied = await run(sessions, two(hot, Lying(cold)), now=DUE)
    assert (lied.switched, lied.failed) == (0, 1)
    assert await tier(sessions, recorded) == "hot"

    honest = await run(sessions, two(hot, cold), now=DUE)

    assert honest.switched == 1
    assert await whole(cold, key, content)


async def test_bytes_that_are_damaged_are_not_moved_on(
    sessions, hot, cold, recorded, key, settings
):
    file = settings.objects_dir / "sealed" / f"{key}~1"
    file.chmod(0o600)
    with file.open("r+b") as opened:
        opened.seek(-5, 2)
        opened.write(b"other")

    done = await run(sessions, two(hot, cold), now=DUE)

    assert (done.switched, done.failed) == (0, 1)
    assert await tier(sessions, recorded) == "hot"


async def test_two_that_move_at_once_move_once(sessions, hot, cold, recorded, key, content):
    await asyncio.gather(*(run(sessions, two(hot, cold), now=DUE) for _ in range(3)))
    await run(sessions, two(hot, cold), now=DUE)
    await run(sessions, two(hot, cold), now=CLEARED)

    assert await tier(sessions, recorded) == "cold"
    assert await whole(cold, key, content)
    assert len(await bodycam.events(sessions, "bodycam.recording_moved")) == 1


@pytest.mark.parametrize("wanted_by", ["hold", "complaint"])
async def test_what_is_wanted_comes_back(
    sessions, hot, store, recorded, key, content, yard, wanted_by
):
    await run(sessions, store, now=DUE)
    await run(sessions, store, now=CLEARED)

    if wanted_by == "hold":
        await hold(sessions, recorded)
    else:
        await bodycam.complain(yard)
    back = await run(sessions, store, now=CLEARED)

    assert back.switched == 1
    assert await tier(sessions, recorded) == "hot"
    assert await whole(hot, key, content)


async def test_a_move_that_nobody_wants_any_more_is_given_up(sessions, hot, cold, recorded, key):
    stopping = Stopping(cold, at=4, after=True)
    with pytest.raises(Stopped):
        await run(sessions, two(hot, stopping), now=DUE)
    await hold(sessions, recorded)

    done = await run(sessions, two(hot, cold), now=DUE)

    assert (done.switched, await open_moves(sessions)) == (0, 0)
    assert await tier(sessions, recorded) == "hot"
    with pytest.raises(ObjectAbsent):
        await cold.size_of(key=key)


async def test_a_recording_destroyed_on_its_way_leaves_nothing_anywhere(
    sessions,
    hot,
    cold,
    recorded,  # noqa: ARG001 - it must be there
    key,
    tmp_path,
):
    with pytest.raises(Stopped):  # the copy is whole, the row not switched yet
        await run(sessions, two(hot, Stopping(cold, at=7, after=True)), now=DUE)
    async with transaction(sessions) as session:
        await session.execute(
            sa.text(
                "UPDATE recordings SET status = 'expiring', destruction_begun_at = :at,"
                " expiring_since = :at, deletion_permitted_at = :at,"
                " deletion_permitted_by = (SELECT id FROM people LIMIT 1)"
            ),
            {"at": DUE},
        )
    gone = await expiry.destroy_expired(
        sessions, store=hot, trail=bodycam.TRAIL, now=DUE + timedelta(days=60)
    )

    await run(sessions, two(hot, cold), now=DUE)

    assert gone == 1
    assert await open_moves(sessions) == 0
    for one in (hot, cold):
        with pytest.raises(ObjectAbsent):
            await one.size_of(key=key)
    assert [one for one in (tmp_path / "cold").rglob("*") if one.is_file()] == []


async def test_a_recording_of_another_store_is_destroyed_there(
    sessions,
    store,
    recorded,  # noqa: ARG001 - it must be there
    key,
):
    await run(sessions, store, now=DUE)
    await store.destroy(key=key)

    with pytest.raises(ObjectAbsent):
        await store.size_of(key=key)
    assert await scrubbed(sessions, store) == (1, 1)


class Cut:
    """A store that falls silent in the middle of a range."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def open_range(self, **given):
        chunks = self._store.open_range(**given)
        yield await anext(chunks)
        await chunks.aclose()
        raise StoreSilent("the object went while it was read")


async def test_a_reader_whose_store_loses_the_object_goes_on_in_the_next(
    sessions, hot, cold, recorded, key, content
):
    await run(sessions, two(hot, cold), now=DUE)

    assert await whole(two(Cut(hot), cold), key, content)
    with pytest.raises(StoreSilent):
        await whole(two(Cut(hot), directory_store(recorded.folder)), key, content)


async def test_a_silent_store_is_told_and_not_taken_for_an_absent_object(
    sessions, hot, recorded, key
):
    away = s3_store_away()

    with pytest.raises(StoreSilent):
        await two(away, hot).size_of(key="recordings/none")
    assert await two(hot, away).size_of(key=key) == recorded.manifest.size_bytes
    done = await run(sessions, two(hot, away), now=DUE)
    assert (done.switched, done.failed) == (0, 1)


def s3_store_away():
    store = S3Store(
        endpoint="http://127.0.0.1:9",
        region="us-east-1",
        bucket="b",
        access_key="test",
        secret_key="testsecret",
        checksums_when_required=True,
        presign_seconds=600,
    )
    store._client.meta.config.retries = {"max_attempts": 1}
    return store


async def test_what_lies_where_is_counted(sessions, store, recorded):
    await run(sessions, store, now=DUE)

    figures, waiting, oldest = await figures_of(sessions, store=store)

    size = recorded.manifest.size_bytes
    assert [(one.name, one.recordings, one.size_bytes) for one in figures] == [
        ("hot", 0, 0),
        ("cold", 1, size),
    ]
    assert [one.locks for one in figures] == [False, False]
    assert (waiting, oldest) == (0, None)


async def test_a_store_that_is_not_set_any_more_loses_nothing(sessions, hot, store, recorded):
    await run(sessions, store, now=DUE)

    figures, _, _ = await figures_of(sessions, store=hot)
    found = await scrubbed(sessions, hot)

    assert [(one.name, one.locks) for one in figures] == [("hot", False), ("cold", None)]
    assert found == (0, 0)
    assert await tier(sessions, recorded) == "cold"


def test_an_administrator_sees_and_moves(settings, monkeypatch, tmp_path):
    cold = {"cold": {"kind": "directory", "path": str(tmp_path / "cold")}}
    rules = [{"valid_from": "2026-01-01", "to": "cold", "after_days": 30}]
    monkeypatch.setenv("DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("SAQSHY_VAR_DIR", str(settings.var_dir))
    monkeypatch.setenv("SAQSHY_KEYS_DIR", str(settings.keys))
    monkeypatch.setenv("SAQSHY_STORES", json.dumps(cold))
    monkeypatch.setenv("SAQSHY_TIER_RULES", json.dumps(rules))

    shown, moved = (CliRunner().invoke(cli, ["tiers", word]) for word in ("show", "move"))

    assert [line.split()[:2] for line in shown.output.splitlines()] == [
        ["hot", "0"],
        ["cold", "0"],
        ["0", "moves"],
    ]
    assert moved.output == "0 moved, 0 old copies cleared, 0 could not be\n"

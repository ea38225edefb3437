"""The door for resumable uploads over an S3 store: its tails and its parts are objects there."""

import secrets
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from moto.server import ThreadedMotoServer

from app.db import transaction
from bodycam.models import RecordingRow
from bodycam.service import Docking
from bodycam.service.tus_finishing import finish_uploads
from bodycam.wire.digests import BLOCK_SIZE_BYTES
from tests import factories_bodycam as bodycam
from tests.factories_store import joined, s3_store, store_of
from tests.factories_tus import UNSIGNED, Sender, checksum, metadata


@pytest.fixture(scope="module")
def s3_server():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["moto", "ceph"])
def store(app, request):
    if request.param == "ceph":
        store = store_of(request.getfixturevalue("ceph"))
    else:
        store = s3_store(request.getfixturevalue("s3_server"), f"b{secrets.token_hex(8)}")
    app.state.store = store
    return store


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
def sender(client, yard):
    return Sender(client, yard.dock)


@pytest.fixture
def finish(parts, store, keys):
    docking = Docking(
        sessions=parts.sessions, store=store, trail=parts.trail, recording_bytes_max=1 << 30
    )

    async def act():
        return await finish_uploads(docking, receipt_key=keys.receipt, now=datetime.now(UTC))

    return act


def keys_in(store):
    listed = store._client.list_objects_v2(Bucket=store._bucket)
    return sorted(one["Key"] for one in listed.get("Contents", []))


async def test_odd_pieces_are_whole_and_nothing_is_left_beside(sender, sessions, store, finish):
    content = bodycam.long_footage(2).read_bytes()
    path = await sender.begun(len(content))

    at = 0
    for step in (7, BLOCK_SIZE_BYTES - 9, 5, 1000, len(content)):
        answer = await sender.patch(path, at, content[at : at + step])
        assert answer.status_code == 204, answer.text
        at = int(answer.headers["Upload-Offset"])
    await finish()

    async with transaction(sessions) as session:
        (row,) = (await session.scalars(sa.select(RecordingRow))).all()
    whole = store.open_range(key=row.object_key, start=0, length=len(content))
    assert row.status.value == "reviewable"
    assert await joined(whole) == content
    assert keys_in(store) == [row.object_key]


async def test_wrong_bytes_move_nothing_and_the_right_ones_are_kept(sender, store, finish):
    content = bodycam.long_footage(2).read_bytes()
    path = await sender.begun(len(content))

    wrong = await sender.patch(
        path, 0, b"x" * (BLOCK_SIZE_BYTES + 1), headers=checksum(b"other", "sha1")
    )
    right = await sender.patch(path, 0, content, headers=checksum(content, "sha1"))
    count = await finish()

    assert (wrong.status_code, right.status_code, count) == (460, 204, 1)
    assert len(keys_in(store)) == 1


async def test_an_ended_upload_leaves_no_object(sender, store):
    path = await sender.begun(1000, said=UNSIGNED)
    await sender.patch(path, 0, b"x" * 10)

    answer = await sender.ask("DELETE", path)

    assert answer.status_code == 204
    assert keys_in(store) == []


async def test_a_signed_recording_comes_whole(sender, sessions, yard, store, finish):
    recorded = yard.record(footage_file=bodycam.long_footage(2), track=[])
    said = metadata(manifest=bodycam.announcement(recorded).model_dump_json())

    await sender.send(bodycam.long_footage(2).read_bytes(), said=said, pieces=3)
    count = await finish()

    async with transaction(sessions) as session:
        (row,) = (await session.scalars(sa.select(RecordingRow))).all()
    assert count == 1
    assert row.receipt_signature
    assert keys_in(store) == [row.object_key]

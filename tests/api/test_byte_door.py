"""The byte door over real sockets: it answers as the server does, and acknowledges no less."""

import asyncio
import hashlib
import os
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from app.access import DeviceKind, Role, declared_access
from app.db import transaction
from app.door import create_door
from app.runtime.bodies import Limits
from app.runtime.bodies.server import listening
from bodycam.models import RecordingRow
from bodycam.wire import protocol
from bodycam.wire.digests import BLOCK_SIZE_BYTES, content_digest
from sim.district import KEEPER, STRANGER
from tests import factories_bodycam as bodycam
from tests.factories_store import incoming_bytes, incoming_file, stored_bytes


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
async def long(yard, client):
    """A recording of three parts, announced."""
    recorded = yard.record(footage_file=bodycam.long_footage())
    (await bodycam.announce(client, recorded, yard.dock)).raise_for_status()
    return recorded


@pytest.fixture
async def address(settings, parts):
    """Host and port of a door on this test's database and store."""
    door = create_door(settings, direct=parts.direct, store=parts.store)
    async with listening(door, host="127.0.0.1", port=0, limits=Limits()) as server:
        yield server.sockets[0].getsockname()


@pytest.fixture
async def door(address):
    async with httpx.AsyncClient(
        base_url=f"http://{address[0]}:{address[1]}", trust_env=False
    ) as client:
        yield client


async def acknowledged(client, recorded, headers):
    return (await bodycam.status(client, recorded, headers)).json()["acknowledged"]


def routes_of(app):
    return {
        (method, route.path): route
        for route in iter_route_contexts(app.routes)
        if isinstance(route.original_route, APIRoute)
        for method in route.methods
    }


def test_the_door_has_one_route_and_the_server_has_it_under_the_same_access(app, settings, parts):
    ours = routes_of(create_door(settings, direct=parts.direct, store=parts.store))
    theirs = routes_of(app)

    assert list(ours) == [("PUT", protocol.PATH_PART)]
    for key, route in ours.items():
        assert declared_access(route) is declared_access(theirs[key])
        assert route.max_body_size == theirs[key].max_body_size == BLOCK_SIZE_BYTES


async def test_a_recording_sent_through_the_door_is_stored_whole(
    client, door, yard, long, settings
):
    for number in (2, 0, 1):
        answer = await bodycam.put(door, long, number, yard.dock)
        assert (answer.status_code, answer.json()["number"]) == (200, number)
    receipt = (await bodycam.complete(client, long, yard.dock)).json()["receipt"]

    assert receipt["whole"] is True
    stored = stored_bytes(settings, f"recordings/{long.recording_id}")
    assert stored == (long.folder / "recording.mp4").read_bytes()


async def callers(yard):
    keeper = await bodycam.principal_of(yard.sessions, KEEPER)
    stranger = await bodycam.principal_of(yard.sessions, STRANGER, Role.DEVICE_KEEPER)
    _, second = await bodycam.register(yard.sessions, keeper, DeviceKind.DOCK)
    _, foreign = await bodycam.register(yard.sessions, stranger, DeviceKind.DOCK)
    _, tablet = await bodycam.register(yard.sessions, keeper, DeviceKind.TABLET)
    own = yard.dock[protocol.CREDENTIAL_HEADER]
    forged = own[:-1] + ("A" if own[-1] != "A" else "B")
    return {
        "nobody": {},
        "a session": {"Authorization": "Bearer made-up"},
        "a wrong secret": {protocol.CREDENTIAL_HEADER: forged},
        "another kind of device": tablet,
        "another dock": second,
        "a dock of another unit": foreign,
        "its own dock": yard.dock,
    }


async def test_who_is_refused_by_the_server_is_refused_by_the_door_in_the_same_words(
    client, door, yard, long
):
    heard = {}
    for who, headers in (await callers(yard)).items():
        for number in (0, 3, 10_000):
            answers = [await bodycam.put(one, long, number, headers) for one in (client, door)]
            heard[who, number] = [(one.status_code, one.json()) for one in answers]

    assert [who for who, (server, by_door) in heard.items() if server != by_door] == []
    assert {who for (who, _), (one, _) in heard.items() if one[0] == 200} == {"its own dock"}
    assert {heard[who, 0][1][0] for who, _ in heard} == {200, 401, 403, 404}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("other bytes", "bodycam.digest_wrong"),
        ("another digest", "bodycam.block_differs"),
        ("no digest", "bodycam.digest_missing"),
        ("a byte less", "bodycam.part_size_wrong"),
    ],
)
async def test_wrong_bytes_are_refused_and_not_acknowledged(client, door, yard, long, change, code):
    good = bodycam.block(long, 0)
    digest = hashlib.sha256(good if change != "another digest" else b"-").digest()
    body = {"other bytes": bytes(len(good)), "a byte less": good[:-1]}.get(change, good)
    named = {} if change == "no digest" else {protocol.DIGEST_HEADER: content_digest(digest)}
    path = protocol.PATH_PART.format(recording_id=long.recording_id, part_number=0)

    answer = await door.put(path, content=body, headers=yard.dock | named)

    assert answer.json()["code"] == code
    assert await acknowledged(client, long, yard.dock) == []
    assert (await bodycam.put(door, long, 0, yard.dock)).status_code == 200


async def test_a_body_over_a_part_is_not_read(door, yard, long):
    answer = await bodycam.put(door, long, 0, yard.dock, body=bytes(BLOCK_SIZE_BYTES + 1))

    assert answer.status_code == 413


async def test_acknowledged_bytes_are_never_written_over(client, door, yard, long):
    good = bodycam.block(long, 0)
    first = await bodycam.put(door, long, 0, yard.dock)

    again = await bodycam.put(door, long, 0, yard.dock, body=bytes(len(good)), digest_of=good)

    assert (again.status_code, again.json()) == (200, first.json())
    for number in (1, 2):
        await bodycam.put(door, long, number, yard.dock)
    assert (await bodycam.complete(client, long, yard.dock)).json()["receipt"]["whole"] is True


def head_of(recorded, number, headers, *, length=BLOCK_SIZE_BYTES):
    block = bodycam.block(recorded, number)
    path = protocol.PATH_PART.format(recording_id=recorded.recording_id, part_number=number)
    given = headers | {
        "Host": "door",
        "Content-Length": str(length),
        protocol.DIGEST_HEADER: content_digest(hashlib.sha256(block).digest()),
    }
    lines = [f"PUT {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n", block


@pytest.mark.parametrize("sent_bytes", [0, 1, 70_000, 5_000_000, BLOCK_SIZE_BYTES - 1])
async def test_a_line_cut_in_a_part_leaves_nothing_acknowledged_and_the_part_free(
    client, door, address, yard, long, sent_bytes
):
    head, block = head_of(long, 0, yard.dock)
    _, writer = await asyncio.open_connection(*address)
    writer.write(head + block[:sent_bytes])
    await writer.drain()
    writer.close()

    answer = await sent_until_free(door, yard, long)

    assert answer.status_code == 200
    assert await acknowledged(client, long, yard.dock) == [0]


async def sent_until_free(door, yard, recorded):
    """Send part 0; whoever had it open may need a moment to notice that its sender is gone."""
    for _ in range(200):
        answer = await bodycam.put(door, recorded, 0, yard.dock)
        if answer.status_code != 503:
            break
        await asyncio.sleep(0.05)
    return answer


@pytest.mark.parametrize("at", ["in the head", "after the head", "in the body", "after the body"])
async def test_a_line_cut_at_every_message_harms_nothing(client, door, address, yard, long, at):
    head, block = head_of(long, 0, yard.dock)
    cuts = {"in the head": len(head) // 2, "after the head": len(head), "in the body": 1 << 20}
    _, writer = await asyncio.open_connection(*address)
    writer.write((head + block)[: cuts.get(at, len(head) + len(block))])
    await writer.drain()
    writer.transport.abort()  # a reset, not a farewell

    assert (await sent_until_free(door, yard, long)).status_code == 200
    assert await acknowledged(client, long, yard.dock) == [0]


async def test_two_that_send_one_part_at_once_store_it_once(door, yard, long, settings):
    answers = await asyncio.gather(
        *(bodycam.put(door, long, 0, yard.dock) for _ in range(4)),
    )

    assert {one.status_code for one in answers} <= {200, 503}
    assert 200 in {one.status_code for one in answers}
    first = incoming_bytes(settings, f"recordings/{long.recording_id}", BLOCK_SIZE_BYTES)
    assert first == bodycam.block(long, 0)


async def test_a_full_disk_is_told_and_the_part_is_taken_when_there_is_room(
    client, door, yard, long
):
    with bodycam.full_disk():
        full = await bodycam.put(door, long, 0, yard.dock)

    assert (full.status_code, full.json()["code"]) == (507, "bodycam.store_full")
    assert full.headers["Retry-After"]
    assert await acknowledged(client, long, yard.dock) == []
    assert (await bodycam.put(door, long, 0, yard.dock)).status_code == 200


@contextmanager
def failing_disk(sealed, plain, device):
    """Put in the place of the file what the kernel lets nobody write to: it has no envelope."""
    aside = sealed.with_suffix(".aside")
    sealed.rename(aside)
    plain.symlink_to(device)
    try:
        yield
    finally:
        plain.unlink()
        aside.rename(sealed)


@pytest.mark.parametrize(
    ("device", "code"),
    [
        ("/dev/full", "bodycam.store_full"),
        # The first page of a process is never there: writing to it is EIO.
        ("/proc/self/mem", "bodycam.store_silent"),
    ],
)
async def test_a_disk_that_fails_at_writing_acknowledges_nothing(
    client, door, yard, long, settings, sessions, device, code
):
    async with transaction(sessions) as session:  # as a file without an envelope was begun
        (await session.get(RecordingRow, long.recording_id)).upload_ref = ""
    key = f"recordings/{long.recording_id}"
    sealed, plain = (incoming_file(settings, key, plain=one) for one in (False, True))
    with failing_disk(sealed, plain, device):
        failed = await bodycam.put(door, long, 0, yard.dock)

    assert failed.json()["code"] == code
    assert await acknowledged(client, long, yard.dock) == []
    assert (await bodycam.put(door, long, 0, yard.dock)).status_code == 200


async def test_a_store_that_may_only_be_read_acknowledges_nothing(
    client, door, yard, long, settings
):
    with only_readable(incoming_file(settings, f"recordings/{long.recording_id}")):
        failed = await bodycam.put(door, long, 0, yard.dock)

    assert (failed.status_code, failed.json()["code"]) == (503, "bodycam.store_silent")
    assert await acknowledged(client, long, yard.dock) == []
    assert (await bodycam.put(door, long, 0, yard.dock)).status_code == 200


@contextmanager
def only_readable(file):
    """Put a running program in the place of the file: the kernel lets nobody write to one."""
    aside, program = file.with_suffix(".aside"), file.with_suffix(".program")
    program.write_bytes(Path("/bin/sleep").read_bytes())
    program.chmod(0o700)
    file.rename(aside)
    program.rename(file)
    running = os.spawnv(os.P_NOWAIT, file, ["sleep", "600"])
    try:
        yield
    finally:
        os.kill(running, 9)
        os.waitpid(running, 0)
        file.unlink()
        aside.rename(file)


async def test_docks_are_told_of_the_door_only_where_one_is_named(client, yard, app):
    plain = await client.get(protocol.PATH_HELLO, headers=yard.dock)
    app.state.settings = app.state.settings.model_copy(update={"parts_url": "https://parts.kz/"})
    told = await client.get(protocol.PATH_HELLO, headers=yard.dock)

    assert protocol.PARTS_URL_HEADER not in plain.headers
    assert told.headers[protocol.PARTS_URL_HEADER] == "https://parts.kz"
    assert told.json().keys() == plain.json().keys()

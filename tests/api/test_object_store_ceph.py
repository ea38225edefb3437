"""What only a real S3 server shows: signatures, Content-MD5, and what survives its death."""

import asyncio
import base64
import hashlib
import random

import httpx
import pytest

from bodycam.errors import StoreSilent
from bodycam.storage import S3Store
from bodycam.wire.digests import BLOCK_SIZE_BYTES, block_count
from tests.factories_store import KEY, SIZE, joined, put, sealed, store_of


@pytest.fixture(scope="module")
def content():
    return random.Random(7).randbytes(SIZE)


async def raw_put(store, upload, part, *, number=0, **headers):
    target = await store.part_target(
        key=KEY, upload=upload, number=number, size_bytes=len(part), sha256=None
    )
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.put(target.url, content=part, headers=target.headers | headers)


async def test_a_real_server_refuses_a_changed_address(ceph, content):
    store = store_of(ceph)
    upload = await store.begin(key=KEY, size_bytes=SIZE)
    target = await store.part_target(key=KEY, upload=upload, number=0, size_bytes=5, sha256=None)

    async with httpx.AsyncClient(trust_env=False) as client:
        other_part = await client.put(
            target.url.replace("partNumber=1", "partNumber=2"), content=content[:5]
        )
        forged = await client.put(target.url[:-1] + "0", content=content[:5])
        bare = await client.put(target.url.split("?")[0], content=content[:5])

    assert [one.status_code for one in (other_part, forged, bare)] == [403, 403, 403]
    assert await store.stored_parts(key=KEY, upload=upload) == {}


async def test_a_real_server_refuses_bytes_that_do_not_fit_their_content_md5(ceph, content):
    store = store_of(ceph)
    upload = await store.begin(key=KEY, size_bytes=SIZE)
    part = content[:BLOCK_SIZE_BYTES]
    right = base64.b64encode(hashlib.md5(part, usedforsecurity=False).digest()).decode()
    wrong = base64.b64encode(hashlib.md5(b"-", usedforsecurity=False).digest()).decode()

    refused = await raw_put(store, upload, part, **{"Content-MD5": wrong})
    taken = await raw_put(store, upload, part, number=1, **{"Content-MD5": right})

    assert (refused.status_code, taken.status_code) == (400, 200)
    assert await store.stored_parts(key=KEY, upload=upload) == {1: BLOCK_SIZE_BYTES}


async def test_a_wrong_key_reads_nothing(ceph, content):
    store = store_of(ceph)
    await sealed(store, content)
    other = S3Store(
        endpoint=ceph.endpoint,
        region="us-east-1",
        bucket=store._bucket,
        access_key=ceph.access_key,
        secret_key="another",
        checksums_when_required=True,
        presign_seconds=600,
    )

    with pytest.raises(StoreSilent):
        await other.read(key=KEY, start=0, length=1)


async def test_parts_survive_the_death_of_the_gateway_and_of_the_disk_s_daemon(
    ceph, content, pytestconfig
):
    """Killed after any part or in the middle of one: what is listed is whole, and none is lost."""
    chance = random.Random(11)
    for _ in range(max(2, pytestconfig.getoption("--kills") // 10)):
        store = store_of(ceph)
        upload = await store.begin(key=KEY, size_bytes=SIZE)
        taken = set()
        for number in range(block_count(SIZE)):
            dying = chance.choice(["radosgw", "ceph-osd", ""])
            if dying:
                part = content[number * BLOCK_SIZE_BYTES :][:BLOCK_SIZE_BYTES]
                await _cut_off(store, upload, part, number=number)
                ceph.kill_and_restart(dying)
            held = await _listed(store, upload)
            assert taken <= held.keys()
            await _sent(store, upload, number, content)
            taken.add(number)
        await _again(store.seal, key=KEY, upload=upload, size_bytes=SIZE)
        ceph.kill_and_restart("ceph-osd")

        whole = await _whole(store)

        assert hashlib.sha256(whole).digest() == hashlib.sha256(content).digest()


async def _cut_off(store, upload, part, *, number):
    """Begin to send a part and hang up in the middle of it."""
    target = await store.part_target(
        key=KEY, upload=upload, number=number, size_bytes=len(part), sha256=None
    )
    address = httpx.URL(target.url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    head = f"PUT {address.raw_path.decode()} HTTP/1.1\r\nHost: {address.netloc.decode()}\r\n"
    writer.write(f"{head}Content-Length: {len(part)}\r\n\r\n".encode() + part[: len(part) // 2])
    await writer.drain()
    writer.close()
    del reader


async def _again(act, **given):
    """Call a store that has just been killed until it answers."""
    for _ in range(60):
        try:
            return await act(**given)
        except StoreSilent:
            await asyncio.sleep(0.5)
    raise TimeoutError("the store does not come back")


async def _listed(store, upload):
    return await _again(store.stored_parts, key=KEY, upload=upload)


async def _sent(store, upload, number, content):
    for _ in range(60):
        try:
            return await put(store, upload, number, content)
        except (httpx.HTTPError, StoreSilent):
            await asyncio.sleep(0.5)
    raise TimeoutError("the store does not come back")


async def _whole(store):
    for _ in range(60):
        try:
            return await joined(store.open_range(key=KEY, start=0, length=SIZE))
        except StoreSilent:
            await asyncio.sleep(0.5)
    raise TimeoutError("the store does not come back")

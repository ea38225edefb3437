"""What only a real S3 server shows: signatures, Content-MD5, and what survives its death."""

import asyncio
import base64
import hashlib
import random

import httpx
import pytest

from bodycam.errors import StoreSilent
from bodycam.storage.s3 import S3Store
from bodycam.wire.digests import BLOCK_SIZE_BYTES, block_count
from tests.factories_store import KEY, SIZE, joined, put, sealed, store_of, target_of


@pytest.fixture(scope="module")
def content():
    return random.Random(7).randbytes(SIZE)


async def raw_put(store, upload, part, *, number=0, body=None, **headers):
    """Send a part by its address, or other bytes in its place."""
    target = await target_of(store, upload, part, number=number)
    body = part if body is None else body
    headers = target.headers | {"Content-Length": str(len(body))} | headers
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        return await client.put(target.url, content=body, headers=headers)


async def listed(store, upload):
    """Return number, size and ETag of the parts that the store keeps."""
    return await store._call(lambda: store._list_parts(KEY, upload))


async def test_a_real_server_refuses_a_changed_address(ceph, content):
    store = store_of(ceph)
    upload = await store.begin(key=KEY, size_bytes=SIZE)
    target = await target_of(store, upload, content[:5])
    given = {"content": content[:5], "headers": target.headers}
    last = "1" if target.url.endswith("0") else "0"

    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        other_part = await client.put(target.url.replace("partNumber=1", "partNumber=2"), **given)
        forged = await client.put(target.url[:-1] + last, **given)
        bare = await client.put(target.url.split("?")[0], **given)

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


@pytest.mark.parametrize("number", [0, block_count(SIZE) - 1])
async def test_a_real_server_takes_no_other_bytes_than_an_address_is_signed_for(
    ceph, content, number
):
    """A whole block and the short last one, against each way in which bytes may be wrong."""
    store = store_of(ceph)
    upload = await store.begin(key=KEY, size_bytes=SIZE)
    part = content[number * BLOCK_SIZE_BYTES :][:BLOCK_SIZE_BYTES]
    middle = len(part) // 2
    one_byte = part[:middle] + bytes([part[middle] ^ 1]) + part[middle + 1 :]
    another_block = content[BLOCK_SIZE_BYTES:][: len(part)]
    wrong = [one_byte, part[:-1], part[:middle], b"", another_block, part + b"-"]

    refused = [await raw_put(store, upload, part, number=number, body=body) for body in wrong]
    before = await listed(store, upload)
    taken = await raw_put(store, upload, part, number=number)
    kept = await listed(store, upload)
    again = [await raw_put(store, upload, part, number=number, body=body) for body in wrong]

    assert {one.status_code for one in refused + again} <= {400, 403}
    assert before == []
    assert taken.status_code == 200
    assert await listed(store, upload) == kept
    assert await store.stored_parts(key=KEY, upload=upload) == {number: len(part)}


@pytest.mark.parametrize("said", ["UNSIGNED-PAYLOAD", hashlib.sha256(b"other").hexdigest()])
async def test_a_real_server_refuses_another_digest_than_the_address_is_signed_for(
    ceph, content, said
):
    store = store_of(ceph)
    upload = await store.begin(key=KEY, size_bytes=SIZE)

    answer = await raw_put(
        store, upload, content[:5], body=b"other", **{"x-amz-content-sha256": said}
    )

    assert answer.status_code == 403
    assert await listed(store, upload) == []


async def test_a_real_server_is_seen_to_refuse_and_vouches_for_its_own_uploads(ceph, content):
    store = store_of(ceph)
    upload = await sealed(store, content)
    another = await store.begin(key=KEY, size_bytes=SIZE)
    before = another.rpartition(":")[2]  # as earlier releases wrote it

    assert await store.checks_parts() is True
    assert await store.vouches_for(key=KEY, upload=upload, size_bytes=SIZE) is True
    assert await store.vouches_for(key=KEY, upload=upload, size_bytes=SIZE + 1) is False
    assert await store.vouches_for(key=KEY, upload=another, size_bytes=SIZE) is False
    assert await store.vouches_for(key=KEY, upload=before, size_bytes=SIZE) is False


async def test_what_a_probe_made_is_removed(ceph):
    store = store_of(ceph)

    await store.checks_parts()

    left = await store._call(lambda: store._client.list_multipart_uploads(Bucket=store._bucket))
    assert left.get("Uploads", []) == []
    kept = await store._call(lambda: store._client.list_objects_v2(Bucket=store._bucket))
    assert kept["KeyCount"] == 0


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


@pytest.mark.nightly
async def test_parts_survive_the_death_of_the_gateway_and_of_the_disk_s_daemon(
    ceph, content, pytestconfig
):
    """Killed after any part or in the middle of one: what is listed is whole, and none is lost."""
    chance = random.Random(11)
    kills = 0
    while kills < pytestconfig.getoption("--store-kills"):
        store = store_of(ceph)
        upload = await store.begin(key=KEY, size_bytes=SIZE)
        taken = set()
        for number in range(block_count(SIZE)):
            dying = chance.choice(["radosgw", "ceph-osd", ""])
            if dying:
                part = content[number * BLOCK_SIZE_BYTES :][:BLOCK_SIZE_BYTES]
                await _cut_off(store, upload, part, number=number)
                ceph.kill_and_restart(dying)
                kills += 1
            held = await _listed(store, upload)
            assert taken <= held.keys()
            await _sent(store, upload, number, content)
            taken.add(number)
        await _again(store.seal, key=KEY, upload=upload, size_bytes=SIZE)
        ceph.kill_and_restart("ceph-osd")
        kills += 1

        whole = await _whole(store)

        assert hashlib.sha256(whole).digest() == hashlib.sha256(content).digest()


async def _cut_off(store, upload, part, *, number):
    """Begin to send a part and hang up in the middle of it."""
    target = await target_of(store, upload, part, number=number)
    address = httpx.URL(target.url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    head = f"PUT {address.raw_path.decode()} HTTP/1.1\r\nHost: {address.netloc.decode()}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in target.headers.items())
    writer.write(f"{head}\r\n".encode() + part[: len(part) // 2])
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

"""Every store held to one contract: a directory, Ceph's gateway, and moto where there is no Ceph.

moto checks no signatures and keeps everything in memory: what it passes is form, not durability.
"""

import hashlib
import random
import secrets
import shutil

import httpx
import pytest
from moto.server import ThreadedMotoServer

from bodycam import media
from bodycam.errors import (
    AlreadyStored,
    MediaToolFailed,
    NotPlayable,
    ObjectAbsent,
    PartBusy,
    PartGoesToStore,
    PartsMissing,
    StoreSilent,
)
from bodycam.rules.boxes import index_by_reading
from bodycam.storage.s3 import S3Store
from bodycam.wire.digests import BLOCK_SIZE_BYTES
from tests.factories_bodycam import footage
from tests.factories_media import sandbox
from tests.factories_store import (
    KEY,
    SIZE,
    directory_store,
    joined,
    put,
    put_all,
    reading,
    s3_store,
    sealed,
    store_of,
    target_of,
)


@pytest.fixture(scope="module")
def s3_server():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["directory", "s3", "ceph"])
def store(request, tmp_path):
    if request.param == "directory":
        return directory_store(tmp_path / "objects")
    if request.param == "ceph":
        return store_of(request.getfixturevalue("ceph"))
    return s3_store(request.getfixturevalue("s3_server"), f"b{secrets.token_hex(8)}")


@pytest.fixture(scope="module")
def content():
    return random.Random(7).randbytes(SIZE)


async def test_what_was_sealed_is_what_was_sent(store, content):
    await sealed(store, content)

    whole = await joined(store.open_range(key=KEY, start=0, length=SIZE))

    assert hashlib.sha256(whole).digest() == hashlib.sha256(content).digest()
    assert await store.size_of(key=KEY) == SIZE


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, 1), (SIZE - 1, 1), (BLOCK_SIZE_BYTES - 5, 10), (3, 3 << 20), (77, 0)],
)
async def test_any_range_is_given_exactly(store, content, start, length):
    await sealed(store, content)

    found = await joined(store.open_range(key=KEY, start=start, length=length))

    assert found == content[start : start + length]


async def test_chunks_are_bounded(store, content):
    await sealed(store, content)

    sizes = [len(chunk) async for chunk in store.open_range(key=KEY, start=0, length=SIZE)]

    assert max(sizes) <= 1 << 20


async def test_a_range_can_be_left_early(store, content):
    await sealed(store, content)
    chunks = store.open_range(key=KEY, start=0, length=SIZE)

    first = await anext(chunks)
    await chunks.aclose()

    assert content.startswith(first)


async def test_reading_at_an_offset(store, content):
    await sealed(store, content)

    assert await store.read(key=KEY, start=5, length=9) == content[5:14]
    found = await store.reading(
        key=KEY, act=lambda read_at: (read_at(SIZE - 2, 100), read_at(SIZE + 5, 10))
    )
    assert found == (content[-2:], b"")


async def test_sealing_is_repeatable(store, content):
    upload = await sealed(store, content)

    await store.seal(key=KEY, upload=upload, size_bytes=SIZE)

    assert await joined(store.open_range(key=KEY, start=0, length=SIZE)) == content


async def test_an_upload_with_a_missing_part_is_not_sealed(store, content):
    upload = await store.begin(key=KEY, size_bytes=SIZE)
    await put(store, upload, 0, content)
    # A directory reserves the whole size: whether all parts came is for the rows to know.
    size = SIZE if store.takes_parts_itself else SIZE + 1

    with pytest.raises(PartsMissing):
        await store.seal(key=KEY, upload=upload, size_bytes=size)

    with pytest.raises(ObjectAbsent):
        await store.size_of(key=KEY)


async def test_an_empty_object_can_be_stored(store):
    await sealed(store, b"")

    assert await store.size_of(key=KEY) == 0
    assert await joined(store.open_range(key=KEY, start=0, length=0)) == b""


async def test_beginning_again_after_sealing_harms_nothing(store, content):
    await sealed(store, content)

    upload = await store.begin(key=KEY, size_bytes=SIZE)
    await store.seal(key=KEY, upload=upload, size_bytes=SIZE)

    assert await joined(store.open_range(key=KEY, start=0, length=SIZE)) == content


async def test_what_is_absent_is_told(store):
    with pytest.raises(ObjectAbsent):
        await store.size_of(key=KEY)
    with pytest.raises(ObjectAbsent):
        await joined(store.open_range(key=KEY, start=0, length=1))
    with pytest.raises(ObjectAbsent):
        await store.read(key=KEY, start=0, length=1)


async def test_a_discarded_upload_is_forgotten(store, content):
    upload = await put_all(store, content)

    await store.discard(key=KEY, upload=upload)

    with pytest.raises((PartsMissing, ObjectAbsent)):
        await store.seal(key=KEY, upload=upload, size_bytes=SIZE)


async def test_who_forgets_an_upload_leaves_the_next_one_alone(store, content):
    first = await put_all(store, content)
    await store.discard(key=KEY, upload=first)
    second = await put_all(store, content)

    await store.discard(key=KEY, upload=first)
    await store.seal(key=KEY, upload=second, size_bytes=SIZE)
    await store.discard(key=KEY, upload=first)
    await store.destroy(key=KEY, upload=first)

    assert await joined(store.open_range(key=KEY, start=0, length=SIZE)) == content


async def test_what_was_made_of_an_upload_is_destroyed_by_its_name(store, content):
    upload = await sealed(store, content)

    await store.destroy(key=KEY, upload=upload)

    with pytest.raises(ObjectAbsent):
        await store.size_of(key=KEY)


async def test_a_lost_file_is_another_upload(tmp_path, content):
    store = directory_store(tmp_path)
    upload = await put_all(store, content)
    same = await store.begin(key=KEY, size_bytes=SIZE)
    shutil.rmtree(tmp_path / "incoming")

    another = await store.begin(key=KEY, size_bytes=SIZE)

    assert upload == same != another
    with pytest.raises(PartsMissing):
        await store.seal(key=KEY, upload=upload, size_bytes=SIZE)
    with pytest.raises(PartsMissing):
        await store.put_part(key=KEY, upload=upload, number=2, block=content[-12_345:])


async def test_what_was_never_written_is_seen_without_reading_all(tmp_path, content):
    store = directory_store(tmp_path)
    await store.begin(key=KEY, size_bytes=SIZE)
    await put(store, "", 1, content)

    assert await store.lost_parts(key=KEY, numbers=range(3), size_bytes=SIZE) == [0, 2]


@pytest.mark.parametrize(
    "key", ["../x", "a/../b", "/x", "a//b", "A", "", "a" * 201, "a/" * 9 + "a"]
)
async def test_a_key_cannot_leave_the_store(store, key):
    with pytest.raises(ValueError, match="not a key of ours"):
        await store.begin(key=key, size_bytes=1)


async def test_a_part_may_be_sent_again(store, content):
    upload = await put_all(store, content)

    await put(store, upload, 1, content)
    await store.seal(key=KEY, upload=upload, size_bytes=SIZE)

    assert await joined(store.open_range(key=KEY, start=0, length=SIZE)) == content


async def test_a_part_is_written_by_one_at_a_time(tmp_path):
    store = directory_store(tmp_path)
    await store.begin(key=KEY, size_bytes=SIZE)

    async with (
        store.open_part(key=KEY, number=0, size_bytes=BLOCK_SIZE_BYTES),
        store.open_part(key=KEY, number=1, size_bytes=BLOCK_SIZE_BYTES),
    ):
        with pytest.raises(PartBusy):
            async with store.open_part(key=KEY, number=0, size_bytes=BLOCK_SIZE_BYTES):
                pass

    async with store.open_part(key=KEY, number=0, size_bytes=BLOCK_SIZE_BYTES) as part:
        assert part is not None


async def test_a_sealed_file_takes_no_part(tmp_path, content):
    store = directory_store(tmp_path)
    await sealed(store, content)

    with pytest.raises(AlreadyStored):
        async with store.open_part(key=KEY, number=0, size_bytes=BLOCK_SIZE_BYTES):
            pass


async def test_a_directory_gives_a_part_while_others_are_on_the_way(tmp_path, content):
    store = directory_store(tmp_path / "objects")
    upload = await store.begin(key=KEY, size_bytes=SIZE)
    await put(store, upload, 1, content)

    found = await joined(store.open_arriving(key=KEY, start=BLOCK_SIZE_BYTES + 7, length=100_000))

    assert found == content[BLOCK_SIZE_BYTES + 7 :][:100_000]


async def test_what_was_sealed_meanwhile_is_given_as_arriving(tmp_path, content):
    store = directory_store(tmp_path / "objects")
    await sealed(store, content)

    found = await joined(store.open_arriving(key=KEY, start=5, length=100))

    assert found == content[5:105]


async def test_a_store_that_takes_its_parts_itself_gives_none_while_they_arrive(s3_server, content):
    store = s3_store(s3_server, f"b{secrets.token_hex(8)}")
    await put_all(store, content)

    with pytest.raises(PartGoesToStore):
        await joined(store.open_arriving(key=KEY, start=0, length=1))


async def test_each_store_says_where_its_parts_go(tmp_path, s3_server):
    directory = directory_store(tmp_path)
    s3 = s3_store(s3_server, f"b{secrets.token_hex(8)}")

    with pytest.raises(PartGoesToStore):
        await directory.part_targets(key=KEY, upload="", parts=[])
    with pytest.raises(PartGoesToStore):
        s3.open_part(key=KEY, number=0, size_bytes=1)


async def test_the_store_lists_the_parts_it_holds(s3_server, content):
    s3 = s3_store(s3_server, f"b{secrets.token_hex(8)}")
    upload = await s3.begin(key=KEY, size_bytes=SIZE)
    await put(s3, upload, 0, content)
    await put(s3, upload, 2, content)

    assert await s3.stored_parts(key=KEY, upload=upload) == {0: BLOCK_SIZE_BYTES, 2: 12_345}


async def test_addresses_are_signed_by_version_4_for_a_digest_and_a_size(s3_server, content):
    s3 = s3_store(s3_server, f"b{secrets.token_hex(8)}")
    upload = await s3.begin(key=KEY, size_bytes=SIZE)

    target = await target_of(s3, upload, content[:BLOCK_SIZE_BYTES])

    query = httpx.URL(target.url).params
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert query["X-Amz-Expires"] == "600"
    assert query["X-Amz-SignedHeaders"] == "content-length;host;x-amz-content-sha256"
    assert target.headers == {
        "Content-Length": str(BLOCK_SIZE_BYTES),
        "x-amz-content-sha256": hashlib.sha256(content[:BLOCK_SIZE_BYTES]).hexdigest(),
    }


async def test_a_store_that_takes_any_bytes_is_seen_to_and_vouches_for_nothing(s3_server, content):
    s3 = s3_store(s3_server, f"b{secrets.token_hex(8)}")
    upload = await sealed(s3, content)

    assert await s3.checks_parts() is False
    assert await s3.vouches_for(key=KEY, upload=upload, size_bytes=SIZE) is False


async def test_a_directory_vouches_for_nothing(tmp_path, content):
    directory = directory_store(tmp_path)
    upload = await sealed(directory, content)

    assert await directory.checks_parts() is None
    assert await directory.vouches_for(key=KEY, upload=upload, size_bytes=SIZE) is False


async def test_a_store_that_is_away_is_told():
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

    with pytest.raises(StoreSilent):
        await store.size_of(key=KEY)
    assert await store.checks_parts() is None


async def test_a_range_of_the_stored_file_decodes_to_a_picture(store):
    content = footage().read_bytes()
    await sealed(store, content)
    index = await store.reading(
        key=KEY, act=lambda read_at: index_by_reading(read_at=read_at, size_bytes=len(content))
    )

    pictures = [
        await media.decode_at(sandbox=sandbox(), read=reading(store), index=index, seconds=seconds)
        for seconds in (0, 31.5, 59.5)
    ]

    assert all(picture.startswith(b"\x89PNG\r\n") for picture in pictures)
    assert len(set(pictures)) == 3


async def test_what_does_not_decode_is_told(tmp_path):
    store = directory_store(tmp_path)
    content = bytearray(footage().read_bytes())
    index = index_by_reading(
        read_at=lambda start, length: bytes(content[start : start + length]),
        size_bytes=len(content),
    )
    content[: index.init_size] = bytes(index.init_size)
    await sealed(store, bytes(content))

    with pytest.raises(MediaToolFailed):
        await media.decode_at(sandbox=sandbox(), read=reading(store), index=index, seconds=3)
    with pytest.raises(NotPlayable):
        await media.decode_at(sandbox=sandbox(), read=reading(store), index=index, seconds=61)


async def test_a_destroyed_object_is_gone_and_may_be_destroyed_again(store, content):
    await sealed(store, content)

    await store.destroy(key=KEY)
    await store.destroy(key=KEY)

    with pytest.raises(ObjectAbsent):
        await store.size_of(key=KEY)

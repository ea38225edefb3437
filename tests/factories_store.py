"""Object stores for tests: small stores, and an object sent and read as the store takes it."""

import hashlib
import secrets

import httpx

from app import keys as app_keys
from app.keys import ObjectKeys
from bodycam.storage import DirectoryStore, PartAsked
from bodycam.storage.files import ObjectFile
from bodycam.storage.places import Places
from bodycam.storage.s3 import S3Store
from bodycam.wire.digests import BLOCK_SIZE_BYTES, block_count, block_size

KEY = "recordings/11111111-2222-4333-8444-555555555555"
SIZE = 2 * BLOCK_SIZE_BYTES + 12_345


def object_keys(folder):
    """Return the keys for objects of a folder that may not have any yet."""
    app_keys.make_missing(folder)
    return app_keys.load(folder).objects


def directory_store(folder):
    return DirectoryStore(root=folder, keys=ObjectKeys(folder=folder, current=bytes(32)))


def stored_file(settings, key):
    """Return the file of a whole object, as it lies on the disk."""
    return settings.objects_dir / "sealed" / f"{key}~1"


def incoming_file(settings, key, *, plain=False):
    """Return the file of an object that is being received; ``plain`` as earlier releases did."""
    return settings.objects_dir / "incoming" / (key.replace("/", ".") + ("" if plain else "~1"))


def incoming_bytes(settings, key, length):
    """Return the first bytes of an object that is being received, out of their envelope."""
    places = Places(root=settings.objects_dir, keys=object_keys(settings.keys))
    with ObjectFile(*places.open_incoming(key)) as file:
        return file.read_at(0, length)


def stored_bytes(settings, key):
    """Return the bytes of a whole object of a directory, out of their envelope."""
    places = Places(root=settings.objects_dir, keys=object_keys(settings.keys))
    with ObjectFile(*places.open_sealed(key)) as file:
        return file.read_at(0, file.size_bytes)


def s3_at(endpoint, bucket, *, access_key="test", secret_key="testsecret"):
    """Return a store over a bucket that is there."""
    return S3Store(
        endpoint=endpoint,
        region="us-east-1",
        bucket=bucket,
        access_key=access_key,
        secret_key=secret_key,
        checksums_when_required=True,
        presign_seconds=600,
    )


def s3_store(endpoint, bucket, **keys):
    """Return a store over a new bucket."""
    store = s3_at(endpoint, bucket, **keys)
    store._client.create_bucket(Bucket=bucket)
    return store


def store_of(ceph):
    """Return a store over a new bucket of a real server."""
    keys = {"access_key": ceph.access_key, "secret_key": ceph.secret_key}
    return s3_store(ceph.endpoint, f"b{secrets.token_hex(8)}", **keys)


class LateStore:
    """A store whose forgetting comes late: ``meanwhile`` happens before it, once."""

    def __init__(self, store, meanwhile):
        self._store, self._meanwhile = store, meanwhile

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def discard(self, **given):
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        await self._store.discard(**given)


async def target_of(store, upload, part, *, number=0):
    """Return the address that is signed for these bytes."""
    asked = PartAsked(number, len(part), hashlib.sha256(part).digest())
    (target,) = await store.part_targets(key=KEY, upload=upload, parts=[asked])
    return target


async def put(store, upload, number, content, *, size=SIZE):
    """Send one part the way the store takes it."""
    start = number * BLOCK_SIZE_BYTES
    part = content[start : start + block_size(number=number, size_bytes=size)]
    if store.takes_parts_itself:
        target = await target_of(store, upload, part, number=number)
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            answer = await client.put(target.url, content=part, headers=target.headers)
        answer.raise_for_status()
        return
    async with store.open_part(key=KEY, number=number, size_bytes=len(part)) as writer:
        for at in range(0, len(part), 1 << 20):
            await writer.write([part[at : at + 5], part[at + 5 : at + (1 << 20)]])
        assert await writer.sync() == hashlib.sha256(part).digest()


async def put_all(store, content):
    size = len(content)
    upload = await store.begin(key=KEY, size_bytes=size)
    for number in reversed(range(block_count(size))):
        await put(store, upload, number, content, size=size)
    return upload


async def sealed(store, content):
    upload = await put_all(store, content)
    await store.seal(key=KEY, upload=upload, size_bytes=len(content))
    return upload


def reading(store):
    async def read(start, length):
        return await store.read(key=KEY, start=start, length=length)

    return read


async def joined(chunks):
    return b"".join([chunk async for chunk in chunks])

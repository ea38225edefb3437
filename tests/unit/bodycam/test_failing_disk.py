"""A disk fails at each operation of each act of a directory store, once or from then on.

What must hold: the act says so in the store's own words, nothing but whole objects is seen, what
was synced stays, the act is repeated when the disk is well again, and what is told to be stored
would outlive a power cut.
"""

import errno
import random

import pytest

from bodycam.errors import ObjectAbsent, StoreFull, StoreSilent
from bodycam.storage.envelope import CHUNK_BYTES
from bodycam.storage.places import sync_folder
from tests.factories_disk import CODES, FailingDisk
from tests.factories_store import KEY, directory_store, joined, put_all

OPERATIONS_MAX = 200
SIZE = 3 * CHUNK_BYTES + 5
CONTENT = random.Random(11).randbytes(SIZE)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "objects").mkdir()
    return tmp_path / "objects"


@pytest.fixture
def disk(folder, monkeypatch):
    return FailingDisk(folder, monkeypatch)


async def nothing(_store):
    return None


async def begun(store):
    await store.begin(key=KEY, size_bytes=SIZE)


async def sent(store):
    return await put_all(store, CONTENT)


async def whole(store):
    await store.seal(key=KEY, upload=await sent(store), size_bytes=SIZE)


async def put(store):
    upload = await store.begin(key=KEY, size_bytes=SIZE)
    await store.put_part(key=KEY, upload=upload, number=0, block=CONTENT)


async def seal(store):
    await store.seal(key=KEY, upload="", size_bytes=SIZE)


async def discard(store):
    await store.discard(key=KEY, upload="")


async def destroy(store):
    await store.destroy(key=KEY)


async def lost_parts(store):
    assert await store.lost_parts(key=KEY, numbers=[0], size_bytes=SIZE) == []


async def read(store):
    assert await store.read(key=KEY, start=0, length=SIZE) == CONTENT


async def seen(store):
    """Return the object that can be read by now, if there is one."""
    try:
        size = await store.size_of(key=KEY)
    except ObjectAbsent:
        return None
    return await joined(store.open_range(key=KEY, start=0, length=size))


async def attempt(fault, act, store):
    """Return the refusal that the act ends with; anything else is a fault of ours."""
    with fault:
        try:
            await act(store)
        except (StoreFull, StoreSilent) as refusal:
            return refusal
    return None


ACTS = [
    (nothing, begun, None),
    (begun, put, None),
    (sent, seal, CONTENT),
    (whole, seal, CONTENT),
    (sent, lost_parts, None),
    (sent, discard, None),
    (whole, destroy, None),
    (whole, read, CONTENT),
]


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("code", CODES, ids=["full", "read-only", "EIO"])
@pytest.mark.parametrize(
    ("before", "act", "after"), ACTS, ids=[f"{act[0].__name__}-{act[1].__name__}" for act in ACTS]
)
async def test_an_act_that_the_disk_fails_says_so_and_is_repeated(
    folder, disk, code, lasting, before, act, after
):
    for at in range(OPERATIONS_MAX):
        root = folder / str(at)
        root.mkdir()
        sync_folder(folder)
        store = directory_store(root)
        await before(store)
        shown = await seen(store)

        told = await attempt(disk.failing(code, at=at, lasting=lasting), act, store)
        between = await seen(store)
        await act(store)

        assert between in (shown, after)
        assert await seen(store) == after
        if after is not None:
            assert disk.kept(root / "sealed" / f"{KEY}~1"), disk.failed
        if not disk.failed:
            assert told is None
            return
        if told is not None:
            assert isinstance(told, StoreFull) is (code == errno.ENOSPC)
    raise AssertionError("it never comes to an end")

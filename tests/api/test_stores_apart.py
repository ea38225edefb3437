"""Two names of one place never cost a recording, however the place came to have them."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from moto.server import ThreadedMotoServer

from app.db import transaction
from bodycam.errors import ObjectAbsent, StoreSilent
from bodycam.models import RecordingRow, TierMoveRow
from bodycam.service.apart import Apart, StoresAreOne
from bodycam.storage import DirectoryStore, TieredStore
from tests import factories_bodycam as bodycam
from tests.factories_store import directory_store, joined, s3_store
from tests.factories_tiers import run, two

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
def same(parts, settings, tmp_path):
    """Return another store over the first one's folder, by another name of it."""
    (tmp_path / "linked").symlink_to(settings.objects_dir.resolve(), target_is_directory=True)
    return DirectoryStore(root=tmp_path / "linked", keys=parts.keys.objects)


async def whole(store, key, content):
    return await joined(store.open_range(key=key, start=0, length=len(content))) == content


def probes_in(folder):
    return [one for one in folder.rglob("*") if one.is_file() and "probes" in str(one)]


async def test_nothing_moves_between_two_names_of_one_place(
    sessions, hot, same, recorded, key, content, settings
):
    for at in (DUE, CLEARED):
        with pytest.raises(StoresAreOne, match="hot and cold"):
            await run(sessions, two(hot, same), now=at)

    assert await whole(hot, key, content)
    assert probes_in(settings.objects_dir) == []
    async with transaction(sessions) as session:
        row = await session.get(RecordingRow, recorded.recording_id)
        assert row.tier == "hot"


async def test_what_an_earlier_release_switched_is_not_cleared(
    sessions, hot, same, recorded, key, content, tmp_path
):
    await run(sessions, two(hot, directory_store(tmp_path / "cold")), now=DUE)

    with pytest.raises(StoresAreOne):
        await run(sessions, two(hot, same), now=CLEARED)

    assert await whole(hot, key, content)
    async with transaction(sessions) as session:
        (move,) = (await session.scalars(sa.select(TierMoveRow))).all()
        assert (move.recording_id, move.cleared_at) == (recorded.recording_id, None)


async def test_two_names_of_one_bucket_are_one_place():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    bucket, other = (f"b{secrets.token_hex(8)}" for _ in range(2))
    first = s3_store(f"http://{host}:{port}", bucket)
    by_name = s3_store(f"http://localhost:{port}", bucket)
    apart = Apart(two(first, by_name))

    with pytest.raises(StoresAreOne):
        await apart.prove("hot", "cold")
    await Apart(two(first, s3_store(f"http://{host}:{port}", other))).prove("hot", "cold")

    assert first._client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    server.stop()


class Counting:
    """A store that counts what is begun in it."""

    def __init__(self, store):
        self._store = store
        self.begun = 0

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def begin(self, **given):
        self.begun += 1
        return await self._store.begin(**given)


async def test_two_places_are_proven_once_and_nothing_stays(tmp_path):
    first = Counting(directory_store(tmp_path / "first"))
    apart = Apart(two(first, directory_store(tmp_path / "second")))

    await apart.prove("hot", "cold")
    await apart.prove("cold", "hot")

    assert first.begun == 1
    assert probes_in(tmp_path) == []


class Forgetful:
    """A store that says it has taken an object and has it not."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def size_of(self, *, key):
        raise ObjectAbsent(f"no {key}")


async def test_a_store_that_does_not_show_what_it_took_proves_nothing(tmp_path):
    apart = Apart(
        two(Forgetful(directory_store(tmp_path / "one")), directory_store(tmp_path / "two"))
    )

    with pytest.raises(StoreSilent):
        await apart.prove("hot", "cold")


async def test_a_store_is_never_another_place_than_itself(tmp_path):
    apart = Apart(TieredStore({"hot": directory_store(tmp_path / "one")}))

    with pytest.raises(StoresAreOne):
        await apart.prove("hot", "hot")

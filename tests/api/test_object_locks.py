"""Holds and terms that the store itself keeps, on a real server with object lock."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from app.db import transaction
from app.settings import Retention
from bodycam.errors import LocksNotOffered, ObjectAbsent, StoreSilent
from bodycam.rules.retention import HoldReason
from bodycam.service import completion, custody
from bodycam.service.locks import keep_locks
from bodycam.storage.s3 import S3Store
from sim.district import KEEPER, REVIEWER
from tests import factories_bodycam as bodycam
from tests.factories_identity import trust_the_authority
from tests.factories_store import KEY, SIZE, directory_store, joined, sealed, store_of
from tests.factories_tiers import run, to_cold, two

DUE = datetime.now(UTC) + timedelta(days=31)
CONTENT = b"seen" * (SIZE // 4) + b"s" * (SIZE % 4)


def locking(ceph, retention=Retention.NONE):
    """Return a store over a new bucket that was made with object lock."""
    bucket = f"b{secrets.token_hex(8)}"
    store = S3Store(
        endpoint=ceph.endpoint,
        region="us-east-1",
        bucket=bucket,
        access_key=ceph.access_key,
        secret_key=ceph.secret_key,
        checksums_when_required=True,
        presign_seconds=600,
        retention=retention,
    )
    store._client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    return store


def versions(store, key=KEY):
    listed = store._client.list_object_versions(Bucket=store._bucket, Prefix=key)
    return [one["VersionId"] for one in listed.get("Versions", [])]


def markers(store, key=KEY):
    listed = store._client.list_object_versions(Bucket=store._bucket, Prefix=key)
    return listed.get("DeleteMarkers", [])


async def whole(store, key=KEY, size=SIZE):
    return await joined(store.open_range(key=key, start=0, length=size))


async def test_a_store_says_whether_it_can_lock(ceph, tmp_path):
    assert await locking(ceph).offers_locks() is True
    assert await store_of(ceph).offers_locks() is False
    assert await directory_store(tmp_path).offers_locks() is False


async def test_a_store_that_cannot_refuses(ceph, tmp_path):
    plain = store_of(ceph)
    await sealed(plain, CONTENT)

    for store in (plain, directory_store(tmp_path)):
        with pytest.raises(LocksNotOffered):
            await store.keep(key=KEY, held=True, until=None)


async def test_what_is_held_is_deleted_by_nobody_until_it_is_released(ceph):
    store = locking(ceph)
    await sealed(store, CONTENT)
    (version,) = versions(store)

    await store.keep(key=KEY, held=True, until=None)
    await store.keep(key=KEY, held=True, until=None)

    with pytest.raises(ClientError, match="AccessDenied"):
        store._client.delete_object(Bucket=store._bucket, Key=KEY, VersionId=version)
    with pytest.raises(StoreSilent):
        await store.destroy(key=KEY)
    assert await whole(store) == CONTENT
    await store.keep(key=KEY, held=False, until=None)
    await store.destroy(key=KEY)
    with pytest.raises(ObjectAbsent):
        await store.size_of(key=KEY)


async def test_a_permitted_destruction_leaves_no_version_and_no_marker(ceph):
    store = locking(ceph)
    await sealed(store, CONTENT)

    await store.destroy(key=KEY)
    await store.destroy(key=KEY)

    assert versions(store) == markers(store) == []


async def test_an_upload_that_is_discarded_leaves_no_bytes(ceph):
    store = locking(ceph)
    upload = await sealed(store, CONTENT)

    await store.discard(key=KEY, upload=upload)

    assert versions(store) == []


@pytest.mark.parametrize("mode", [Retention.GOVERNANCE, Retention.COMPLIANCE])
async def test_a_term_is_kept_by_the_store(ceph, mode):
    store = locking(ceph, mode)
    await sealed(store, CONTENT)
    (version,) = versions(store)
    until = datetime.now(UTC) + timedelta(days=2)

    await store.keep(key=KEY, held=False, until=until)
    await store.keep(key=KEY, held=False, until=until + timedelta(days=1))

    with pytest.raises(ClientError, match="AccessDenied"):
        store._client.delete_object(Bucket=store._bucket, Key=KEY, VersionId=version)
    if mode is Retention.GOVERNANCE:
        await store.destroy(key=KEY)
        assert versions(store) == []
    else:
        with pytest.raises(StoreSilent):
            await store.destroy(key=KEY)
        assert await whole(store) == CONTENT


class TestByTheJob:
    @pytest.fixture
    async def recorded(self, client, sessions, tmp_path, settings):
        trust_the_authority(settings)
        yard = await bodycam.yard(sessions, tmp_path)
        recorded = yard.record()
        (await bodycam.dock_whole(client, recorded, yard.dock)).raise_for_status()
        return recorded

    @pytest.fixture
    def key(self, recorded):
        return f"recordings/{recorded.recording_id}"

    async def test_a_hold_is_put_and_lifted_and_a_silent_store_is_told_later(
        self, sessions, parts, ceph, recorded, key
    ):
        cold = locking(ceph)
        store = two(parts.store, cold)
        await run(sessions, store, now=DUE, rules=[to_cold(wanted_too=True)])
        held = await self.hold(sessions, recorded)

        silent = await keep(sessions, two(parts.store, Away(cold)))
        told = [await keep(sessions, store) for _ in range(2)]

        assert (silent, told) == (0, [1, 0])
        with pytest.raises(StoreSilent):
            await cold.destroy(key=key)
        async with transaction(sessions) as session:
            await custody.release_hold(
                session,
                trail=bodycam.TRAIL,
                caller=await bodycam.principal_of(sessions, REVIEWER),
                hold_id=held,
                now=DUE,
            )
        assert [await keep(sessions, store) for _ in range(2)] == [1, 0]
        await cold.destroy(key=key)

    async def test_what_is_stored_and_not_read_yet_is_locked_too(
        self, client, sessions, parts, ceph, tmp_path, settings, monkeypatch
    ):
        monkeypatch.setattr(completion, "_INDEXED_AT_ONCE_MS", 0)  # every recording is long
        trust_the_authority(settings)
        yard = await bodycam.yard(sessions, tmp_path)
        unread = yard.record()
        (await bodycam.announce(client, unread, yard.dock)).raise_for_status()
        (await bodycam.put_head(client, unread, yard.dock)).raise_for_status()
        (await bodycam.dock_whole(client, unread, yard.dock)).raise_for_status()
        cold = locking(ceph)
        store = two(parts.store, cold)
        await run(sessions, store, now=DUE, rules=[to_cold(wanted_too=True)])
        await self.hold(sessions, unread)

        told = [await keep(sessions, store) for _ in range(2)]

        assert told == [1, 0]
        with pytest.raises(StoreSilent):
            await cold.destroy(key=f"recordings/{unread.recording_id}")

    async def test_a_locked_copy_stays_beside_the_one_that_came_back(
        self, sessions, parts, ceph, recorded, key
    ):
        cold = locking(ceph)
        store = two(parts.store, cold)
        await run(sessions, store, now=DUE)
        await run(sessions, store, now=DUE + timedelta(hours=2))
        await self.hold(sessions, recorded)
        await keep(sessions, store)

        back = await run(sessions, store, now=DUE + timedelta(hours=2))
        later = await run(sessions, store, now=DUE + timedelta(hours=4))

        assert (back.switched, later.cleared, later.failed) == (1, 0, 0)
        assert await parts.store.size_of(key=key) == await cold.size_of(key=key)

    async def test_terms_are_told_where_it_is_configured(
        self, sessions, parts, ceph, recorded, key
    ):
        cold = locking(ceph, Retention.GOVERNANCE)
        store = two(parts.store, cold)
        await run(sessions, store, now=DUE)

        told = [await keep(sessions, store, retained_in=["cold"]) for _ in range(2)]

        found = cold._client.get_object_retention(Bucket=cold._bucket, Key=key)["Retention"]
        assert told == [1, 0]
        assert found["Mode"] == "GOVERNANCE"
        assert found["RetainUntilDate"] > DUE
        assert recorded is not None

    async def test_where_no_store_can_lock_nothing_is_told(self, sessions, parts, recorded):
        await self.hold(sessions, recorded)

        assert await keep(sessions, parts.store) == 0

    async def hold(self, sessions, recorded):
        async with transaction(sessions) as session:
            return await custody.place_hold(
                session,
                trail=bodycam.TRAIL,
                caller=await bodycam.principal_of(sessions, KEEPER),
                recording_id=recorded.recording_id,
                reason=HoldReason.COURT,
                case_number="1",
                now=DUE,
            )


class Away:
    """A store that answers what it offers, and then no more."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def keep(self, **_):
        raise StoreSilent("away")


async def keep(sessions, store, *, retained_in=()):
    return await keep_locks(sessions, store=store, retained_in=retained_in, now=DUE)

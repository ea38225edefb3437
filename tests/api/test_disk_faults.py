"""The disk of the local store fails in the midst of an upload: full, read-only, or with EIO.

Each sweep lets the first operation on the disk fail, then the second, and so on until all went
well. Whatever failed: who sends is told to come again, what was acknowledged is there when he
does, and in the end the bytes lie there once, as they were sent, so that no power cut takes them.
"""

import errno
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
import sqlalchemy as sa

from app.db import transaction
from bodycam.errors import StoreFull, StoreSilent
from bodycam.models import RecordingRow, UploadRow
from bodycam.repository import uploads
from bodycam.service import Docking
from bodycam.service.tus import expire_uploads
from bodycam.service.tus_finishing import finish_uploads
from tests import factories_bodycam as bodycam
from tests.factories_disk import CODES, FailingDisk
from tests.factories_store import directory_store, joined, stored_bytes, stored_file
from tests.factories_tiers import run, two
from tests.factories_tus import MEDIA, Sender

OPERATIONS_MAX = 400
AGAIN = {503, 507}
DUE = datetime.now(UTC) + timedelta(days=31)
CLEARED = DUE + timedelta(hours=1)

# Six kinds of fault take turns: together they meet about every fourth operation, and each of them
# every one with ``--rounds 23``. ``tests/unit/bodycam/test_failing_disk.py`` leaves none out.
KINDS = [(code, lasting) for code in CODES for lasting in (False, True)]
_NAMES = ["full once", "full", "read-only once", "read-only", "EIO once", "EIO"]
_STEP = 23


@pytest.fixture(params=range(len(KINDS)), ids=_NAMES)
def sweep(request, pytestconfig):
    """Let something meet a disk that fails at its first operation, its second, and so on."""
    code, lasting = KINDS[request.param]
    step = max(1, _STEP // pytestconfig.getoption("rounds"))

    async def act(disk, one):
        for at in range(request.param * 2 % step, OPERATIONS_MAX, step):
            await one(disk.failing(code, at=at, lasting=lasting))
            if not disk.failed:
                return at
        raise AssertionError("it never comes to an end")

    return act


@pytest.fixture
def disk(settings, parts, monkeypatch):  # noqa: ARG001 - the parts make the folder
    settings.objects_dir.mkdir(parents=True, exist_ok=True)
    return FailingDisk(settings.objects_dir, monkeypatch)


def files(settings):
    return [one for one in settings.objects_dir.rglob("*") if one.is_file()]


def told_to_come_again(answer):
    return answer.status_code in AGAIN and bool(answer.headers["Retry-After"])


async def until_refused(*steps):
    """Take the steps one after the other as long as each succeeds; return the last answer."""
    for step in steps:
        answer = await step()
        if not answer.is_success:
            break
    return answer


async def acknowledged(client, yard, recorded):
    answer = await bodycam.status(client, recorded, yard.dock)
    return answer.json()["acknowledged"] if answer.is_success else []


async def test_a_dock_that_meets_a_failing_disk_comes_again_and_loses_nothing(
    client, yard, settings, disk, sweep
):
    async def one(fault):
        recorded = yard.record(footage_file=bodycam.long_footage(2))
        key = f"recordings/{recorded.recording_id}"
        content = (recorded.folder / "recording.mp4").read_bytes()
        await bodycam.announce(client, recorded, yard.dock)
        (await bodycam.put(client, recorded, 0, yard.dock)).raise_for_status()

        with fault:
            answer = await until_refused(
                lambda: bodycam.announce(client, recorded, yard.dock),
                lambda: bodycam.put(client, recorded, 1, yard.dock),
                lambda: bodycam.complete(client, recorded, yard.dock),
            )
        kept = await acknowledged(client, yard, recorded)
        shown = stored_file(settings, key).exists() and stored_bytes(settings, key)
        plan = (await bodycam.announce(client, recorded, yard.dock)).json()
        again = await bodycam.dock_whole(client, recorded, yard.dock)

        assert answer.is_success or told_to_come_again(answer), (disk.failed, answer.text)
        assert shown in (False, content)
        assert set(plan["acknowledged"]) >= {0, *kept}
        assert again.json()["receipt"]["merkle_root"] == recorded.manifest.merkle_root
        assert stored_bytes(settings, key) == content
        assert disk.kept(stored_file(settings, key)), disk.failed
        for left in files(settings):
            left.unlink()

    assert await sweep(disk, one) > 10


async def test_a_recording_that_the_disk_has_no_place_for_is_announced_again(
    client, yard, settings, disk, sweep
):
    async def one(fault):
        recorded = yard.record()

        with fault:
            answer = await bodycam.announce(client, recorded, yard.dock)
        again = await bodycam.dock_whole(client, recorded, yard.dock)

        assert answer.is_success or told_to_come_again(answer), (disk.failed, answer.text)
        assert again.json()["receipt"]["whole"] is True
        (file,) = files(settings)
        assert disk.kept(file), disk.failed
        file.unlink()

    assert await sweep(disk, one) > 3


@pytest.fixture
def docking(parts):
    return Docking(
        sessions=parts.sessions,
        store=parts.store,
        trail=parts.trail,
        recording_bytes_max=parts.settings.recording_bytes_max,
    )


async def rows(sessions, model, order):
    async with transaction(sessions) as session:
        return (await session.scalars(sa.select(model).order_by(order))).all()


class Resuming:
    """A sender by tus that remembers the address it was given and asks how far it is."""

    def __init__(self, sender, content, *, first_bytes):
        self.sender, self.content = sender, content
        self.first = content[:first_bytes]
        self.path, self.acknowledged = None, 0

    async def begin(self):
        headers = {"Content-Type": MEDIA} if self.first else {}
        answer = await self.sender.create(
            len(self.content), headers=headers, content=self.first or None
        )
        self.path = answer.headers.get("Location")
        self._note(answer)
        return answer

    async def go_on(self, upto=None):
        at = await self.sender.offset(self.path)
        answer = await self.sender.patch(self.path, at, self.content[at:upto])
        self._note(answer)
        return answer

    def _note(self, answer):
        if answer.is_success:
            self.acknowledged = int(answer.headers.get("Upload-Offset", "0"))

    async def end(self):
        """Send what lacks, from the beginning where no address was given; return from where."""
        if self.path is None:
            assert (await self.begin()).status_code == 201
        at = await self.sender.offset(self.path)
        assert (await self.go_on()).status_code == 204
        return at


async def test_a_sender_by_tus_that_meets_a_failing_disk_goes_on_and_leaves_nothing_beside(
    client, yard, sessions, settings, docking, keys, disk, sweep
):
    sender = Sender(client, yard.dock)
    random = Random(5)

    async def one(fault):
        content = random.randbytes(20_000)
        upload = Resuming(sender, content, first_bytes=1000)

        with fault:
            answer = await until_refused(
                upload.begin,
                lambda: upload.go_on(5000),
                lambda: upload.go_on(9000),
                upload.go_on,
            )
        told = upload.acknowledged
        at = await upload.end()
        await finish_uploads(docking, receipt_key=keys.receipt, now=datetime.now(UTC))
        await expire_uploads(docking, now=datetime.now(UTC) + timedelta(days=8))

        assert answer.is_success or told_to_come_again(answer), (disk.failed, answer.text)
        assert at >= told
        (file,) = files(settings)
        row = (await rows(sessions, RecordingRow, RecordingRow.announced_at))[-1]
        assert stored_bytes(settings, row.object_key) == content
        assert disk.kept(file), disk.failed
        assert await rows(sessions, UploadRow, UploadRow.id) == []
        file.unlink()

    assert await sweep(disk, one) > 10


async def test_uploads_that_the_disk_could_not_begin_take_no_place_and_go_by_themselves(
    client, yard, sessions, settings, docking, disk
):
    sender = Sender(client, yard.dock)

    with disk.failing(errno.EROFS, at=0, lasting=True):
        answers = [await sender.create(20_000) for _ in range(3)]
    now = datetime.now(UTC)
    async with transaction(sessions) as session:
        places = await uploads.open_uploads(session, dock_id=yard.dock_id, now=now)
    await expire_uploads(docking, now=now)

    assert all(answer.status_code == 503 and told_to_come_again(answer) for answer in answers)
    assert places == 0
    assert await rows(sessions, UploadRow, UploadRow.id) == []
    assert files(settings) == []


class KeepingTails:
    """A store whose disk frees nothing from a moment on."""

    def __init__(self, store):
        self._store = store
        self.keeps = False

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def discard(self, **given):
        if self.keeps:
            raise StoreSilent("the object store failed")
        await self._store.discard(**given)


@pytest.mark.parametrize("in_one", [True, False], ids=["at the beginning", "in the end"])
async def test_bytes_that_are_acknowledged_are_told_so_though_the_disk_frees_nothing(
    app, client, yard, parts, in_one
):
    store = app.state.store = KeepingTails(parts.store)
    sender = Sender(client, yard.dock)
    content = Random(7).randbytes(20_000)

    if in_one:
        store.keeps = True
        headers = {"Content-Type": MEDIA}
        answer = await sender.create(len(content), headers=headers, content=content)
    else:
        path = await sender.begun(len(content))
        await sender.patch(path, 0, content[:9000])
        store.keeps = True
        answer = await sender.patch(path, 9000, content[9000:])

    assert answer.is_success, answer.text
    assert answer.headers["Upload-Offset"] == str(len(content))


async def test_an_upload_by_tus_is_finished_when_the_disk_is_well_again(
    client, yard, sessions, settings, docking, keys, disk, sweep
):
    sender = Sender(client, yard.dock)
    random = Random(6)

    async def one(fault):
        content = random.randbytes(20_000)
        await sender.send(content, pieces=2)

        with fault, suppress(StoreFull, StoreSilent):
            await finish_uploads(docking, receipt_key=keys.receipt, now=datetime.now(UTC))
        await finish_uploads(docking, receipt_key=keys.receipt, now=datetime.now(UTC))

        (file,) = files(settings)
        row = (await rows(sessions, RecordingRow, RecordingRow.announced_at))[-1]
        assert stored_bytes(settings, row.object_key) == content
        assert disk.kept(file), disk.failed
        file.unlink()

    assert await sweep(disk, one) > 5


@pytest.mark.parametrize("failing", ["hot", "cold"])
async def test_a_recording_moves_between_stores_when_the_disk_is_well_again(
    client, yard, sessions, parts, tmp_path, monkeypatch, sweep, failing
):
    folders = {"hot": parts.settings.objects_dir, "cold": tmp_path / "cold"}
    store = two(parts.store, directory_store(folders["cold"]))
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    disk = FailingDisk(folders[failing], monkeypatch)

    async def whole(key, content):
        chunks = store.open_range(key=key, start=0, length=len(content))
        return await joined(chunks) == content

    async def one(fault):
        recorded = yard.record()
        key = f"recordings/{recorded.recording_id}"
        content = (recorded.folder / "recording.mp4").read_bytes()
        (await bodycam.dock_whole(client, recorded, yard.dock)).raise_for_status()

        with fault:
            first = await run(sessions, store, now=DUE)
            cleared = await run(sessions, store, now=CLEARED)
        between = await whole(key, content)
        for at in (DUE, CLEARED, CLEARED + timedelta(hours=2)):
            assert (await run(sessions, store, now=at)).failed == 0

        assert between
        assert not disk.failed or first.failed + cleared.failed + first.switched > 0
        assert await whole(key, content)
        left = [str(one) for one in folders["hot"].rglob("*") if one.is_file()]
        # Of a probe whether the stores are two, a few bytes may stay on a disk that fails.
        assert [one for one in left if "probes" not in one] == []
        (file,) = [one for one in folders["cold"].rglob("*") if one.is_file()]
        assert failing == "hot" or disk.kept(file), disk.failed
        file.unlink()

    assert await sweep(disk, one) > 5

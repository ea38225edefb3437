"""Objects of a directory in their envelopes: nothing changed, moved, cut or exchanged is read."""

import os
import random
import shutil
import subprocess
import sys

import pytest

from app import keys as app_keys
from bodycam.errors import ObjectAbsent, ObjectDamaged, ObjectKeyUnknown, PartBusy, StoreFull
from bodycam.storage import DirectoryStore
from bodycam.storage.envelope import (
    CHUNK_BYTES,
    HEAD_BYTES,
    SLOT_BYTES,
    TABLE_BYTES,
    file_size,
    object_size,
    rewrapped,
    table_offset,
)
from bodycam.storage.files import ObjectFile
from bodycam.wire.digests import BLOCK_SIZE_BYTES, block_count, block_size
from tests.factories_bodycam import full_disk
from tests.factories_store import KEY, SIZE, joined, object_keys, put, put_all, sealed

OTHER = "recordings/99999999-2222-4333-8444-555555555555"
DATA_1 = table_offset(1) + TABLE_BYTES


@pytest.fixture(scope="module")
def content():
    return random.Random(7).randbytes(SIZE)


@pytest.fixture
def keys_folder(tmp_path):
    return tmp_path / "keys"


@pytest.fixture
def store(tmp_path, keys_folder):
    return DirectoryStore(root=tmp_path / "objects", keys=object_keys(keys_folder))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "objects" / "sealed" / f"{KEY}~1"


async def whole(store, key=KEY, size=SIZE):
    return await joined(store.open_range(key=key, start=0, length=size))


def changed(file, at, content=None):
    """Change one bit of the file at ``at``, or put ``content`` there."""
    file.chmod(0o600)
    with file.open("r+b") as opened:
        opened.seek(at)
        new = content if content is not None else bytes([opened.read(1)[0] ^ 1])
        opened.seek(at)
        opened.write(new)


def cut_out(file, at, length):
    with file.open("rb") as opened:
        opened.seek(at)
        return opened.read(length)


@pytest.mark.parametrize(
    "size",
    [0, 1, CHUNK_BYTES, BLOCK_SIZE_BYTES - 1, BLOCK_SIZE_BYTES, BLOCK_SIZE_BYTES + 1, 64 << 30],
)
def test_the_size_of_an_object_follows_from_that_of_its_file(size):
    assert object_size(file_size(size)) == size


async def test_nothing_of_the_footage_stands_in_the_file(store, file):
    await sealed(store, b"a face, a plate " * (SIZE // 16))

    assert b"a face, a plate" not in file.read_bytes()


@pytest.mark.parametrize(
    ("at", "block"),
    [
        (table_offset(0), 0),  # the nonce
        (table_offset(0) + 16, 0),  # the tag of the first chunk
        (table_offset(0) + TABLE_BYTES, 0),
        (DATA_1 - TABLE_BYTES + 16 + 16 * 511, 1),  # the tag of the last chunk
        (DATA_1 + BLOCK_SIZE_BYTES - 1, 1),
        (file_size(SIZE) - 1, 2),
    ],
)
async def test_one_changed_bit_is_found_and_only_its_block_is_lost(store, file, content, at, block):
    await sealed(store, content)

    changed(file, at)

    with pytest.raises(ObjectDamaged) as refused:
        await whole(store)
    assert refused.value.blocks == (block,)
    for number in {0, 1, 2} - {block}:
        start, size = number * BLOCK_SIZE_BYTES, block_size(number=number, size_bytes=SIZE)
        assert await store.read(key=KEY, start=start, length=size) == content[start:][:size]


async def test_a_range_beside_a_changed_chunk_can_be_read(store, file, content):
    await sealed(store, content)

    changed(file, DATA_1 + 3 * CHUNK_BYTES)

    start = BLOCK_SIZE_BYTES + 4 * CHUNK_BYTES
    assert await store.read(key=KEY, start=start, length=9) == content[start : start + 9]
    with pytest.raises(ObjectDamaged):
        await store.read(key=KEY, start=start - 1, length=9)


async def test_chunks_do_not_open_in_each_other_s_place(store, file, content):
    await sealed(store, content)
    one, other = (cut_out(file, DATA_1 + at * CHUNK_BYTES, CHUNK_BYTES) for at in (0, 1))

    changed(file, DATA_1, other + one)
    tags = cut_out(file, DATA_1 - TABLE_BYTES + 16, 32)
    changed(file, DATA_1 - TABLE_BYTES + 16, tags[16:] + tags[:16])

    with pytest.raises(ObjectDamaged):
        await store.read(key=KEY, start=BLOCK_SIZE_BYTES, length=1)


async def test_blocks_do_not_open_in_each_other_s_place(store, file, content):
    await sealed(store, content)
    place = TABLE_BYTES + BLOCK_SIZE_BYTES
    one, other = (cut_out(file, table_offset(number), place) for number in (0, 1))

    changed(file, table_offset(0), other + one)

    for number in (0, 1):
        with pytest.raises(ObjectDamaged):
            await store.read(key=KEY, start=number * BLOCK_SIZE_BYTES, length=1)


@pytest.mark.parametrize("what", ["file", "head"])
async def test_another_object_s_bytes_or_key_are_not_taken(store, file, content, what, tmp_path):
    await sealed(store, content)
    upload = await store.begin(key=OTHER, size_bytes=SIZE)
    for number in range(block_count(SIZE)):
        start = number * BLOCK_SIZE_BYTES
        size = block_size(number=number, size_bytes=SIZE)
        block = content[start : start + size]
        await store.put_part(key=OTHER, upload=upload, number=number, block=block)
    await store.seal(key=OTHER, upload=upload, size_bytes=SIZE)
    other = (tmp_path / "objects" / "sealed" / f"{OTHER}~1").read_bytes()

    changed(file, 0, other if what == "file" else other[:HEAD_BYTES])

    with pytest.raises(ObjectDamaged):
        await whole(store)


@pytest.mark.parametrize("cut", [1, 12_345, 12_345 + TABLE_BYTES, 12_345 + TABLE_BYTES + 7])
async def test_a_cut_file_is_found(store, file, content, cut):
    await sealed(store, content)

    file.chmod(0o600)
    os.truncate(file, file_size(SIZE) - cut)

    assert await store.size_of(key=KEY) < SIZE
    with pytest.raises(ObjectDamaged):
        await whole(store)


@pytest.mark.parametrize("size", [0, 10, SLOT_BYTES - 1])
async def test_a_file_without_a_whole_envelope_is_told(store, file, content, size):
    await sealed(store, content)

    file.chmod(0o600)
    os.truncate(file, size)
    if size > 10:
        changed(file, 30)

    with pytest.raises(ObjectDamaged):
        await whole(store)


@pytest.mark.parametrize("torn", [0, 1])
async def test_one_torn_slot_harms_nothing(store, file, content, torn):
    await sealed(store, content)

    changed(file, torn * SLOT_BYTES, os.urandom(SLOT_BYTES))

    assert await whole(store) == content


async def test_both_slots_changed_are_found(store, file, content):
    await sealed(store, content)

    for slot in (0, 1):
        changed(file, slot * SLOT_BYTES + 60)

    with pytest.raises(ObjectDamaged):
        await whole(store)


async def test_a_key_that_is_not_here_is_no_damage(store, content, tmp_path):
    await sealed(store, content)
    stranger = DirectoryStore(
        root=tmp_path / "objects", keys=object_keys(tmp_path / "another-keys")
    )

    with pytest.raises(ObjectKeyUnknown):
        await whole(stranger)


async def test_a_part_that_is_sent_again_is_sealed_anew(store, content, tmp_path):
    upload = await put_all(store, content)
    file = tmp_path / "objects" / "incoming" / (KEY.replace("/", ".") + "~1")
    before = cut_out(file, table_offset(1), TABLE_BYTES + BLOCK_SIZE_BYTES)

    await put(store, upload, 1, content)

    after = cut_out(file, table_offset(1), TABLE_BYTES + BLOCK_SIZE_BYTES)
    await store.seal(key=KEY, upload=upload, size_bytes=SIZE)
    assert before[:12] != after[:12]
    assert before[TABLE_BYTES:] != after[TABLE_BYTES:]
    assert await whole(store) == content


async def test_two_that_begin_at_once_have_one_key(store, content, tmp_path, keys_folder):
    other = DirectoryStore(root=tmp_path / "objects", keys=object_keys(keys_folder))
    upload = await store.begin(key=KEY, size_bytes=SIZE)

    await put(store, upload, 0, content)
    await other.begin(key=KEY, size_bytes=SIZE)
    await put(other, upload, 1, content)
    await put(other, upload, 2, content)
    await store.seal(key=KEY, upload=upload, size_bytes=SIZE)

    assert await whole(other) == content


async def test_a_disk_that_fills_up_while_a_part_is_sealed_is_told(store, content):
    block = content[:BLOCK_SIZE_BYTES]
    await store.begin(key=KEY, size_bytes=1)  # of a length nobody knew: nothing is reserved

    with full_disk(), pytest.raises(StoreFull):
        await store.put_part(key=KEY, upload="", number=1, block=block)
    await store.put_part(key=KEY, upload="", number=0, block=block)
    await store.put_part(key=KEY, upload="", number=1, block=block)

    await store.seal(key=KEY, upload="", size_bytes=2 * BLOCK_SIZE_BYTES)
    assert await whole(store, size=2 * BLOCK_SIZE_BYTES) == block * 2


async def test_nothing_is_sealed_while_a_part_of_it_is_written(store, content):
    upload = await put_all(store, content)

    async with store.open_part(key=KEY, number=1, size_bytes=BLOCK_SIZE_BYTES):
        with pytest.raises(PartBusy):
            await store.seal(key=KEY, upload=upload, size_bytes=SIZE)

    await store.seal(key=KEY, upload=upload, size_bytes=SIZE)
    assert await whole(store) == content


async def test_who_opened_the_file_before_it_was_sealed_is_told(store, content):
    await put_all(store, content)
    opened = store._places.open_incoming(KEY)

    assert store._places.is_incoming(KEY, opened[0])
    await store.seal(key=KEY, upload="", size_bytes=SIZE)

    assert not store._places.is_incoming(KEY, opened[0])
    os.close(opened[0])


class TestRewrapping:
    async def test_after_it_the_old_key_may_go_and_no_footage_was_touched(
        self, store, file, content, tmp_path, keys_folder
    ):
        await sealed(store, content)
        await store.begin(key=OTHER, size_bytes=SIZE)
        before, old = file.read_bytes(), object_keys(keys_folder).current_id
        new = app_keys.rotate_object_key(keys_folder)
        renewed = DirectoryStore(root=tmp_path / "objects", keys=new)

        first, second = await renewed.rewrap(), await renewed.rewrap()
        (keys_folder / f"objects-{old.hex()}.key").unlink()

        assert (first.done, first.failed, second.done, second.current) == (2, (), 0, 2)
        fresh = DirectoryStore(root=tmp_path / "objects", keys=object_keys(keys_folder))
        assert await whole(fresh) == content
        assert file.read_bytes()[HEAD_BYTES:] == before[HEAD_BYTES:]
        assert file.stat().st_mode & 0o777 == 0o444
        with pytest.raises(ObjectAbsent):
            await whole(fresh, OTHER)

    async def test_a_process_that_knows_the_old_key_alone_goes_on_reading(
        self, store, content, tmp_path, keys_folder
    ):
        await sealed(store, content)
        new = app_keys.rotate_object_key(keys_folder)

        await DirectoryStore(root=tmp_path / "objects", keys=new).rewrap()

        assert await whole(store) == content

    @pytest.mark.parametrize("writes", [0, 1, 2])
    @pytest.mark.parametrize("torn", [False, True])
    async def test_stopped_half_way_it_loses_nothing(
        self, store, file, content, tmp_path, keys_folder, writes, torn
    ):
        await sealed(store, content)
        new = app_keys.rotate_object_key(keys_folder)
        steps = list(rewrapped(file.read_bytes()[:HEAD_BYTES], key=KEY, keys=new))
        for at, slot in steps[:writes]:
            changed(file, at, slot)
        for at, slot in steps[writes : writes + torn]:
            changed(file, at, slot[:50])  # the power went in the middle of a page

        renewed = DirectoryStore(root=tmp_path / "objects", keys=object_keys(keys_folder))
        seen = await whole(renewed)
        done = await renewed.rewrap()

        assert seen == await whole(renewed) == content
        assert done.failed == ()
        assert (await renewed.rewrap()).current == 1

    @pytest.mark.parametrize("stopped_after", [1, 2, 3])
    def test_a_rotation_of_keys_may_be_stopped(self, keys_folder, stopped_after):
        old = object_keys(keys_folder)
        app_keys.rotate_object_key(keys_folder)
        names = sorted(keys_folder.glob("objects*"), key=lambda path: path.stat().st_mtime_ns)
        (keys_folder / "objects.key").write_bytes(old.current)  # as it was before the last step
        for name in names[stopped_after:]:
            if name.name != "objects.key":
                name.unlink()
        (keys_folder / "objects.key.new").write_bytes(b"half")

        renewed = app_keys.rotate_object_key(keys_folder)

        assert renewed.current_id != old.current_id
        assert object_keys(keys_folder).current_id == renewed.current_id
        assert renewed.find(old.current_id) == old.current

    async def test_what_does_not_open_is_named_and_stops_nothing(
        self, store, file, content, tmp_path, keys_folder
    ):
        await sealed(store, content)
        for slot in (0, 1):
            changed(file, slot * SLOT_BYTES + 60)
        await store.begin(key=OTHER, size_bytes=SIZE)
        new = app_keys.rotate_object_key(keys_folder)

        found = await DirectoryStore(root=tmp_path / "objects", keys=new).rewrap()

        assert (found.done, found.failed) == (1, (KEY,))


class TestOfAnEarlierRelease:
    @pytest.fixture
    def plain(self, tmp_path, content):
        path = tmp_path / "objects" / "sealed" / KEY
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        path.chmod(0o444)
        return path

    async def test_a_plain_object_is_read_and_given_an_envelope(self, store, file, content, plain):
        assert await whole(store) == content

        said = []
        assert await store.envelop(say=said.append) == 1
        assert await store.envelop(say=said.append) == 0

        assert said == [KEY]
        assert await whole(store) == content
        assert not plain.exists()
        assert file.stat().st_mode & 0o777 == 0o444

    async def test_stopped_before_the_plain_file_went_it_is_done_again(
        self, store, content, plain, tmp_path
    ):
        kept = tmp_path / "kept"
        shutil.copy(plain, kept)
        await store.envelop(say=str)
        shutil.copy(kept, plain)

        assert await whole(store) == content
        assert await store.envelop(say=str) == 1

        assert not plain.exists()
        assert await whole(store) == content

    @pytest.mark.usefixtures("plain")
    async def test_two_do_not_give_envelopes_at_once(self, store):
        handle = store._places.open_upkeep()

        with pytest.raises(PartBusy):
            await store.envelop(say=str)
        os.close(handle)

        assert await store.envelop(say=str) == 1

    async def test_a_full_disk_leaves_the_plain_object(self, store, content, plain, tmp_path):
        with full_disk(), pytest.raises(StoreFull):
            await store.envelop(say=str)

        assert plain.exists()
        assert await whole(store) == content
        assert list((tmp_path / "objects" / "incoming").iterdir()) == []

    @pytest.mark.usefixtures("plain")
    async def test_a_plain_object_is_destroyed(self, store):
        await store.destroy(key=KEY)

        with pytest.raises(ObjectAbsent):
            await whole(store)

    async def test_an_upload_that_was_begun_plain_keeps_its_parts(self, store, content, tmp_path):
        incoming = tmp_path / "objects" / "incoming"
        incoming.mkdir(parents=True)
        begun = incoming / KEY.replace("/", ".")
        begun.write_bytes(content[:BLOCK_SIZE_BYTES])

        upload = await store.begin(key=KEY, size_bytes=SIZE)
        await put(store, upload, 1, content)
        await put(store, upload, 2, content)
        await store.seal(key=KEY, upload=upload, size_bytes=SIZE)

        assert await whole(store) == content
        assert await store.envelop(say=str) == 1


class TestDestroying:
    async def test_the_key_is_gone_before_the_file(self, store, file, content, tmp_path):
        await sealed(store, content)
        os.link(file, tmp_path / "seen-by-somebody")

        await store.destroy(key=KEY)

        assert cut_out(tmp_path / "seen-by-somebody", 0, HEAD_BYTES) == bytes(HEAD_BYTES)
        assert not file.exists()

    async def test_stopped_after_the_name_was_gone_it_is_finished(
        self, store, file, content, tmp_path
    ):
        await sealed(store, content)
        going = tmp_path / "objects" / "incoming" / (KEY.replace("/", ".") + "~1~going")
        file.rename(going)

        with pytest.raises(ObjectAbsent):
            await whole(store)
        await store.destroy(key=KEY)

        assert not going.exists()

    async def test_who_reads_goes_on_reading(self, store, content):
        await sealed(store, content)
        chunks = store.open_range(key=KEY, start=0, length=SIZE)
        first = await anext(chunks)

        await store.destroy(key=KEY)

        assert first + await joined(chunks) == content


@pytest.mark.nightly
async def test_a_killed_writer_loses_no_acknowledged_part(
    store, content, tmp_path, keys_folder, pytestconfig
):
    """SIGKILL at any instant: each part that was said to be on the disk is read as it was sent."""
    source = tmp_path / "content"
    source.write_bytes(content)
    folders = [str(one) for one in (tmp_path / "objects", keys_folder, source)]
    chance = random.Random(3)
    seen = 0
    for _ in range(pytestconfig.getoption("--store-kills")):
        said = killed(folders, after_lines=chance.randrange(1, 4), seconds=chance.random() * 0.03)

        with ObjectFile(*store._places.open_incoming(KEY)) as begun:
            for number in said:
                start = number * BLOCK_SIZE_BYTES
                size = block_size(number=number, size_bytes=SIZE)
                assert begun.read_at(start, size) == content[start : start + size]
        seen += len(said)
        await store.discard(key=KEY, upload="")

    assert seen


def killed(folders, *, after_lines, seconds):
    """Let a process store parts, kill it, and return the parts that it had acknowledged."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.factories_store_writer", *folders],
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        said = [writer.stdout.readline() for _ in range(after_lines)]
        with pytest.raises(subprocess.TimeoutExpired):
            writer.wait(seconds)
        writer.kill()
        said += writer.stdout.readlines()
    return {int(one) for one in said[1:] if one.endswith("\n")}

"""The dock agent and memory cards that do not give back what lies on them."""

import errno
import io
import os
import threading
import time
from contextlib import suppress
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.db import transaction
from bodycam.field import taking
from bodycam.field.pace import Pace
from bodycam.field.salvage import FAILED_READS_OF_BLOCK_MAX, PIECE_BYTES, SECTOR_BYTES
from bodycam.models import RecordingRow
from bodycam.wire import protocol
from bodycam.wire.digests import BLOCK_SIZE_BYTES
from sim.camera import CLOCK_ZERO, change_byte, cut_short
from sim.card import BadSectors, ReadOnlyCard
from tests import factories_bodycam as bodycam
from tests.factories_dock import (
    SECONDS,
    FieldAgent,
    Server,
    good_receipt,
    stub_answers,
    stub_server,
    until,
    wiped,
)
from tests.factories_store import stored_bytes

SECTOR = BLOCK_SIZE_BYTES + SECTOR_BYTES  # in the middle of block 1


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
def server(settings, database_url):
    server = Server(settings, database_url).start()
    yield server
    server.kill()


def stored(settings, recorded):
    return stored_bytes(settings, f"recordings/{recorded.recording_id}")


async def test_a_sector_that_the_card_does_not_give_back_is_named_and_the_rest_is_stored(
    server, yard, settings, sessions, tmp_path, monkeypatch
):
    recorded = yard.record(footage_file=bodycam.long_footage(4))
    content = bytearray((recorded.folder / "recording.mp4").read_bytes())
    content[SECTOR : SECTOR + SECTOR_BYTES] = bytes(SECTOR_BYTES)
    agent = FieldAgent(server.url, yard, tmp_path)
    monkeypatch.setattr(os, "pread", BadSectors(SECTOR))

    good = agent.run()

    assert good, agent.lines
    assert stored(settings, recorded) == bytes(content)
    assert wiped(recorded)["whole"] is False
    (verified,) = await bodycam.events(sessions, "bodycam.recording_stored")
    assert [(one["kind"], one["first_byte"]) for one in verified["damage"]] == [
        ("block_differs", BLOCK_SIZE_BYTES)
    ]
    told = f"declared: 1; zeros are sent for bytes {SECTOR}-{SECTOR + SECTOR_BYTES - 1}"
    assert any(told in line for line in agent.lines)
    announced = [one for one in agent.noted if one["fact"] == "announced"]
    assert [one.get("unreadable") for one in announced] == [None, [1]]


def test_a_block_that_is_given_back_after_a_while_is_stored_as_it_was_signed(
    server, yard, settings, tmp_path, monkeypatch
):
    recorded = yard.record(footage_file=bodycam.long_footage(4))
    content = (recorded.folder / "recording.mp4").read_bytes()
    agent = FieldAgent(server.url, yard, tmp_path)
    monkeypatch.setattr(os, "pread", BadSectors(SECTOR, heals_after=2))

    good = agent.run()

    assert good, agent.lines
    assert stored(settings, recorded) == content
    assert wiped(recorded)["whole"] is True


def test_a_dying_card_is_given_up_for_the_rest_of_a_block_and_the_others_are_stored(
    server, yard, settings, tmp_path, monkeypatch
):
    recorded = yard.record(footage_file=bodycam.long_footage(4))
    content = bytearray((recorded.folder / "recording.mp4").read_bytes())
    bad = range(SECTOR, 2 * BLOCK_SIZE_BYTES, PIECE_BYTES)
    reached = bad[FAILED_READS_OF_BLOCK_MAX // 2 - 1]  # for each piece two reads fail
    for sector in bad:
        end = sector + SECTOR_BYTES if sector < reached else 2 * BLOCK_SIZE_BYTES
        content[sector:end] = bytes(end - sector)
    agent = FieldAgent(server.url, yard, tmp_path)
    monkeypatch.setattr(os, "pread", BadSectors(*bad))

    good = agent.run()

    assert good, agent.lines
    assert stored(settings, recorded) == bytes(content)
    assert wiped(recorded)["whole"] is False


def test_a_declared_block_is_declared_anew_where_the_card_fails_more_as_it_is_sent(
    server, yard, settings, tmp_path, monkeypatch
):
    recorded = yard.record(footage_file=bodycam.long_footage(4))
    content = bytearray((recorded.folder / "recording.mp4").read_bytes())
    later = SECTOR + PIECE_BYTES
    for sector in (SECTOR, later):
        content[sector : sector + SECTOR_BYTES] = bytes(SECTOR_BYTES)
    agent = FieldAgent(server.url, yard, tmp_path)
    monkeypatch.setattr(os, "pread", WorseningCard(SECTOR, later=later, after=7))

    good = agent.run()

    assert good, agent.lines
    assert any("not as the camera signed them, declared: 1" in line for line in agent.lines)
    assert stored(settings, recorded) == bytes(content)
    assert wiped(recorded)["whole"] is False


def test_a_card_that_is_read_in_pieces_keeps_no_other_camera_waiting(
    server, yard, tmp_path, monkeypatch
):
    recorded = yard.record(footage_file=bodycam.long_footage(3))
    card = SlowCard(SECTOR)
    agent = FieldAgent(server.url, yard, tmp_path)
    monkeypatch.setattr(os, "pread", card)

    with agent.going_on():
        until(card.slow.is_set)
        other = yard.record()
        until(lambda: wiped_already(other))
        card.goes_on.set()
        until(lambda: wiped_already(recorded))

    assert wiped(recorded)["whole"] is False


class SlowCard(BadSectors):
    """A card whose failing reads take long, once the block was tried often enough as a whole."""

    def __init__(self, *sectors):
        super().__init__(*sectors)
        self.slow, self.goes_on = threading.Event(), threading.Event()

    def __call__(self, handle, size, at):
        try:
            return super().__call__(handle, size, at)
        except OSError:
            if size <= PIECE_BYTES:
                self.slow.set()
                self.goes_on.wait(SECONDS)
            raise


class WorseningCard(BadSectors):
    """A card that loses one more sector after some reads have failed."""

    def __init__(self, *sectors, later, after):
        super().__init__(*sectors)
        self._later, self._after = later, after

    def __call__(self, handle, size, at):
        if self.failed >= self._after and self._later not in self.sectors:
            self.sectors = (*self.sectors, self._later)
        return super().__call__(handle, size, at)


def test_a_camera_that_gives_back_after_all_what_was_declared_lost_is_not_wiped(
    server, yard, tmp_path, monkeypatch
):
    recorded = yard.record(footage_file=bodycam.long_footage(3))
    agent = FieldAgent(server.url, yard, tmp_path)
    # Three attempts, block, piece and sector as they are declared, the block as it is sent; what
    # is compared before the wipe is real again.
    monkeypatch.setattr(os, "pread", BadSectors(SECTOR, heals_after=7))

    good = agent.run()

    assert not good
    assert any("gives back as signed what the server's receipt lacks" in one for one in agent.lines)
    assert (recorded.folder / "recording.mp4").exists()


@pytest.mark.parametrize("lost", ["a sector", "the end"])
def test_a_card_that_reads_well_after_its_recording_was_concluded_short_is_not_wiped(
    server, yard, tmp_path, monkeypatch, lost
):
    recorded = yard.record(footage_file=bodycam.long_footage(3))
    path = recorded.folder / "recording.mp4"
    content, wiping = path.read_bytes(), taking.wipe

    def wipe(_folder, **_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as bad:
        bad.setattr(taking, "wipe", wipe)  # switched off before it could
        if lost == "a sector":
            bad.setattr(os, "pread", BadSectors(SECTOR))
        else:
            cut_short(recorded, keep_bytes=BLOCK_SIZE_BYTES + 100)
        assert not FieldAgent(server.url, yard, tmp_path).run()
    assert taking.wipe is wiping
    path.unlink()
    path.write_bytes(content)
    agent = FieldAgent(server.url, yard, tmp_path)

    good = agent.run()

    assert not good
    assert any("gives back as signed what the server's receipt lacks" in one for one in agent.lines)
    assert path.read_bytes() == content
    assert (recorded.folder / "manifest.json").exists()


def test_a_camera_that_was_pulled_out_has_lost_nothing(
    server, yard, settings, tmp_path, monkeypatch
):
    recorded = yard.record(footage_file=bodycam.long_footage(3))
    content = (recorded.folder / "recording.mp4").read_bytes()
    manifest = recorded.folder / "manifest.json"
    agent = FieldAgent(server.url, yard, tmp_path)
    plain, pulled, times = os.pread, [], 4

    def pread(handle, size, at):
        if not times:
            return plain(handle, size, at)
        pulled.append(at)
        with suppress(FileNotFoundError):
            manifest.rename(tmp_path / "manifest")
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "pread", pread)

    with agent.going_on():
        for _ in range(4):
            until(lambda: pulled and agent.left)
            pulled.clear()
            times -= 1
            (tmp_path / "manifest").rename(manifest)
        until(lambda: wiped_already(recorded))

    assert not any("unreadable" in one for one in agent.noted)
    assert stored(settings, recorded) == content


def wiped_already(recorded):
    return (recorded.folder / "wiped.json").exists()


def test_a_block_that_is_lost_after_it_was_stored_is_not_declared_and_nothing_is_wiped(
    yard, tmp_path, monkeypatch
):
    recorded = yard.record()
    answers = stub_answers(recorded, Ed25519PrivateKey.generate(), good_receipt(recorded))
    monkeypatch.setattr(os, "pread", BadSectors(0))

    with stub_server(answers) as (url, asked):
        agent = FieldAgent(url, yard, tmp_path)
        with agent.going_on():
            until(lambda: asked.get(protocol.PATH_ANNOUNCE, 0) > 4)

    assert not any("unreadable" in one for one in agent.noted)
    assert any("the card does not give back blocks 0 to compare" in line for line in agent.lines)
    assert (recorded.folder / "recording.mp4").exists()


def test_a_card_that_cannot_be_wiped_is_tried_again_after_growing_pauses_only(
    yard, tmp_path, monkeypatch
):
    recorded = yard.record()
    key = Ed25519PrivateKey.generate()

    def wipe(_folder, **_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(taking, "wipe", wipe)

    with stub_server(stub_answers(recorded, key, good_receipt(recorded))) as (url, asked):
        agent = FieldAgent(url, yard, tmp_path, pace=Pace())
        with agent.going_on():
            until(lambda: any("Read-only" in line for line in agent.lines))
            time.sleep(5)

    # At once, after 2 s, and 4 s after that: a slow machine makes it fewer, never more.
    assert 1 <= asked[protocol.PATH_ANNOUNCE] <= 2
    assert [one["fact"] for one in agent.noted] == ["pinned", "announced", "receipt"]
    assert sum("Read-only" in line for line in agent.lines) == 1


def test_another_camera_in_the_bay_of_one_that_was_left_is_taken_at_once(yard, tmp_path):
    recorded = yard.record()
    key = Ed25519PrivateKey.generate()
    (recorded.folder / "manifest.json").rename(tmp_path / "manifest.json")
    (recorded.folder / "manifest.json").write_text("{}")

    with stub_server(stub_answers(recorded, key, good_receipt(recorded))) as (url, _):
        agent = FieldAgent(url, yard, tmp_path, pace=Pace(left_seconds=(10**6,)))
        with agent.going_on():
            until(lambda: any("left as it is" in line for line in agent.lines))
            (tmp_path / "manifest.json").rename(recorded.folder / "manifest.json")
            until(lambda: wiped_already(recorded))

    assert wiped(recorded)


async def sent(server, yard, recorded, *numbers):
    """Send blocks as a dock that was then switched off."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        (await bodycam.announce(client, recorded, yard.dock)).raise_for_status()
        for number in numbers:
            (await bodycam.put(client, recorded, number, yard.dock)).raise_for_status()


async def test_a_card_that_rots_after_it_was_read_is_wiped_and_the_good_bytes_stay(
    server, yard, settings, tmp_path
):
    recorded = yard.record(footage_file=bodycam.long_footage(3))
    content = bytearray((recorded.folder / "recording.mp4").read_bytes())
    await sent(server, yard, recorded, 0, 1)
    for block in (1, 2):
        change_byte(recorded, at_byte=block * BLOCK_SIZE_BYTES + 7)
    content[2 * BLOCK_SIZE_BYTES :] = bodycam.block(recorded, 2)
    agent = FieldAgent(server.url, yard, tmp_path)

    good = agent.run()

    assert good, agent.lines
    assert stored(settings, recorded) == bytes(content)
    assert wiped(recorded)["whole"] is False
    assert any("does not give back as signed: 1" in line for line in agent.lines)


async def test_a_card_that_lost_its_end_after_it_was_read_is_wiped_and_the_end_stays(
    server, yard, settings, tmp_path
):
    recorded = yard.record(footage_file=bodycam.long_footage(3))
    content = (recorded.folder / "recording.mp4").read_bytes()
    await sent(server, yard, recorded, 0, 1, 2)
    cut_short(recorded, keep_bytes=BLOCK_SIZE_BYTES + 100)
    agent = FieldAgent(server.url, yard, tmp_path)

    good = agent.run()

    assert good, agent.lines
    assert stored(settings, recorded) == content
    assert wiped(recorded)["whole"] is True


@pytest.mark.parametrize("sector", [0, 4096])
def test_a_head_that_the_card_does_not_give_back_holds_up_nothing(
    server, yard, settings, tmp_path, monkeypatch, sector
):
    recorded = yard.record()
    content = (recorded.folder / "recording.mp4").read_bytes()
    agent = FieldAgent(server.url, yard, tmp_path)
    card = BadSectors(sector, name="head.bin")
    monkeypatch.setattr(os, "pread", card)

    good = agent.run()

    assert good, agent.lines
    assert card.failed == 1
    assert any("goes without" in line for line in agent.lines)
    assert stored(settings, recorded) == content
    assert wiped(recorded)["whole"] is True


CHANGES_OF_A_WIPE = 6  # three files go, the receipt is written and named, the manifest goes


@pytest.mark.parametrize("after", range(CHANGES_OF_A_WIPE))
async def test_a_card_that_becomes_read_only_in_its_wipe_is_told_of_and_never_called_wiped(
    server, yard, settings, sessions, tmp_path, monkeypatch, after
):
    recorded = yard.record()
    content = (recorded.folder / "recording.mp4").read_bytes()
    card = ReadOnlyCard(recorded.folder, after=after)
    for module, name in ((os, "unlink"), (os, "replace"), (io, "open")):
        monkeypatch.setattr(module, name, card.in_place_of(getattr(module, name)))

    first = FieldAgent(server.url, yard, tmp_path)
    first_good = first.run()
    again = FieldAgent(server.url, yard, tmp_path)
    again_good = again.run()
    between = [one["fact"] for one in again.noted]
    card.heal()
    last = FieldAgent(server.url, yard, tmp_path)

    assert last.run(), last.lines
    for agent, good in ((first, first_good), (again, again_good)):
        assert not good
        assert sum("Read-only" in line for line in agent.lines) == 1
        assert not any("camera wiped" in one or "wipe finished" in one for one in agent.lines)
    assert "wiped" not in between
    assert card.refused == 2
    assert wiped(recorded)["whole"] is True
    assert stored(settings, recorded) == content
    assert len(await bodycam.events(sessions, "bodycam.recording_stored")) == 1


async def test_a_clock_that_is_reset_in_mid_shift_costs_no_recording(
    server, yard, settings, sessions, tmp_path
):
    lost_at = bodycam.STARTED_AT + timedelta(hours=1)
    yard.camera.clock_lost_at = lost_at
    before = yard.record()
    behind = yard.record(started_at=lost_at + timedelta(hours=1))
    contents = [(one.folder / "recording.mp4").read_bytes() for one in (before, behind)]
    agent = FieldAgent(server.url, yard, tmp_path)

    good = agent.run()

    assert good, agent.lines
    assert [stored(settings, one) for one in (before, behind)] == contents
    assert [wiped(one)["whole"] for one in (before, behind)] == [True, True]
    async with transaction(sessions) as session:
        found = await session.scalars(sa.select(RecordingRow).order_by(RecordingRow.started_at))
        told = [(one.id, one.started_at, one.post_id) for one in found]
    # Nobody held the camera in the year 2000: whose it is a person says, and no date shortens it.
    assert told == [
        (behind.recording_id, CLOCK_ZERO + timedelta(hours=1), None),
        (before.recording_id, bodycam.STARTED_AT, yard.post_id),
    ]

import json
import os
import subprocess
import sys
import threading
import time
from uuid import UUID, uuid4

import pytest

from bodycam.field.bay import (
    RECORDINGS_MAX,
    BlocksNotReadable,
    CameraNotReadable,
    Place,
    half_wiped,
    look_into,
    places_in,
    wipe,
)
from bodycam.field.journal import Journal, JournalNotValid
from bodycam.field.server import Throttle
from sim.camera import Camera, change_byte, cut_short
from sim.card import BadSectors
from tests.factories_bodycam import SECONDS, STARTED_AT, footage

ID = uuid4()


@pytest.fixture
def recorded(tmp_path):
    return Camera(camera_id=uuid4()).record(
        bay=tmp_path / "bay-01", footage=footage(), started_at=STARTED_AT, seconds=SECONDS
    )


def test_a_journal_remembers(tmp_path):
    first = Journal(tmp_path / "journal")
    first.pin("key")
    first.announced(ID, bay="bay-01")
    first.keep_receipt(ID, {"receipt": 1})
    first.wiped(ID)
    first.refused(ID, "code")

    second = Journal(tmp_path / "journal")

    assert second.receipt_key == "key"
    assert second.receipt_of(ID) == {"receipt": 1}
    assert second.is_wiped(ID)
    assert second.refusal_of(ID) == "code"


def test_refusals_can_be_tried_again(tmp_path):
    journal = Journal(tmp_path / "journal")
    journal.refused(ID, "code")

    journal.retry_refused()

    assert Journal(tmp_path / "journal").refusal_of(ID) is None


@pytest.mark.parametrize("torn", [b"{", b'{"fact":"pinned","receipt_key":"other"}', b"\x00" * 40])
def test_a_torn_last_line_is_cut_off_and_writing_goes_on(tmp_path, torn):
    path = tmp_path / "journal"
    Journal(path).pin("key")
    with path.open("ab") as file:
        file.write(torn)

    journal = Journal(path)
    journal.refused(ID, "code")

    again = Journal(path)
    assert (again.receipt_key, again.refusal_of(ID)) == ("key", "code")


def test_a_journal_damaged_in_its_middle_is_told(tmp_path):
    path = tmp_path / "journal"
    path.write_bytes(b'garbage\n{"fact":"pinned","receipt_key":"k"}\n')

    with pytest.raises(JournalNotValid):
        Journal(path)


@pytest.fixture
def no_room(tmp_path):
    """A file may grow no further: what a full disk does to a write, in a process of its own."""

    def run(room):
        script = (
            "import resource, signal, sys, uuid\n"
            "from pathlib import Path\n"
            "from bodycam.field.journal import Journal, JournalFull\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "room, path = int(sys.argv[1]), Path(sys.argv[2])\n"
            "journal = Journal(path)\n"
            "size = path.stat().st_size\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, -1))\n"
            "try:\n"
            "    journal.announced(uuid.UUID(int=1), bay='bay-01')\n"
            "except JournalFull as full:\n"
            "    print(full)\n"
            "print(path.stat().st_size - size)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))\n"
            "journal.refused(uuid.UUID(int=2), 'code')\n"
        )
        return subprocess.run(
            [sys.executable, "-c", script, str(room), str(tmp_path / "journal")],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()

    return run


@pytest.mark.parametrize("room", [0, 1, 40])
def test_a_full_disk_leaves_no_half_line_and_writing_goes_on_when_there_is_room(
    tmp_path, no_room, room
):
    path = tmp_path / "journal"
    Journal(path).pin("key")

    told, left = no_room(room)

    assert "takes no line" in told
    assert "make room" in told
    assert left == "0"
    again = Journal(path)
    assert (again.receipt_key, again.refusal_of(UUID(int=2))) == ("key", "code")


def test_a_bay_shows_the_recording(recorded):
    found = look_into(Place(recorded.folder, "bay-01"))

    assert found.manifest == recorded.manifest
    assert found.root() == recorded.manifest.merkle_root
    assert found.differing_blocks() == found.cut_blocks() == ()
    assert not found.truncated


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig"])
def test_a_camera_that_still_writes_is_left_alone(recorded, name):
    (recorded.folder / name).unlink()

    assert look_into(Place(recorded.folder, "bay-01")) is None


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[1]"])
def test_a_manifest_that_cannot_be_read_is_told(recorded, content):
    (recorded.folder / "manifest.json").write_bytes(content)

    with pytest.raises(CameraNotReadable):
        look_into(Place(recorded.folder, "bay-01"))


def test_a_link_in_place_of_a_file_is_not_followed(recorded, tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"not the camera's")
    (recorded.folder / "recording.mp4").unlink()
    (recorded.folder / "recording.mp4").symlink_to(outside)

    with pytest.raises(CameraNotReadable):
        look_into(Place(recorded.folder, "bay-01"))


def test_a_cut_file_declares_its_last_block(recorded):
    cut_short(recorded, keep_bytes=1000)

    found = look_into(Place(recorded.folder, "bay-01"))

    assert found.truncated
    assert [block.number for block in found.cut_blocks()] == [0]


def test_a_changed_byte_is_found_by_reading_all(recorded):
    change_byte(recorded, at_byte=5000)

    found = look_into(Place(recorded.folder, "bay-01"))

    assert found.cut_blocks() == ()
    assert [block.number for block in found.differing_blocks()] == [0]


def test_a_block_that_the_server_holds_is_not_found_to_differ_where_the_card_fails(
    recorded, monkeypatch
):
    found = look_into(Place(recorded.folder, "bay-01"))
    monkeypatch.setattr(os, "pread", BadSectors(0))

    assert found.differing_blocks({0: recorded.manifest.blocks[0]}) == ()
    with pytest.raises(BlocksNotReadable):
        found.differing_blocks()


def test_recordings_lie_on_the_camera_or_each_in_a_folder_of_it(tmp_path):
    bay = tmp_path / "bay-01"
    for name in ("0002", "0001"):
        (bay / name).mkdir(parents=True)
    (bay / "away").symlink_to(tmp_path)
    (bay / "manifest.json").touch()

    assert [one.name for one in places_in(bay)] == ["bay-01", "bay-01/0001", "bay-01/0002"]


def test_a_camera_with_folders_without_end_is_left(tmp_path):
    for number in range(RECORDINGS_MAX + 1):
        (tmp_path / str(number)).mkdir()

    with pytest.raises(CameraNotReadable, match="folders"):
        places_in(tmp_path)


def test_wiping_leaves_the_receipt_and_nothing_else(recorded):
    wipe(recorded.folder, receipt={"receipt": 1})

    assert [path.name for path in recorded.folder.iterdir()] == ["wiped.json"]
    assert json.loads((recorded.folder / "wiped.json").read_bytes()) == {"receipt": 1}


def test_a_wipe_cut_off_can_be_known_and_finished(recorded):
    (recorded.folder / "recording.mp4").unlink()
    assert half_wiped(recorded.folder)

    wipe(recorded.folder, receipt={"receipt": 1})

    assert not half_wiped(recorded.folder)
    assert [path.name for path in recorded.folder.iterdir()] == ["wiped.json"]


def test_a_new_recording_after_a_wipe_is_seen(recorded):
    wipe(recorded.folder, receipt={"receipt": 1})

    again = Camera(camera_id=uuid4()).record(
        bay=recorded.folder, footage=footage(), started_at=STARTED_AT, seconds=SECONDS
    )

    assert look_into(Place(recorded.folder, "bay-01")).manifest == again.manifest


def test_no_limit_means_no_waiting():
    throttle = Throttle(0)

    throttle.wait(10**15)

    assert throttle._rate == 0


def test_a_throttle_lets_no_more_through_than_its_rate_however_many_threads_send():
    throttle = Throttle(1_000_000)

    def send():
        for _ in range(4):
            throttle.wait(25_000)

    threads = [threading.Thread(target=send) for _ in range(4)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert time.monotonic() - began >= 0.399  # 400,000 bytes; a busy machine takes longer

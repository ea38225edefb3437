"""What is made of a recording, in a real browser at the running server and its worker."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from sim.district import REVIEWER
from sim.player import open_player
from sim.signed_video import write_mp4
from tests import factories_bodycam as bodycam
from tests.factories_media import brightening_footage, broken_off, plain_footage
from tests.factories_stage import dock_said
from tests.factories_video import signed, with_byte_changed

SECONDS = 5 * 60
PICTURE = """
(seconds) => new Promise((resolve, reject) => {
  const began = performance.now();
  const seek = document.querySelector('#seek');
  const box = seek.getBoundingClientRect();
  const look = () => {
    const at = { clientX: box.left + box.width * seconds / Number(seek.max), clientY: box.top + 5 };
    seek.dispatchEvent(new PointerEvent('pointermove', at));
    const picture = document.querySelector('#peek-picture');
    if (!picture.hidden && picture.style.backgroundImage) resolve(picture.style.backgroundImage);
    else if (performance.now() - began > 20000) reject(new Error('no picture in 20 s'));
    else setTimeout(look, 100);
  };
  look();
})
"""
SHIFT = """
([address, seconds]) => new Promise((resolve, reject) => {
  const video = document.querySelector('#player');
  setTimeout(() => reject(new Error('no frame there in 20 s')), 20000);
  video.addEventListener('loadeddata', () => {
    const length = video.duration;
    video.requestVideoFrameCallback((now, frame) => {
      resolve({ length, mediaTime: frame.mediaTime, at: video.currentTime });
    });
    video.currentTime = seconds;
  }, { once: true });
  video.src = address;
  video.load();
})
"""
SHADES = """
(address) => new Promise((resolve, reject) => {
  const video = document.querySelector('#player');
  const canvas = new OffscreenCanvas(8, 8).getContext('2d', { willReadFrequently: true });
  const seen = [];
  setTimeout(() => reject(new Error(`${seen.length} pictures in 30 s`)), 30000);
  const look = (now, frame) => {
    canvas.drawImage(video, 0, 0, 8, 8);
    seen.push([frame.mediaTime, canvas.getImageData(4, 4, 1, 1).data[0]]);
    if (seen.length === 60) resolve(seen);
    else video.requestVideoFrameCallback(look);
  };
  video.muted = true;
  video.playbackRate = 0.25;  // so that no picture is passed over
  video.requestVideoFrameCallback(look);
  video.src = address;
  video.play();
})
"""


def docked(street, path, seconds, **more):
    recorded, dock = street.record(path, seconds=seconds, **more)
    dock.start()
    assert dock.wait() == 0, dock_said(dock)
    return recorded


@pytest.mark.browser
def test_a_plain_file_plays_and_seeks(street, tmp_path):
    recorded = docked(street, plain_footage(SECONDS), SECONDS)

    with open_player(street.stage.base_url, sign=str) as player:
        player.sign_in(REVIEWER.iin)
        path = f"/console/recordings/{recorded.recording_id}"
        seen = player.watch(path, seek_to_seconds=200, picture=tmp_path / "page.png")

    assert abs(seen.seek_landed_seconds - 200) < 1
    assert abs(seen.duration_seconds - SECONDS) < 2


@pytest.mark.browser
def test_small_pictures_stand_over_the_strip_soon_after_docking(street, tmp_path):
    recorded = docked(street, bodycam.footage(SECONDS), SECONDS)

    with open_player(street.stage.base_url, sign=str) as player:
        player.sign_in(REVIEWER.iin)
        path = f"/console/recordings/{recorded.recording_id}"
        for _ in range(20):
            player.look(path, picture=tmp_path / "page.png")
            try:
                found = player.page.evaluate(PICTURE, 100)
                break
            except Exception:  # noqa: BLE001 - asked again: the worker may be busy
                found = ""

    assert f"{recorded.recording_id}/sheets/" in found


@pytest.mark.browser
def test_the_page_of_a_changed_recording_shows_where(street, tmp_path):
    video = write_mp4(with_byte_changed(signed(), 57), tmp_path / "v.mp4", codec="h264")
    recorded = docked(street, video, 12)
    # The worker may have the films of other tests before it.
    street.log.wait("bodycam.recording_examined", recording_id=str(recorded.recording_id))

    with open_player(street.stage.base_url, sign=str) as player:
        player.sign_in(REVIEWER.iin)
        path = f"/console/recordings/{recorded.recording_id}"
        for _ in range(40):
            player.look(path, picture=tmp_path / "page.png")
            if player.page.locator("rect.changed").count():
                break
            player.page.wait_for_timeout(500)
        said = player.page.locator(".about .notice.bad").inner_text()

    assert "после того, как камера их подписала" in said


@pytest.mark.browser
def test_a_shift_plays_over_the_seam_of_two_recordings(street):
    began = datetime.now(UTC) - timedelta(minutes=30)
    first = docked(street, bodycam.footage(SECONDS), SECONDS, started_at=began)
    later = began + timedelta(seconds=SECONDS + 30)
    docked(street, plain_footage(SECONDS), SECONDS, started_at=later)

    with open_player(street.stage.base_url, sign=str) as player:
        player.sign_in(REVIEWER.iin)
        player.page.goto(f"{street.stage.base_url}/console/recordings/{first.recording_id}")
        address = f"/api/recordings/{first.recording_id}/shift.m3u8"
        seen = player.page.evaluate(SHIFT, [address, SECONDS + 100])

    assert seen["length"] > 2 * SECONDS


@pytest.mark.browser
def test_what_a_camera_left_that_lost_power_plays_and_seeks(street, tmp_path):
    began = datetime.now(UTC) - timedelta(minutes=50)
    docked(street, bodycam.footage(SECONDS), SECONDS, started_at=began)  # its pictures are alike
    path = tmp_path / "lost.mp4"
    path.write_bytes(broken_off(plain_footage(SECONDS).read_bytes(), at=0.9))
    later = began + timedelta(seconds=SECONDS + 60)
    recorded = docked(street, path, SECONDS, started_at=later)
    street.log.wait("bodycam.recording_restored", recording_id=str(recorded.recording_id))

    with open_player(street.stage.base_url, sign=str) as player:
        player.sign_in(REVIEWER.iin)
        page = f"/console/recordings/{recorded.recording_id}"
        seen = player.watch(page, seek_to_seconds=200, picture=tmp_path / "page.png")
        said = player.page.locator(".about").inner_text()

    assert abs(seen.seek_landed_seconds - 200) < 1
    assert 0.85 * SECONDS < seen.duration_seconds < 0.95 * SECONDS
    assert "звук утрачен" in said


@pytest.mark.browser
def test_pictures_coded_ahead_are_shown_in_their_turn(street, tmp_path):
    """Each is brighter than the one before: in the order they were coded they would flicker."""
    seconds, began = 20, datetime.now(UTC) - timedelta(minutes=70)
    whole = docked(street, brightening_footage(seconds), seconds, started_at=began)
    path = tmp_path / "lost.mp4"
    path.write_bytes(broken_off(brightening_footage(seconds).read_bytes()))
    later = began + timedelta(seconds=seconds + 30)
    restored = docked(street, path, seconds, started_at=later)
    street.log.wait("bodycam.recording_restored", recording_id=str(restored.recording_id))

    with open_player(street.stage.base_url, sign=str) as player:
        player.sign_in(REVIEWER.iin)
        for recorded in (whole, restored):
            player.page.goto(f"{street.stage.base_url}/console/recordings/{recorded.recording_id}")
            address = f"/api/recordings/{recorded.recording_id}/playlist.m3u8"
            seen = player.page.evaluate(SHADES, address)
            steps = [
                (after[1] - before[1], round((after[0] - before[0]) * 25))
                for before, after in pairwise(seen)
            ]
            assert sum(1 for shades, pictures in steps if shades > 0 < pictures) >= len(steps) - 3

"""The player's page at the running server: signed in by the signer, first frame, seek, picture."""

import io

import httpx
import pytest
from PIL import Image

from sim.district import REVIEWER
from sim.player import FfmpegPlayer, open_player
from tests import factories_bodycam as bodycam
from tests.factories_stage import dock_said

SECONDS = 20 * 60
SEEK_TO = 15 * 60
SEGMENT_SECONDS = 7  # ffmpeg decodes the first frame of the segment
ADVANCES = """
() => new Promise((resolve, reject) => {
  const video = document.querySelector('#player');
  const from = video.currentTime;
  const timer = setTimeout(() => reject(new Error('it stands still')), 20000);
  video.addEventListener('timeupdate', () => {
    if (video.currentTime > from + 1) { clearTimeout(timer); resolve(video.currentTime - from); }
  });
  video.play();
})
"""


@pytest.fixture(scope="module")
def docked(street):
    """A recording of 20 minutes, docked a moment ago."""
    recorded, dock = street.record(bodycam.footage(SECONDS), seconds=SECONDS)
    dock.start()
    assert dock.wait() == 0, dock_said(dock)
    return recorded


def colourful(picture):
    """Return which share of the pixels has a colour: black, grey and white have none."""
    with Image.open(picture) as image:
        saturation = image.convert("HSV").resize((160, 90)).getchannel("S").tobytes()
    return sum(one > 96 for one in saturation) / len(saturation)


@pytest.mark.browser
def test_the_page_plays_in_chromium_seeks_within_two_seconds_and_goes_on(street, docked, tmp_path):
    viewed = street.log.count("bodycam.recording_viewed")

    with open_player(street.stage.base_url, sign=str) as player:
        player.sign_in(REVIEWER.iin)
        seen = player.watch(
            f"/console/recordings/{docked.recording_id}",
            seek_to_seconds=SEEK_TO,
            picture=tmp_path / "page.png",
        )
        picture = io.BytesIO(player.page.locator("#player").screenshot())
        advanced = player.page.evaluate(ADVANCES)

    assert player.name == "chromium"
    assert seen.duration_seconds == pytest.approx(SECONDS, abs=2)
    assert seen.seek_landed_seconds == pytest.approx(SEEK_TO, abs=5)
    assert seen.seek_ms > 0
    assert advanced > 1
    assert colourful(picture) > 0.25
    assert street.log.count("bodycam.recording_viewed") == viewed + 1


def test_without_a_browser_the_same_byte_ranges_decode_to_a_picture(street, docked, tmp_path):
    picture = tmp_path / "frame.png"

    with httpx.Client(base_url=street.stage.base_url, timeout=60) as client:
        player = FfmpegPlayer(client, lambda _iin: street.stage.staff_client(REVIEWER).token)
        player.sign_in(REVIEWER.iin)
        seen = player.watch(
            f"/console/recordings/{docked.recording_id}", seek_to_seconds=SEEK_TO, picture=picture
        )

    assert seen.duration_seconds == pytest.approx(SECONDS, abs=2)
    assert seen.seek_landed_seconds == pytest.approx(SEEK_TO, abs=SEGMENT_SECONDS)
    assert seen.seek_ms > 0
    assert colourful(picture) > 0.25

"""A shift in a real browser: by its own HLS, and by hls.js where it has none."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from sim.district import REVIEWER
from sim.player import open_player
from tests import factories_bodycam as bodycam
from tests.factories_stage import dock_said

SECONDS = 120
GAP = 60
NO_HLS = "HTMLMediaElement.prototype.canPlayType = () => ''"
GO = """
(seconds) => new Promise((resolve, reject) => {
  const video = document.querySelector('#player');
  const seek = document.querySelector('#seek');
  setTimeout(() => reject(new Error('no frame there in 20 s')), 20000);
  const look = () => {
    if (Math.abs(video.currentTime - seconds) < 2) {
      resolve({ clock: document.querySelector('#clock').textContent, from: video.currentSrc });
    } else { video.requestVideoFrameCallback(look); }
  };
  video.requestVideoFrameCallback(look);
  seek.value = String(seconds);
  seek.dispatchEvent(new Event('input'));
  seek.dispatchEvent(new Event('change'));
})
"""
PLAY_UNTIL = """
(seconds) => new Promise((resolve, reject) => {
  const video = document.querySelector('#player');
  setTimeout(() => reject(new Error(`still at ${video.currentTime}`)), 20000);
  video.addEventListener('timeupdate', () => {
    if (video.currentTime >= seconds) resolve(video.currentTime);
  });
  video.muted = true;
  video.play();
})
"""


@pytest.fixture(scope="module")
def street(own_street):
    """A camera of its own: what other tests record would lie in the gap."""
    return own_street


@pytest.fixture(scope="module")
def shift(street):
    began = datetime.now(UTC) - timedelta(minutes=20)
    made = []
    for number in range(2):
        recorded, dock = street.record(
            bodycam.footage(SECONDS),
            seconds=SECONDS,
            started_at=began + number * timedelta(seconds=SECONDS + GAP),
        )
        dock.start()
        assert dock.wait() == 0, dock_said(dock)
        made.append(recorded)
    return made


@pytest.mark.browser
@pytest.mark.player
@pytest.mark.parametrize(("script", "from_"), [("", "http:"), (NO_HLS, "blob:")])
def test_a_shift_plays_over_its_gap_with_and_without_hls_of_the_browser(
    street, shift, script, from_
):
    with open_player(street.stage.base_url, sign=str) as player:
        player.sign_in(REVIEWER.iin)
        player.page.add_init_script(script or "void 0")
        player.page.goto(
            f"{street.stage.base_url}/console/recordings/{shift[0].recording_id}/shift"
        )
        player.page.locator("#player").wait_for()
        found = player.page.evaluate(GO, SECONDS - 3)
        behind = player.page.evaluate(PLAY_UNTIL, SECONDS + GAP + 1)

    assert found["from"].startswith(from_)
    assert SECONDS + GAP < behind < 2 * SECONDS + GAP


@pytest.mark.browser
@pytest.mark.player
def test_a_second_chosen_before_the_player_has_come_is_gone_to(street, shift):
    def late(route):
        time.sleep(2)
        route.continue_()

    with open_player(street.stage.base_url, sign=str) as player:
        player.sign_in(REVIEWER.iin)
        player.page.add_init_script(NO_HLS)
        player.page.route("**/static/hls*", late)
        player.page.goto(
            f"{street.stage.base_url}/console/recordings/{shift[0].recording_id}/shift"
        )
        player.page.locator("#player").wait_for()
        found = player.page.evaluate(GO, SECONDS - 3)

    assert found["from"].startswith("blob:")


@pytest.mark.browser
def test_a_browser_with_neither_is_told_so(street, shift):
    with open_player(street.stage.base_url, sign=str) as player:
        player.sign_in(REVIEWER.iin)
        player.page.add_init_script(NO_HLS)
        player.page.route("**/static/hls*", lambda route: route.abort())
        player.page.goto(f"{street.stage.base_url}/console/recordings/{shift[0].recording_id}")
        player.page.locator("#no-hls").wait_for(state="visible")
        told = player.page.locator("#no-hls").inner_text()

    assert "HLS" in told

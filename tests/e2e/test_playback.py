"""A browser's own HLS player over the stored file: first frame, then a seek far ahead."""

import httpx
import pytest
from playwright.async_api import async_playwright

from sim.camera import make_footage
from sim.district import REVIEWER
from sim.player import find_browser
from tests import factories_bodycam as bodycam
from tests.factories_dock import Agent, Server, wiped
from tests.factories_identity import answer_challenge, trust_the_authority

SECONDS = 20 * 60
SEEK_TO = 15 * 60
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --autoplay-policy=no-user-gesture-required"
)
PLAY = """
async ([url, seek]) => {
  const video = document.createElement('video');
  video.muted = true;
  document.body.append(video);
  const frame = (wanted) => new Promise((done, failed) => {
    const timer = setTimeout(
      () => failed(`no frame at ${wanted}: ${video.error && video.error.message}`), 20000);
    const look = (now, shown) => {
      if (Math.abs(shown.mediaTime - wanted) > 3) return video.requestVideoFrameCallback(look);
      clearTimeout(timer);
      done(shown.mediaTime);
    };
    video.requestVideoFrameCallback(look);
  });
  const began = performance.now();
  const first = frame(0);
  video.src = url;
  video.play();
  await first;
  const first_frame_ms = performance.now() - began;
  const sought = performance.now();
  const shown = frame(seek);
  video.currentTime = seek;
  const media_time = await shown;
  return { first_frame_ms, seek_ms: performance.now() - sought, media_time,
           duration: video.duration };
}
"""


@pytest.fixture
async def yard(sessions, tmp_path, settings):
    trust_the_authority(settings)
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
def server(settings, database_url):
    server = Server(settings, database_url).start()
    yield server
    server.kill()


async def session_token(url):
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        answer = await answer_challenge(client, REVIEWER)
        return answer.json()["token"]


@pytest.mark.browser
async def test_a_docked_recording_plays_and_seeks_in_a_browser(server, yard, tmp_path):
    browser_path = find_browser()
    assert browser_path, "install Chromium to run the browser test"
    footage = make_footage(folder=tmp_path / "footage", seconds=SECONDS)
    recorded = yard.record(footage_file=footage, seconds=SECONDS)
    assert Agent(server.url, yard, tmp_path / "dock").run() == 0
    assert wiped(recorded)["whole"] is True

    cookie = {"name": "saqshy_session", "value": await session_token(server.url)}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=browser_path, args=ARGUMENTS.split()
        )
        context = await browser.new_context()
        await context.add_cookies([{**cookie, "url": server.url}])
        page = await context.new_page()
        await page.goto(f"{server.url}/health")
        path = f"/api/recordings/{recorded.recording_id}/playlist.m3u8"
        seen = await page.evaluate(PLAY, [path, SEEK_TO])
        await browser.close()

    assert seen["duration"] == pytest.approx(SECONDS, abs=2)
    assert seen["media_time"] == pytest.approx(SEEK_TO, abs=3)
    viewed = await bodycam.events(yard.sessions, "bodycam.recording_viewed")
    assert len(viewed) == 1

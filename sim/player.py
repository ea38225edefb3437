"""The viewer at the desk: plays footage in Chromium, or decodes the same byte ranges by ffmpeg.

with open_player(base_url) as player:
    player.sign_in(iin)
    seen = player.watch(recording_path, seek_to_seconds=6 * 3600, picture=Path("seen.png"))
"""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urljoin

import ffmpeg
import httpx
import imageio_ffmpeg
from playwright.sync_api import Page, sync_playwright

_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
_WAIT_MS: Final = 20_000
# Runs in the page: when the first frame of the video was shown, since the page was asked for.
_WATCH_FIRST_FRAME: Final = """
document.addEventListener('DOMContentLoaded', () => {
  const video = document.querySelector('#player');
  if (!video) return;
  video.muted = true;
  video.requestVideoFrameCallback((now, frame) => {
    window.firstFrame = { ms: performance.now(), mediaTime: frame.mediaTime };
  });
});
"""
# A promise and not a polled expression: the page's policy forbids to evaluate text.
_FIRST_FRAME: Final = """
() => new Promise((resolve, reject) => {
  const began = performance.now();
  const look = () => {
    if (window.firstFrame) { resolve(window.firstFrame); }
    else if (performance.now() - began > 20000) { reject(new Error('no frame in 20 s')); }
    else { setTimeout(look, 5); }
  };
  look();
})
"""
# The page itself recovers from a playback error by loading anew: only silence is a failure.
_SEEK: Final = """
(seconds) => new Promise((resolve, reject) => {
  const video = document.querySelector('#player');
  const began = performance.now();
  setTimeout(() => reject(new Error('no frame there in 20 s')), 20000);
  const look = (now, frame) => {
    if (Math.abs(frame.mediaTime - seconds) < 5) {
      resolve({ ms: performance.now() - began, mediaTime: frame.mediaTime,
                duration: video.duration, width: video.videoWidth });
    } else { video.requestVideoFrameCallback(look); }
  };
  video.requestVideoFrameCallback(look);
  video.currentTime = seconds;
})
"""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the viewer saw, and how long it took."""

    first_frame_ms: float
    seek_ms: float
    seek_landed_seconds: float
    duration_seconds: float


class Player(Protocol):
    """A viewer: ``name`` is what the summary states."""

    name: str

    def sign_in(self, iin: str) -> None:
        """Sign in at the page (or by the API) as the member of staff."""

    def look(self, path: str, *, picture: Path) -> None:
        """Open a page and keep what it shows."""

    def watch(self, path: str, *, seek_to_seconds: float, picture: Path) -> Seen:
        """Open the recording's page, see the first frame, seek, keep a picture of the page."""


def find_browser() -> str | None:
    """Return a Chromium that really starts (a package may be an empty stub), or ``None``."""
    for name in _BROWSERS:
        path = shutil.which(name)
        if path is None:
            continue
        done = subprocess.run([path, "--version"], capture_output=True, check=False)  # noqa: S603 - found by name
        if done.returncode == 0:
            return path
    return None


@contextmanager
def open_player(base_url: str, *, sign: Callable[[str], str]) -> Iterator[Player]:
    """Yield the best viewer of this machine.

    Args:
        base_url: where the server answers.
        sign: signs in over the API as the person with this IIN and returns the session's token;
            used where there is no browser.
    """
    browser = find_browser()
    if browser is None:
        with httpx.Client(base_url=base_url, timeout=30) as client:
            yield FfmpegPlayer(client, sign)
        return
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=browser, headless=True, args=list(_ARGUMENTS)
        ) as chromium,
    ):
        context = chromium.new_context(
            locale="ru-RU", timezone_id="Asia/Almaty", viewport={"width": 1280, "height": 860}
        )
        page = context.new_page()
        page.set_default_timeout(_WAIT_MS)
        yield ChromiumPlayer(page, base_url)


class ChromiumPlayer:
    """A person at a real browser: the pages, the signer and the HLS player are the real ones."""

    name = "chromium"

    def __init__(self, page: Page, base_url: str) -> None:
        self.page = page
        self._base_url = base_url

    def sign_in(self, iin: str) -> None:
        """Sign in at the page; the simulated signer holds the key."""
        self.page.goto(urljoin(self._base_url, "/sign-in"))
        self.page.fill("input[name=iin]", iin)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(urljoin(self._base_url, "/"))

    def look(self, path: str, *, picture: Path) -> None:
        """Open a page and keep a picture of it."""
        self.page.goto(urljoin(self._base_url, path))
        self.page.screenshot(path=str(picture), full_page=True)

    def watch(self, path: str, *, seek_to_seconds: float, picture: Path) -> Seen:
        """Open the player's page; both times are taken inside the page."""
        self.page.add_init_script(_WATCH_FIRST_FRAME)
        self.page.goto(urljoin(self._base_url, path))
        first = self.page.evaluate(_FIRST_FRAME)
        seek = self.page.evaluate(_SEEK, seek_to_seconds)
        self.page.screenshot(path=str(picture), full_page=True)
        return Seen(
            first_frame_ms=first["ms"],
            seek_ms=seek["ms"],
            seek_landed_seconds=seek["mediaTime"],
            duration_seconds=seek["duration"],
        )


@dataclass(frozen=True)
class _Range:
    uri: str
    offset: int
    length: int
    begins: float
    lasts: float


class FfmpegPlayer:
    """Where no browser is: fetches the byte ranges a browser would and decodes a frame of each."""

    name = "ffmpeg"

    def __init__(self, client: httpx.Client, sign: Callable[[str], str]) -> None:
        self._client = client
        self._sign = sign

    def sign_in(self, iin: str) -> None:
        """Sign in over the API; the cookie is what a browser would hold."""
        self._client.cookies.set("saqshy_session", self._sign(iin))

    def look(self, path: str, *, picture: Path) -> None:
        """Fetch a page; its source stands in for the picture."""
        answer = self._client.get(path, headers={"Accept": "text/html"}).raise_for_status()
        picture.with_suffix(".html").write_text(answer.text, encoding="utf-8")

    def watch(self, path: str, *, seek_to_seconds: float, picture: Path) -> Seen:
        """Open the page and its playlist; decode a frame at the start and one at the seek."""
        began = time.perf_counter()
        self.look(path, picture=picture)
        recording_id = path.split("?", maxsplit=1)[0].rstrip("/").rsplit("/", 1)[-1]
        address = f"/api/recordings/{recording_id}/playlist.m3u8"
        playlist = self._client.get(address).raise_for_status().text
        header, segments = parse_playlist(playlist, base=address)
        self._decode(header, segments[0], picture)
        first_frame_ms = (time.perf_counter() - began) * 1000
        began = time.perf_counter()
        wanted = next(s for s in segments if s.begins + s.lasts > seek_to_seconds)
        self._decode(header, wanted, picture)
        return Seen(
            first_frame_ms=first_frame_ms,
            seek_ms=(time.perf_counter() - began) * 1000,
            seek_landed_seconds=wanted.begins,
            duration_seconds=segments[-1].begins + segments[-1].lasts,
        )

    def _fetch(self, part: _Range) -> bytes:
        last = part.offset + part.length - 1
        answer = self._client.get(part.uri, headers={"Range": f"bytes={part.offset}-{last}"})
        if answer.status_code != httpx.codes.PARTIAL_CONTENT or len(answer.content) != part.length:
            raise ValueError(f"asked for {part.length} bytes, got status {answer.status_code}")
        return answer.content

    def _decode(self, header: _Range, segment: _Range, picture: Path) -> None:
        data = self._fetch(header) + self._fetch(segment)
        stream = ffmpeg.input("pipe:", format="mp4").output(
            "pipe:", vframes=1, format="image2", vcodec="png"
        )
        out, _ = stream.global_args("-nostdin", "-loglevel", "error").run(
            cmd=imageio_ffmpeg.get_ffmpeg_exe(), input=data, capture_stdout=True
        )
        if not out:
            raise ValueError("the byte range holds no picture")
        picture.write_bytes(out)


def parse_playlist(text: str, *, base: str) -> tuple[_Range, list[_Range]]:
    """Return the initialisation range and the media ranges of a byte-range playlist."""
    header: _Range | None = None
    segments: list[_Range] = []
    lasts, offset, length, at = 0.0, 0, 0, 0.0
    for line in text.splitlines():
        if line.startswith("#EXT-X-MAP:"):
            fields = _attributes(line.partition(":")[2])
            size, _, start = fields["BYTERANGE"].partition("@")
            header = _Range(urljoin(base, fields["URI"]), int(start or 0), int(size), 0, 0)
        elif line.startswith("#EXTINF:"):
            lasts = float(line.partition(":")[2].rstrip(",").split(",")[0])
        elif line.startswith("#EXT-X-BYTERANGE:"):
            size, _, start = line.partition(":")[2].partition("@")
            offset, length = int(start) if start else offset + length, int(size)
        elif line and not line.startswith("#"):
            segments.append(_Range(urljoin(base, line), offset, length, at, lasts))
            at += lasts
    if header is None or not segments:
        raise ValueError(f"not a byte-range playlist: {json.dumps(text[:80])}")
    return header, segments


def _attributes(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(","))
    return {name.strip(): value.strip().strip('"') for name, _, value in pairs}

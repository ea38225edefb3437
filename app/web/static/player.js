// The player: clock, strip, jumps and speed around a video that the page itself has begun to load.
// Everything here counts seconds by the clock, since the start; only `pieces` knows the video's.
// The page of a shift adds to it what is its own (shift.js).

import { Clock } from "./clock.js";
import { Pieces } from "./pieces.js";
import { Fed, isNative } from "./source.js";
import { Storyboards } from "./storyboard.js";

const PEEK_MARGIN_PX = 36;
const GAP_NEAR_SECONDS = 0.3; // a player stops a frame or two before a gap
const SEGMENT_SECONDS = 6; // of the playlist: what a damaged part costs at least
const FAILURES_MAX = 20; // in a row; then waiting longer helps nobody
const CALM_MS = 10_000; // a failure after this is not of the same row
export const video = document.querySelector("#player");
const seek = document.querySelector("#seek");
const peek = document.querySelector("#peek");
const peekPicture = document.querySelector("#peek-picture");
export const storyboards = new Storyboards(JSON.parse(peekPicture.dataset.storyboards));
const toggle = document.querySelector("#toggle");
const shownClock = document.querySelector("#clock");
const shownDay = document.querySelector("#clock-day");
const shownOffset = document.querySelector("#offset");
export const clock = new Clock(video.dataset.start, JSON.parse(video.dataset.zones));
const mark = Number(video.dataset.at);
const broken = video.hasAttribute("data-broken");
const pieces = new Pieces(JSON.parse(video.dataset.pieces));
const gaps = JSON.parse(video.dataset.gaps ?? "[]"); // by the clock: nothing is there to be seen

let failures = 0;
let failedAt = 0;
let dragging = false;
let wanted = null; // where to go once the seek under way is done
let fed = null; // where the browser has no HLS of its own
let coming = !isNative(video); // until its player has something, there is nowhere to go yet

if (isNative(video)) {
  video.addEventListener("error", failed);
  if (video.error) failed(); // before this module ran
} else {
  feed();
}

if (broken) {
  // The page's address names no second: the browser would take it for one of the player.
  video.addEventListener("loadeddata", () => go(wanted ?? mark), { once: true });
}
video.addEventListener("timeupdate", passGap);
for (const name of ["timeupdate", "seeked", "loadeddata"]) video.addEventListener(name, draw);
for (const name of ["play", "pause", "ended"]) video.addEventListener(name, drawToggle);
video.addEventListener("seeked", () => {
  if (wanted === null) return;
  const next = wanted;
  wanted = null;
  go(next);
});

toggle.addEventListener("click", playOrPause);
for (const button of document.querySelectorAll("[data-jump]")) {
  button.addEventListener("click", () => go(here() + Number(button.dataset.jump)));
}
document.querySelector("#to-mark")?.addEventListener("click", () => go(mark));
document.querySelector("#speed").addEventListener("change", (event) => {
  video.playbackRate = Number(event.target.value);
});

seek.addEventListener("input", () => {
  dragging = true;
  go(Number(seek.value));
  showPeek(Number(seek.value));
});
seek.addEventListener("change", () => {
  dragging = false;
  peek.hidden = true;
  peekPicture.hidden = true;
});
seek.addEventListener("pointermove", (event) => {
  const box = seek.getBoundingClientRect();
  const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
  showPeek(share * Number(seek.max));
});
seek.addEventListener("pointerleave", () => {
  peek.hidden = true;
  peekPicture.hidden = true;
});
seek.addEventListener("keydown", (event) => {
  const step = {
    ArrowLeft: -10, ArrowDown: -10, ArrowRight: 10, ArrowUp: 10, PageDown: -600, PageUp: 600,
  }[event.key];
  const target = { Home: 0, End: Number(seek.max) }[event.key] ?? (step && here() + step);
  if (target === undefined && event.key !== " ") return;
  event.preventDefault();
  if (event.key === " ") playOrPause();
  else go(target);
});

draw();
drawToggle();

/** The second that is shown, or gone to. */
export function here() {
  return wanted ?? pieces.clockOf(video.currentTime);
}

/** Go to a second. Seeks come faster than frames: only the last one asked for is gone to. */
export function go(seconds) {
  const target = Math.min(Math.max(seconds, 0), Number(seek.max));
  if (video.seeking || coming) wanted = target;
  else video.currentTime = pieces.playedOf(target);
  draw();
}

async function feed() {
  fed = await Fed.open(video, { startSeconds: broken ? 0 : mark, failed });
  if (!fed) reveal("#no-hls");
  else video.addEventListener("loadeddata", come, { once: true });
}

function come() {
  coming = false;
  const next = wanted;
  wanted = null;
  if (next !== null) go(next);
}

// A player waits for ever at the beginning of a gap: it is sent on behind it.
function passGap() {
  if (video.seeking || video.paused) return;
  const seconds = here();
  const gap = gaps.find(([begins, ends]) => begins - GAP_NEAR_SECONDS <= seconds && seconds < ends);
  if (gap) go(gap[1] + GAP_NEAR_SECONDS);
}

// Chromium's own player now and then gives up when it is sent elsewhere while it loads: to load
// anew is the cure. Where something is lost it gives up again, and goes on behind it.
function failed() {
  if (!document.querySelector("#no-hls").hidden) return;
  const now = performance.now();
  failures = now - failedAt > CALM_MS ? 1 : failures + 1;
  failedAt = now;
  if (failures > FAILURES_MAX) {
    reveal("#no-footage");
  } else if (broken && failures > 1) {
    reveal("#skipped");
    loadAnew(here() + SEGMENT_SECONDS);
  } else {
    loadAnew(here());
  }
}

function loadAnew(seconds) {
  const playing = !video.paused;
  const speed = video.playbackRate;
  wanted = null;
  video.addEventListener("loadeddata", () => {
    video.playbackRate = speed;
    go(seconds);
    if (playing) video.play();
  }, { once: true });
  if (fed) fed.load();
  else video.load();
}

function playOrPause() {
  if (video.paused) video.play();
  else video.pause();
}

function draw() {
  // Before anything is loaded the page shows the moment it was opened for.
  const seconds = wanted ?? (video.readyState ? here() : mark);
  if (!dragging) seek.value = String(Math.round(seconds));
  seek.setAttribute("aria-valuetext", clock.time(seconds));
  shownClock.textContent = clock.time(seconds);
  shownDay.textContent = clock.day(seconds);
  shownOffset.textContent = Clock.length(seconds);
}

function drawToggle() {
  toggle.textContent = video.paused ? toggle.dataset.play : toggle.dataset.pause;
}

function showPeek(seconds) {
  const width = seek.clientWidth;
  const along = (seconds / Number(seek.max)) * width;
  peek.textContent = clock.time(seconds);
  // A style set by a script is no inline style: the policy of the page allows it.
  peek.style.left = `${Math.min(Math.max(along, PEEK_MARGIN_PX), width - PEEK_MARGIN_PX)}px`;
  peekPicture.style.left = peek.style.left;
  peek.hidden = false;
  storyboards.show(peekPicture, seconds);
}

function reveal(selector) {
  document.querySelector(selector).hidden = false;
}

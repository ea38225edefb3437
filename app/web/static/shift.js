// What the page of a shift adds to the player: a strip of pictures, the walk, jumps by the clock.

import { clock, go, here, storyboards, video } from "./player.js";

const DOT_PX = 6;
const ON_SIGHT = 40; // of a thousand: how near to the walk a click must be
const film = document.querySelector("#film");
const canvas = document.querySelector("#track");
const jump = document.querySelector("#jump");
const place = document.querySelector("#place");
// Second, across and down in thousandths, latitude and longitude.
const walk = canvas ? JSON.parse(canvas.dataset.track) : [];

for (const box of film.querySelectorAll("button")) {
  const seconds = Number(box.dataset.at);
  box.addEventListener("click", () => go(seconds));
  storyboards.shown(box.querySelector(".picture"), seconds);
}
for (const button of document.querySelectorAll("[data-go]")) {
  button.addEventListener("click", () => {
    go(Number(button.dataset.go));
    video.scrollIntoView({ block: "nearest" });
  });
}
jump.addEventListener("submit", (event) => {
  event.preventDefault();
  const seconds = clock.secondsOf(jump.elements.day.value, jump.elements.time.value);
  const last = Number(document.querySelector("#seek").max);
  const there = seconds !== null && seconds >= 0 && seconds <= last;
  jump.querySelector(".error").hidden = there;
  if (there) go(seconds);
});

if (canvas) {
  for (const name of ["timeupdate", "seeking", "seeked", "loadeddata"]) video.addEventListener(name, draw);
  new ResizeObserver(draw).observe(canvas);
  canvas.addEventListener("click", (event) => {
    const box = canvas.getBoundingClientRect();
    const across = ((event.clientX - box.left) / box.width) * 1000;
    const down = ((event.clientY - box.top) / box.height) * 1000;
    const nearest = walk
      .map((point) => [Math.hypot(point[1] - across, point[2] - down), point[0]])
      .reduce((best, one) => (one[0] < best[0] ? one : best));
    if (nearest[0] <= ON_SIGHT) go(nearest[1]);
  });
}

function draw() {
  const side = Math.round(canvas.clientWidth * devicePixelRatio);
  if (!side) return;
  canvas.width = side;
  canvas.height = side;
  const pen = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  const seconds = here();
  const passed = walk.findLastIndex((point) => point[0] <= seconds);
  pen.lineJoin = "round";
  pen.lineWidth = 2 * devicePixelRatio;
  line(pen, walk, style.getPropertyValue("--line-strong"), side);
  line(pen, walk.slice(0, passed + 1), style.getPropertyValue("--act"), side);
  const now = walk[Math.max(passed, 0)];
  pen.beginPath();
  pen.arc((now[1] / 1000) * side, (now[2] / 1000) * side, DOT_PX * devicePixelRatio, 0, 2 * Math.PI);
  pen.fillStyle = style.getPropertyValue("--mark");
  pen.fill();
  place.textContent = `${clock.time(now[0])} · ${now[3].toFixed(5)}, ${now[4].toFixed(5)}`;
}

function line(pen, points, colour, side) {
  pen.strokeStyle = colour;
  pen.beginPath();
  for (const point of points) pen.lineTo((point[1] / 1000) * side, (point[2] / 1000) * side);
  pen.stroke();
}

// The complaint form: the server checks it; this only saves the reviewer some typing.

const USED_EVERY_MS = 120_000;
const form = document.querySelector("#complaint");
const latitude = form.elements.latitude;
const longitude = form.elements.longitude;

document.querySelector("#errors")?.focus();

// A pair copied from a map, such as "43.2403, 76.9250", fills both fields.
latitude.addEventListener("paste", (event) => {
  const text = event.clipboardData?.getData("text") ?? "";
  const pair = /^\s*(-?[0-9]{1,3}\.[0-9]+)\s*[,;\s]\s*(-?[0-9]{1,3}\.[0-9]+)\s*$/.exec(text);
  if (!pair) return;
  event.preventDefault();
  [, latitude.value, longitude.value] = pair;
});

// Typing is using: a session does not end for idleness in the middle of a long text.
let told = Date.now();
form.addEventListener("input", () => {
  if (Date.now() - told < USED_EVERY_MS) return;
  told = Date.now();
  fetch("/api/me").catch(() => {}); // what is lost here is told when the form is sent
});

// One press registers one complaint.
form.addEventListener("submit", () => {
  const button = form.querySelector("button[type=submit]");
  setTimeout(() => { button.disabled = true; });
});

// A page taken from the browser's memory by "back" can be sent again.
window.addEventListener("pageshow", () => {
  form.querySelector("button[type=submit]").disabled = false;
});

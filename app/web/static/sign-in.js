// The sign-in page: a challenge from the server, a signature from NCALayer, a session in a cookie.

import { ask, attempt, show, signed } from "./signing.js";

const form = document.querySelector("#sign-in");
const field = form.elements.iin;
const button = form.querySelector("button");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt([button], async () => {
    if (!fieldIsGood()) return;
    await signIn(field.value.trim());
    location.assign(form.dataset.next);
  });
});

async function signIn(iin) {
  show("document");
  const asked = await ask("/api/sign-in/challenge", {});
  const cms = await signed(asked.challenge, { iin, document: false });
  await ask("/api/sign-in", { challenge_id: asked.challenge_id, cms, cookie: true });
}

function fieldIsGood() {
  const good = field.value.trim() === "" || /^[0-9]{12}$/.test(field.value.trim());
  document.querySelector("#iin-error").hidden = good;
  field.setAttribute("aria-invalid", String(!good));
  if (!good) field.focus();
  return good;
}

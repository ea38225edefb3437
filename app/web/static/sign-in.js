// The sign-in page: a challenge from the server, a signature from NCALayer, a session in a cookie.

import { SignerRefused, signDetached } from "./ncalayer.js";

const form = document.querySelector("#sign-in");
const field = form.elements.iin;
const button = form.querySelector("button");
const progress = document.querySelector("#progress");
const signerUrl = document.querySelector("meta[name=ncalayer]").content;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  hideRefusals();
  if (!fieldIsGood()) return;
  button.disabled = true;
  try {
    await signIn(field.value.trim());
    location.assign(form.dataset.next);
  } catch (refusal) {
    if (!(refusal instanceof SignerRefused)) throw refusal;
    showRefusal(refusal);
  } finally {
    show(null);
    button.disabled = false;
  }
});

async function signIn(iin) {
  show("challenge");
  const asked = await ask("/api/sign-in/challenge", {});
  show("signer");
  const cms = await signDetached({
    url: signerUrl,
    data: asked.challenge,
    iin,
    language: document.documentElement.lang,
  });
  show("check");
  await ask("/api/sign-in", { challenge_id: asked.challenge_id, cms, cookie: true });
}

async function ask(path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new SignerRefused("server.silent");
  }
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new SignerRefused(content.code ?? `http.${answer.status}`);
  return content;
}

function fieldIsGood() {
  const good = field.value.trim() === "" || /^[0-9]{12}$/.test(field.value.trim());
  document.querySelector("#iin-error").hidden = good;
  field.setAttribute("aria-invalid", String(!good));
  if (!good) field.focus();
  return good;
}

function show(step) {
  progress.hidden = step === null;
  for (const line of progress.children) line.hidden = line.dataset.step !== step;
}

function hideRefusals() {
  for (const notice of document.querySelectorAll("[data-refusal]")) notice.hidden = true;
}

function showRefusal({ code, detail }) {
  const notices = [...document.querySelectorAll("[data-refusal]")];
  const fitting = notices.find((one) => one.dataset.refusal.split(" ").includes(code));
  const notice = fitting ?? notices.at(-1);
  const shown = notice.querySelector("[data-code]");
  if (shown) shown.textContent = detail ? `${code} · ${detail}` : code;
  notice.hidden = false;
}

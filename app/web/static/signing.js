// What every page of signing does: asks the server, has NCALayer sign, and says how far it is or
// why it was refused (templates/signing_parts.html).

import { SignerRefused, signDetached } from "./ncalayer.js";

const progress = document.querySelector("#progress");
const signerUrl = document.querySelector("meta[name=ncalayer]").content;

// A button that does nothing without us cannot be pressed before we are here.
for (const one of document.querySelectorAll("button[data-waits]")) one.disabled = false;

// Does the act with the buttons out of reach; a refusal is shown on the page.
export async function attempt(buttons, act) {
  for (const notice of refusals()) notice.hidden = true;
  for (const one of buttons) one.disabled = true;
  try {
    await act();
  } catch (refusal) {
    if (!(refusal instanceof SignerRefused)) throw refusal;
    showRefusal(refusal);
  } finally {
    show(null);
    for (const one of buttons) one.disabled = false;
  }
}

// Returns the answer's content; without a body it is a question, with one an act.
export async function ask(path, body) {
  const headers = { "Accept": "application/json", "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(
      path,
      body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) },
    );
  } catch {
    throw new SignerRefused("server.silent");
  }
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new SignerRefused(content.code ?? `http.${answer.status}`);
  return content;
}

// Returns the detached signature over base64 data; the next step is the server's check.
export async function signed(data, { iin, document: isDocument = true }) {
  show("signer");
  const language = document.documentElement.lang;
  const cms = await signDetached({ url: signerUrl, data, iin, language, document: isDocument });
  show("check");
  return cms;
}

export function show(step) {
  progress.hidden = step === null;
  for (const line of progress.children) line.hidden = line.dataset.step !== step;
}

function refusals() {
  return [...document.querySelectorAll("[data-refusal]")];
}

function showRefusal({ code, detail }) {
  const fitting = refusals().find((one) => one.dataset.refusal.split(" ").includes(code));
  const notice = fitting ?? refusals().at(-1);
  const shown = notice.querySelector("[data-code]");
  if (shown) shown.textContent = detail ? `${code} · ${detail}` : code;
  notice.hidden = false;
  notice.scrollIntoView({ block: "nearest" });
}

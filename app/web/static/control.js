// Signing the review of a month: the document from the server, the signature from NCALayer.

import { SignerRefused, signDetached } from "./ncalayer.js";

const button = document.querySelector("#sign");
const progress = document.querySelector("#progress");
const signerUrl = document.querySelector("meta[name=ncalayer]").content;

button?.addEventListener("click", async () => {
  for (const notice of document.querySelectorAll("[data-refusal]")) notice.hidden = true;
  button.disabled = true;
  try {
    await sign(button.dataset.review);
    location.reload();
  } catch (refusal) {
    if (!(refusal instanceof SignerRefused)) throw refusal;
    showRefusal(refusal);
  } finally {
    show(null);
    button.disabled = false;
  }
});

async function sign(address) {
  show("document");
  const { document: data, document_sha256 } = await ask(address);
  show("signer");
  const language = document.documentElement.lang;
  const cms = await signDetached({ url: signerUrl, data, iin: "", language, document: true });
  show("check");
  await ask(address, { document_sha256, cms });
}

async function ask(path, body) {
  const headers = { "Accept": "application/json", "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(
      path,
      body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers },
    );
  } catch {
    throw new SignerRefused("server.silent");
  }
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new SignerRefused(content.code ?? `http.${answer.status}`);
  return content;
}

function show(step) {
  progress.hidden = step === null;
  for (const line of progress.children) line.hidden = line.dataset.step !== step;
}

function showRefusal({ code, detail }) {
  const notices = [...document.querySelectorAll("[data-refusal]")];
  const fitting = notices.find((one) => one.dataset.refusal.split(" ").includes(code));
  const notice = fitting ?? notices.at(-1);
  const shown = notice.querySelector("[data-code]");
  if (shown) shown.textContent = detail ? `${code} · ${detail}` : code;
  notice.hidden = false;
}

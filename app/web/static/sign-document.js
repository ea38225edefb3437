// Signing a document of the server's: its bytes from the server, the signature from NCALayer.
// A button names where the document is (data-document) and where its signature goes (data-signature).

import { SignerRefused, signDetached } from "./ncalayer.js";

const buttons = [...document.querySelectorAll("button[data-document]")].filter((one) => !one.disabled);
const progress = document.querySelector("#progress");
const signerUrl = document.querySelector("meta[name=ncalayer]").content;
// Whose keys the signer shows; where the page does not say, everybody's.
const iin = document.querySelector("meta[name=signer]")?.content ?? "";

for (const button of buttons) {
  button.addEventListener("click", async () => {
    for (const notice of document.querySelectorAll("[data-refusal]")) notice.hidden = true;
    for (const one of buttons) one.disabled = true;
    try {
      await sign(button.dataset);
      location.reload();
    } catch (refusal) {
      if (!(refusal instanceof SignerRefused)) throw refusal;
      showRefusal(refusal);
    } finally {
      show(null);
      for (const one of buttons) one.disabled = false;
    }
  });
}

async function sign({ document: source, signature }) {
  show("document");
  const { document: review, document_sha256, document_base64: data = review } = await ask(source);
  show("signer");
  const language = document.documentElement.lang;
  const cms = await signDetached({ url: signerUrl, data, iin, language, document: true });
  show("check");
  await ask(signature, { document_sha256, cms });  // what has no hash sends none
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

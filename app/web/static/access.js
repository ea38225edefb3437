// The pages of access: a paper written by the server, a signature from NCALayer, the act itself.

import { SignerRefused, signDetached } from "./ncalayer.js";

const signerUrl = document.querySelector("meta[name=ncalayer]").content;
const signer = document.querySelector("meta[name=signer]").content;
const progress = document.querySelector("#progress");

for (const form of document.querySelectorAll("form[data-act]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    hideRefusals();
    // A refusal takes a reason and a text, a grant does not: each button names its own act.
    const act = event.submitter?.value || form.dataset.act;
    const buttons = form.querySelectorAll("button");
    for (const one of buttons) one.disabled = true;
    try {
      await ACTS[act](form);
      location.assign(form.dataset.next);
    } catch (refusal) {
      if (!(refusal instanceof SignerRefused)) throw refusal;
      showRefusal(refusal);
    } finally {
      show(null);
      for (const one of buttons) one.disabled = false;
    }
  });
}

const ACTS = {
  async file(form) {
    const body = {
      role: form.dataset.role,
      services: checked(form, "services"),
      bases: checked(form, "bases"),
      responsible_id: form.elements.responsible_id?.value || null,
      contacts: form.elements.contacts.value,
      workplace: form.elements.workplace.value,
    };
    const { paper, drawn_at } = await ask("/api/access/forms", body);
    await ask("/api/access/requests", { form: body, drawn_at, cms: await sign(paper) });
  },
  async grant(form) {
    const path = `/api/access/requests/${form.dataset.request}`;
    const body = { services: checked(form, "services"), bases: checked(form, "bases") };
    const { paper } = await ask(`${path}/grant-paper`, body);
    await ask(`${path}/grant`, { ...body, cms: await sign(paper) });
  },
  async refuse(form) {
    const path = `/api/access/requests/${form.dataset.request}`;
    const body = { reason: form.elements.reason.value, text: form.elements.text.value };
    if (!body.reason || !body.text.trim()) {
      throw new SignerRefused("exchange.access_refusal_not_motivated");
    }
    const { paper } = await ask(`${path}/refusal-paper`, body);
    await ask(`${path}/refuse`, { ...body, cms: await sign(paper) });
  },
  async return(form) {
    const path = `/api/access/requests/${form.dataset.request}/return`;
    await ask(path, { text: form.elements.text.value });
  },
  async agree(form) {
    const { version, paper } = await ask("/api/access/agreement");
    await ask("/api/access/agreement", { version, cms: await sign(paper) });
  },
  async block(form) {
    const path = `/api/access/people/${form.dataset.person}/block`;
    await ask(path, { reason: form.elements.reason.value, text: form.elements.text.value });
  },
  async unblock(form) {
    const path = `/api/access/people/${form.dataset.person}`;
    const text = form.elements.text.value;
    const { paper } = await ask(`${path}/unblock-paper`, { text });
    await ask(`${path}/unblock`, { text, cms: await sign(paper) });
  },
};

function checked(form, name) {
  return [...form.querySelectorAll(`input[name=${name}]:checked`)].map((one) => one.value);
}

async function sign(paper) {
  show("signer");
  const bytes = new TextEncoder().encode(paper);
  const data = btoa(Array.from(bytes, (one) => String.fromCharCode(one)).join(""));
  const cms = await signDetached({
    url: signerUrl,
    data,
    iin: signer,
    document: true,
    language: document.documentElement.lang,
  });
  show("check");
  return cms;
}

async function ask(path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method: body === undefined ? "GET" : "POST",
      headers: { "Content-Type": "application/json", "Accept": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
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
  notice.scrollIntoView({ block: "nearest" });
}

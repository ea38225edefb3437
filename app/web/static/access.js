// The pages of access: a paper written by the server, a signature from NCALayer, the act itself.

import { SignerRefused } from "./ncalayer.js";
import { ask, attempt, signed } from "./signing.js";

const iin = document.querySelector("meta[name=signer]").content;

for (const form of document.querySelectorAll("form[data-act]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    // A refusal takes a reason and a text, a grant does not: each button names its own act.
    const act = event.submitter?.value || form.dataset.act;
    attempt(form.querySelectorAll("button"), async () => {
      await ACTS[act](form);
      location.assign(form.dataset.next);
    });
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

function sign(paper) {
  const bytes = new TextEncoder().encode(paper);
  return signed(btoa(Array.from(bytes, (one) => String.fromCharCode(one)).join("")), { iin });
}

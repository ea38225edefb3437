// Signing a document of the server's: its bytes from the server, the signature from NCALayer.
// A button names where the document is (data-document) and where its signature goes (data-signature).

import { ask, attempt, show, signed } from "./signing.js";

const buttons = [...document.querySelectorAll("button[data-document]")].filter((one) => !one.disabled);
// Whose keys the signer shows; where the page does not say, everybody's.
const iin = document.querySelector("meta[name=signer]")?.content ?? "";

for (const button of buttons) {
  button.addEventListener("click", () =>
    attempt(buttons, async () => {
      await sign(button.dataset);
      location.reload();
    }),
  );
}

async function sign({ document: source, signature }) {
  show("document");
  const { document: review, document_sha256, document_base64: data = review } = await ask(source);
  const cms = await signed(data, { iin });
  await ask(signature, { document_sha256, cms });  // what has no hash sends none
}

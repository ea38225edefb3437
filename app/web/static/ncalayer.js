// NCALayer, the signing program on the reader's own machine, by its module kz.gov.pki.knca.basics.
// A version frame comes when the page connects; each request is answered by one frame.

const CONNECT_MS = 5_000;
// The person looks for the key and types its password; the challenge lives two minutes anyway.
const SIGN_MS = 180_000;
// Certificates of employees and heads of legal entities, whichever half of a pair they are.
const LEGAL_ENTITY = "1.2.398.3.3.4.1.2";
// The half of a pair that signs documents; with GOST-2015 one certificate is both halves.
const SIGNS_DOCUMENTS = "1.3.6.1.5.5.7.3.4";
const NO_KEY = /KEY_NOT_FOUND|EMPTY_KEY_LIST|NO_KEYS/i;

/** A refusal with the code that the page has words for. */
export class SignerRefused extends Error {
  constructor(code, detail = "") {
    super(code);
    this.code = code;
    this.detail = detail;
  }
}

/**
 * Return a detached CMS signature of `data` (base64), itself in base64.
 *
 * Of a `document`, by a key that signs documents; otherwise by any key of the person.
 *
 * Throws SignerRefused: `signer.silent`, `signer.cancelled`, `signer.no_key`, `signer.failed`.
 */
export async function signDetached({ url, data, iin, language, document = false }) {
  const socket = await connected(url);
  try {
    const usages = document ? [LEGAL_ENTITY, SIGNS_DOCUMENTS] : [LEGAL_ENTITY];
    const signerParams = { extKeyUsageOids: usages };
    if (iin) signerParams.iin = iin;
    socket.send(JSON.stringify({
      module: "kz.gov.pki.knca.basics",
      method: "sign",
      args: {
        allowedStorages: null,
        format: "cms",
        data,
        signingParams: { decode: true, encapsulate: false, digested: false },
        signerParams,
        locale: language,
      },
    }));
    return signatureOf(await frameOf(socket, SIGN_MS));
  } finally {
    socket.close();
  }
}

async function connected(url) {
  let socket;
  try {
    socket = new WebSocket(url);
  } catch {
    throw new SignerRefused("signer.silent");
  }
  try {
    const hello = await frameOf(socket, CONNECT_MS);
    if (!hello.result?.version) throw new SignerRefused("signer.silent");
  } catch (refusal) {
    socket.close();
    throw refusal;
  }
  return socket;
}

function frameOf(socket, patienceMs) {
  return new Promise((resolve, reject) => {
    const silent = () => reject(new SignerRefused("signer.silent"));
    const timer = setTimeout(silent, patienceMs);
    socket.onmessage = ({ data }) => {
      clearTimeout(timer);
      try {
        resolve(JSON.parse(data));
      } catch {
        reject(new SignerRefused("signer.failed", "not JSON"));
      }
    };
    socket.onerror = silent;
    socket.onclose = silent;
  });
}

function signatureOf(answer) {
  if (!answer.status) {
    const code = String(answer.code ?? "");
    if (NO_KEY.test(code)) throw new SignerRefused("signer.no_key");
    throw new SignerRefused("signer.failed", code || "no status");
  }
  // A window closed by the person is answered without a result.
  const result = answer.body?.result;
  const signature = Array.isArray(result) ? result[0] : result;
  if (!signature) throw new SignerRefused("signer.cancelled");
  // Some versions answer in PEM.
  return signature.replace(/-----[A-Z ]+-----|\s+/g, "");
}

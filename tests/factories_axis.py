"""A body-worn system of another make for tests, and its encryption done by OpenSSL."""

import base64
import json
import secrets
import subprocess

from bodycam.service import Docking
from tests import factories_bodycam as bodycam

SERIAL = "S-1"  # of the yard's camera
CONTAINER = f"u-1_{SERIAL}_20261120T030000Z"
CLIP = "20261120_030000_7CF7.mp4"
KEY = "20261120_030000_7CF7.key"
TRACK = f"20261120_030000_7CF7_{SERIAL}_gpstrail.json"
META = {
    "X-Container-Meta-Bwcserialnumber": SERIAL,
    "X-Container-Meta-Starttime": "20261120T030000Z",
    "X-Container-Meta-Triggeron": "Button",
    "X-Container-Meta-Status": "Transferring",
}
CLIP_META = {
    "X-Object-Meta-Starttimeiso": "2026-11-20T03:00:00Z",
    "X-Object-Meta-Stoptimeiso": "2026-11-20T03:01:00Z",
}


class System:
    """A body-worn system that holds a token and its storage address."""

    def __init__(self, client, token, account):
        self.client, self.token, self.account = client, token, account

    @classmethod
    async def signed_in(cls, client, dock):
        user, _, key = dock["Device-Credential"].partition(".")
        answer = await client.get(
            "/axis/auth/v1.0", headers={"X-Auth-User": user, "X-Auth-Key": key}
        )
        assert answer.status_code == 200, answer.text
        account = answer.headers["X-Storage-Url"].partition("/axis")[2]
        return cls(client, answer.headers["X-Auth-Token"], f"/axis{account}")

    async def ask(self, method, path, *, headers=None, **more):
        shown = {"X-Auth-Token": self.token, **(headers or {})}
        return await self.client.request(method, f"{self.account}/{path}", headers=shown, **more)


def openssl(*arguments, given=b""):
    """Return what OpenSSL says: an oracle that shares no code with ours."""
    done = subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True)
    return done.stdout


def encrypted(clear, *, key, iv):
    """Return ``clear`` as such a system writes it: AES-256-CBC with PKCS#7."""
    return openssl("enc", "-aes-256-cbc", "-K", key.hex(), "-iv", iv.hex(), given=clear)


def key_object(public_pem, folder, *, key, iv, public_key_id=""):
    """Return a key object: the content key wrapped by RSA-OAEP as OpenSSL does by default."""
    pem = folder / f"{secrets.token_hex(4)}.pem"
    pem.write_bytes(public_pem)
    wrapped = openssl(
        "pkeyutl", "-encrypt", "-pubin", "-inkey", str(pem),
        "-pkeyopt", "rsa_padding_mode:oaep", given=key,
    )  # fmt: skip
    body = {
        "EncryptedKey": base64.b64encode(wrapped).decode(),
        "ContentEncryptionIV": base64.b64encode(iv).decode(),
    }
    if public_key_id:
        body["PublicKeyId"] = public_key_id
    return json.dumps(body, indent=1).encode()


async def uploaded(system, *, content=None, container=CONTAINER, clip=CLIP, meta=None):
    """Put a container and a clip in it; return the answer to the clip."""
    content = bodycam.footage().read_bytes() if content is None else content
    put = await system.ask("PUT", container, headers=META if meta is None else meta)
    assert put.status_code in {201, 202}
    return await system.ask("PUT", f"{container}/{clip}", headers=CLIP_META, content=content)


def docking_of(app):
    """Return what the jobs of the server take in with."""
    state = app.state
    return Docking(
        sessions=state.sessions,
        store=state.store,
        trail=state.trail,
        recording_bytes_max=state.settings.recording_bytes_max,
    )

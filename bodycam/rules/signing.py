"""Whose word a manifest and a receipt are: Ed25519 over the bytes that ``wire`` names."""

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from bodycam.errors import CameraNotKnown, ManifestNotSigned
from bodycam.wire.manifest import Manifest, Receipt, SignedReceipt


def check_manifest(*, manifest: Manifest, signature: str, camera_key_pem: str) -> None:
    """Return if the camera's key signed the manifest.

    Raises:
        CameraNotKnown: the enrolled key is not an Ed25519 public key.
        ManifestNotSigned: the signature does not fit.
    """
    try:
        key = load_pem_public_key(camera_key_pem.encode())
    except ValueError as error:
        raise CameraNotKnown(f"camera {manifest.camera_id} has no readable key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise CameraNotKnown(f"the key of camera {manifest.camera_id} is not Ed25519")
    try:
        key.verify(base64.b64decode(signature), manifest.signed_bytes())
    except InvalidSignature as error:
        raise ManifestNotSigned(
            f"recording {manifest.recording_id} is not signed by camera {manifest.camera_id}"
        ) from error


def sign_receipt(*, receipt: Receipt, key: Ed25519PrivateKey) -> SignedReceipt:
    """Return ``receipt`` under the server's receipt key."""
    signature = base64.b64encode(key.sign(receipt.signed_bytes())).decode()
    return SignedReceipt(receipt=receipt, signature=signature)


def public_key_text(key: Ed25519PrivateKey) -> str:
    """Return the public half as base64 of its 32 bytes, as ``hello`` tells it."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()

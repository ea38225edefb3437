"""What stands beside a recording: the camera's manifest over its blocks, the server's receipt."""

import base64
import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import ValidationError

from bodycam.rules.frames import ReadAt
from bodycam.wire.canonical import canonical_json
from bodycam.wire.digests import BLOCK_SIZE_BYTES, block_count, block_size, merkle_root
from bodycam.wire.manifest import Manifest, SignedReceipt

_SIGNATURE_BYTES: Final = 64


class CustodyNotReadable(ValueError):
    """A manifest, receipt or key is not what it should be; the message says which."""


@dataclass(frozen=True, kw_only=True)
class CustodyFindings:
    """What was found. ``None``: that was not given, so not checked.

    Attributes:
        blocks: numbers of the blocks that differ from the manifest.
        receipt_root: whether the receipt speaks of the bytes as they are now.
    """

    manifest_signed: bool | None
    blocks: tuple[int, ...] | None
    size_right: bool | None
    receipt_signed: bool | None
    receipt_root: bool | None

    @property
    def whole(self) -> bool:
        """Whether everything that was given agrees."""
        found = (self.manifest_signed, self.size_right, self.receipt_signed, self.receipt_root)
        return not self.blocks and False not in found

    def as_json(self) -> dict[str, object]:
        """Return the findings for a program to read."""
        return {
            "whole": self.whole,
            "manifest_signed": self.manifest_signed,
            "differing_blocks": list(self.blocks) if self.blocks is not None else None,
            "size_right": self.size_right,
            "receipt_signed": self.receipt_signed,
            "receipt_root": self.receipt_root,
        }


def check_custody(
    *,
    read_at: ReadAt,
    size_bytes: int,
    manifest_json: bytes | None,
    manifest_signature: bytes | None,
    camera_key_pem: bytes | None,
    receipt_json: bytes | None = None,
    receipt_key: str | None = None,
) -> CustodyFindings:
    """Check a file against its manifest and receipt.

    Raises:
        CustodyNotReadable: one of them cannot be read.
    """
    digests = _digests(read_at, size_bytes)
    manifest = _manifest(manifest_json) if manifest_json is not None else None
    signed = None
    if manifest is not None and camera_key_pem is not None and manifest_signature is not None:
        signature = _signature(manifest_signature, of="manifest")
        signed = _fits(_camera_key(camera_key_pem), signature, manifest.signed_bytes())
    receipt = _receipt(receipt_json) if receipt_json is not None else None
    receipt_signed = receipt_root = None
    if receipt is not None:
        root = merkle_root(digests).hex()
        receipt_root = receipt.receipt.merkle_root == root
        receipt_root = receipt_root and receipt.receipt.size_bytes == size_bytes
        if manifest is not None:
            receipt_root = receipt_root and receipt.receipt.recording_id == manifest.recording_id
        if receipt_key is not None:
            key = _receipt_key(receipt_key)
            signature = _signature(receipt.signature.encode(), of="receipt")
            receipt_signed = _fits(key, signature, receipt.receipt.signed_bytes())
    return CustodyFindings(
        manifest_signed=signed,
        blocks=_differing(manifest, digests) if manifest is not None else None,
        size_right=manifest.size_bytes == size_bytes if manifest is not None else None,
        receipt_signed=receipt_signed,
        receipt_root=receipt_root,
    )


def _digests(read_at: ReadAt, size_bytes: int) -> list[bytes]:
    return [
        hashlib.sha256(
            read_at(number * BLOCK_SIZE_BYTES, block_size(number=number, size_bytes=size_bytes))
        ).digest()
        for number in range(block_count(size_bytes))
    ]


def _differing(manifest: Manifest, digests: list[bytes]) -> tuple[int, ...]:
    signed = [bytes.fromhex(one) for one in manifest.blocks]
    if merkle_root(signed).hex() != manifest.merkle_root:
        raise CustodyNotReadable("the manifest's root does not fit its blocks")
    longest = max(len(signed), len(digests))
    return tuple(
        number
        for number in range(longest)
        if number >= len(signed) or number >= len(digests) or signed[number] != digests[number]
    )


def _manifest(content: bytes) -> Manifest:
    try:
        manifest = Manifest.model_validate_json(content)
        # A second reading of the same bytes: what is signed is one form and no other.
        same = canonical_json(json.loads(content)) == manifest.canonical()
    except (ValidationError, ValueError) as error:
        raise CustodyNotReadable("the manifest cannot be read") from error
    if not same:
        raise CustodyNotReadable("the manifest is not in the form that is signed")
    return manifest


def _receipt(content: bytes) -> SignedReceipt:
    try:
        receipt = SignedReceipt.model_validate_json(content)
        same = canonical_json(json.loads(content)) == canonical_json(
            receipt.model_dump(mode="json")
        )
    except (ValidationError, ValueError) as error:
        raise CustodyNotReadable("the receipt cannot be read") from error
    if not same:
        raise CustodyNotReadable("the receipt is not in the form that is signed")
    return receipt


def _camera_key(pem: bytes) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CustodyNotReadable("the camera's key cannot be read") from error
    if not isinstance(key, Ed25519PublicKey):
        raise CustodyNotReadable("the camera's key is not Ed25519")
    return key


def _receipt_key(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise CustodyNotReadable("the receipt key is not 32 bytes in base64") from error


def _signature(text: bytes, *, of: str) -> bytes:
    """Return a signature's 64 bytes; one text stands for them and no other.

    Raises:
        CustodyNotReadable: it is no such text. That says nothing of the recording.
    """
    with suppress(ValueError):
        signature = base64.b64decode(text.strip(), validate=True)
        if len(signature) == _SIGNATURE_BYTES and base64.b64encode(signature) == text.strip():
            return signature
    raise CustodyNotReadable(
        f"the signature of the {of} is not 64 bytes in base64: take the file from its source again"
    )


def _fits(key: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True

"""Signed notes, checkpoints and proofs as text: C2SP signed-note, tlog-checkpoint, tlog-proof.

https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint, https://c2sp.org/tlog-proof.
Writing and strict reading; who signs and who checks the signature is the caller's affair.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from app.audit.rules import ed25519
from app.audit.rules.merkle import HASH_BYTES

_ED25519: Final = b"\x01"  # signature type of signed-note
_KINDS: Final = (_ED25519, b"\x04")  # the log's own, and a witness's (tlog-cosignature)
_KEY_ID_BYTES: Final = 4
_KEY_PARTS: Final = 3
_CHECKPOINT_LINES: Final = 3
_SIGNATURES_MAX: Final = 16  # signed-note: at least this many must be accepted
_NOTE_BYTES_MAX: Final = 64 * 1024
_PROOF_HEADER: Final = "c2sp.org/tlog-proof@v1"
_PATH_MAX: Final = 63  # a tree of 2**63 leaves
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_NAME: Final = re.compile(r"[^\s+\x00-\x20]{1,128}")


class NoteNotValid(Exception):
    """A note, checkpoint, proof or key is malformed, or not signed by the key asked for."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What a log has committed itself to: its name, its size and the root at that size."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, kw_only=True)
class Proof:
    """One leaf's place, its path to the root, and the checkpoint as it was signed."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str


@dataclass(frozen=True, kw_only=True)
class VerifierKey:
    """A public Ed25519 key under its name.

    Attributes:
        name: the log's or the witness's.
        public_key: 32 bytes.
        kind: the signature type, one byte: of notes, or of cosignatures.
    """

    name: str
    public_key: bytes
    kind: bytes = _ED25519

    @property
    def key_id(self) -> bytes:
        """The four bytes that name this key in a signature line."""
        seed = self.name.encode() + b"\n" + self.kind + self.public_key
        return hashlib.sha256(seed).digest()[:_KEY_ID_BYTES]

    def __str__(self) -> str:
        encoded = base64.b64encode(self.kind + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"


def parse_verifier_key(text: str) -> VerifierKey:
    """Return the key of a ``name+id+base64`` line.

    Raises:
        NoteNotValid: another form or algorithm, or an id that is not this key's.
    """
    parts = text.strip().split("+", 2)
    if len(parts) != _KEY_PARTS or not _NAME.fullmatch(parts[0]):
        raise NoteNotValid("a verifier key is name+id+base64")
    content = _decoded(parts[2])
    if content[:1] not in _KINDS or len(content) != 1 + HASH_BYTES:
        raise NoteNotValid("only Ed25519 keys are read here")
    key = VerifierKey(name=parts[0], public_key=content[1:], kind=content[:1])
    if key.key_id.hex() != parts[1]:
        raise NoteNotValid("the id is not that of this key")
    return key


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """Return the three lines that are signed."""
    root = base64.b64encode(checkpoint.root).decode()
    return f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n"


def signed_note(*, text: str, key: VerifierKey, sign: Callable[[bytes], bytes]) -> str:
    """Return ``text`` with one signature line made by ``sign`` over its UTF-8 bytes."""
    signature = base64.b64encode(key.key_id + sign(text.encode())).decode()
    return f"{text}\n— {key.name} {signature}\n"


def open_checkpoint(note: str, *, key: VerifierKey) -> Checkpoint:
    """Return the checkpoint of a note that ``key`` has signed.

    Signatures by others (witnesses, later keys) are passed over, as signed-note demands.

    Raises:
        NoteNotValid: malformed, of another log, or not signed by this key.
    """
    text, lines = split_note(note)
    ours = [found for line in lines if (found := signature_of(line, key)) is not None]
    if key.kind != _ED25519:
        raise NoteNotValid("not the key of a log")
    if not ours:
        raise NoteNotValid("not signed by this key")
    for signature in ours:
        if not ed25519.is_signed(
            public_key=key.public_key, message=text.encode(), signature=signature
        ):
            raise NoteNotValid("the signature does not fit")
    checkpoint = parse_checkpoint(text)
    if checkpoint.origin != key.name:
        raise NoteNotValid("the checkpoint is of another log")
    return checkpoint


def split_note(note: str) -> tuple[str, list[str]]:
    """Return the text of a note, as it is signed, and its signature lines.

    Raises:
        NoteNotValid: it is not a note.
    """
    if len(note.encode()) > _NOTE_BYTES_MAX or any(char < " " and char != "\n" for char in note):
        raise NoteNotValid("not a note")
    text, separator, signatures = note.rpartition("\n\n")
    lines = signatures.split("\n")
    if not separator or lines[-1] or not 1 <= len(lines) - 1 <= _SIGNATURES_MAX:
        raise NoteNotValid("a note ends in signature lines")
    return f"{text}\n", lines[:-1]


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint in the text of a note, unverified.

    Raises:
        NoteNotValid: the text is not one.
    """
    lines = text.split("\n")
    if len(lines) != _CHECKPOINT_LINES + 1 or lines[-1] or not lines[0]:
        raise NoteNotValid("a checkpoint of ours has exactly three lines")
    if not _NUMBER.fullmatch(lines[1]):
        raise NoteNotValid("the size is not a number")
    return Checkpoint(origin=lines[0], size=int(lines[1]), root=_hash(lines[2]))


def proof_text(proof: Proof) -> str:
    """Return a tlog-proof: header, index, path, and the checkpoint verbatim."""
    path = [base64.b64encode(step).decode() for step in proof.path]
    head = [_PROOF_HEADER, f"index {proof.index}", *path]
    return "\n".join(head) + f"\n\n{proof.checkpoint}"


def parse_proof(text: str) -> Proof:
    """Return the parts of a tlog-proof, unverified.

    Raises:
        NoteNotValid: the text is not one.
    """
    head, separator, checkpoint = text.partition("\n\n")
    lines: Sequence[str] = head.split("\n")
    if not separator or lines[0] != _PROOF_HEADER:
        raise NoteNotValid("not a tlog-proof")
    rest = lines[2:] if len(lines) > 1 and lines[1].startswith("extra ") else lines[1:]
    if not rest or not rest[0].startswith("index ") or len(rest) > _PATH_MAX + 1:
        raise NoteNotValid("a tlog-proof names one index")
    number = rest[0].removeprefix("index ")
    if not _NUMBER.fullmatch(number):
        raise NoteNotValid("the index is not a number")
    path = tuple(_hash(line) for line in rest[1:])
    return Proof(index=int(number), path=path, checkpoint=checkpoint)


def signature_of(line: str, key: VerifierKey) -> bytes | None:
    """Return what stands in a signature line of ``key``; nothing for a line of another key.

    Raises:
        NoteNotValid: the line is malformed.
    """
    dash, _, rest = line.partition(" ")
    name, separator, encoded = rest.partition(" ")
    if dash != "—" or not separator or not name:
        raise NoteNotValid("a malformed signature line")
    content = _decoded(encoded)
    if len(content) <= _KEY_ID_BYTES:
        raise NoteNotValid("a malformed signature line")
    if name != key.name or content[:_KEY_ID_BYTES] != key.key_id:
        return None
    return content[_KEY_ID_BYTES:]


def _decoded(text: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteNotValid("not base64") from error
    if base64.b64encode(content).decode() != text:
        raise NoteNotValid("base64 in another form than the usual")
    return content


def _hash(text: str) -> bytes:
    content = _decoded(text)
    if len(content) != HASH_BYTES:
        raise NoteNotValid("a hash has 32 bytes")
    return content

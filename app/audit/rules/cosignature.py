"""A witness's word on a checkpoint (C2SP tlog-cosignature, tlog-witness).

https://c2sp.org/tlog-cosignature, https://c2sp.org/tlog-witness. Only ``cosignature/v1`` with
Ed25519 is read: the stand-alone verifier has nothing but the standard library.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from app.audit.rules import ed25519
from app.audit.rules.merkle import HASH_BYTES
from app.audit.rules.note import (
    Checkpoint,
    NoteNotValid,
    VerifierKey,
    open_checkpoint,
    signature_of,
    split_note,
)

COSIGNATURE: Final = b"\x04"  # signature type of cosignature/v1 with Ed25519
_TIME_BYTES: Final = 8
_SIGNATURE_BYTES: Final = 64
_TIME_MAX: Final = 253402300799  # the last second that a calendar of four digits knows
_PATH_MAX: Final = 63
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, kw_only=True)
class Growth:
    """What is shown to a witness: the size it knows, the proof, and the new checkpoint."""

    earlier: int
    path: tuple[bytes, ...]
    checkpoint: str


def growth_text(growth: Growth) -> str:
    """Return the body of ``add-checkpoint``; an auditor reads the same form."""
    path = [base64.b64encode(step).decode() for step in growth.path]
    return "\n".join([f"old {growth.earlier}", *path]) + f"\n\n{growth.checkpoint}"


def parse_growth(text: str) -> Growth:
    """Return the parts of an ``add-checkpoint`` body, unverified.

    Raises:
        NoteNotValid: the text is not one.
    """
    head, separator, checkpoint = text.partition("\n\n")
    first, *rest = head.split("\n")
    found = _OLD.fullmatch(first)
    if not separator or found is None or len(rest) > _PATH_MAX:
        raise NoteNotValid("a proof of growth names the earlier size")
    path = tuple(_hash(line) for line in rest)
    return Growth(earlier=int(found.group(1)), path=path, checkpoint=checkpoint)


def cosigned_message(note: str, *, at: int) -> bytes:
    """Return what a witness signs: the checkpoint's text under the instant, in Unix seconds."""
    return f"cosignature/v1\ntime {at}\n{split_note(note)[0]}".encode()


def cosignature_line(
    note: str, *, key: VerifierKey, at: int, sign: Callable[[bytes], bytes]
) -> str:
    """Return the signature line of a witness."""
    signature = sign(cosigned_message(note, at=at))
    content = key.key_id + at.to_bytes(_TIME_BYTES, "big") + signature
    return f"— {key.name} {base64.b64encode(content).decode()}\n"


def open_cosigned(
    note: str, *, key: VerifierKey, witnesses: Sequence[VerifierKey]
) -> tuple[Checkpoint, dict[str, datetime]]:
    """Return the checkpoint that ``key`` signed and when each of ``witnesses`` cosigned it.

    Raises:
        NoteNotValid: malformed, or not signed by the log and by every one of the witnesses.
    """
    checkpoint = open_checkpoint(note, key=key)
    return checkpoint, {one.name: cosigned_at(note, witness=one) for one in witnesses}


def cosigned_at(note: str, *, witness: VerifierKey) -> datetime:
    """Return the instant at which ``witness`` cosigned the note's checkpoint.

    Raises:
        NoteNotValid: it did not, or its cosignature does not fit.
    """
    if witness.kind != COSIGNATURE:
        raise NoteNotValid("not the key of a witness")
    _, lines = split_note(note)
    found = [one for line in lines if (one := signature_of(line, witness)) is not None]
    if not found:
        raise NoteNotValid("not cosigned by this witness")
    instants = [_instant(note, content, witness) for content in found]
    return datetime.fromtimestamp(max(instants), UTC)


def _instant(note: str, content: bytes, witness: VerifierKey) -> int:
    at = int.from_bytes(content[:_TIME_BYTES], "big")
    if len(content) != _TIME_BYTES + _SIGNATURE_BYTES or not 0 < at <= _TIME_MAX:
        raise NoteNotValid("a malformed cosignature")
    if not ed25519.is_signed(
        public_key=witness.public_key,
        message=cosigned_message(note, at=at),
        signature=content[_TIME_BYTES:],
    ):
        raise NoteNotValid("the cosignature does not fit")
    return at


def origin_hash(origin: str) -> str:
    """Return the name under which a witness serves a log's checkpoint."""
    return hashlib.sha256(origin.encode()).hexdigest()


def _hash(line: str) -> bytes:
    try:
        content = base64.b64decode(line, validate=True)
    except ValueError as error:
        raise NoteNotValid("not base64") from error
    if len(content) != HASH_BYTES or base64.b64encode(content).decode() != line:
        raise NoteNotValid("a hash has 32 bytes")
    return content

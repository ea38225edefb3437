"""The tus resumable upload protocol 1.0.0: its headers, and what an upload says of itself.

Source: the text of the protocol (core, creation, creation-with-upload, creation-defer-length,
expiration, checksum, termination). Keys of ``Upload-Metadata`` that we do not know are kept.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from bodycam.errors.tus import UploadNotValid
from bodycam.rules.axis import read_instant, spans_in_names

VERSION: Final = "1.0.0"
EXTENSIONS: Final = (
    "creation", "creation-with-upload", "creation-defer-length", "expiration", "checksum",
    "termination",
)  # fmt: skip
ALGORITHMS: Final = ("sha1", "sha256", "sha512", "md5")  # the protocol asks for sha1 at least
MEDIA_TYPE: Final = "application/offset+octet-stream"
EXPIRES_AFTER: Final = timedelta(days=7)  # of silence; a camera's card holds the bytes far longer
METADATA_CHARACTERS_MAX: Final = 48 << 10  # a manifest of an hour with its track
KEYS_MAX: Final = 64
OPEN_UPLOADS_MAX: Final = 256  # of one dock
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_KEY: Final = re.compile(r"[!-+\--~]{1,128}")  # printable ASCII without space and comma
_SPAN_MAX: Final = timedelta(days=7)  # no camera records longer


@dataclass(frozen=True)
class Checksum:
    """What the bytes of one request must hash to."""

    algorithm: str
    digest: bytes

    def begin(self) -> Any:
        """Return a hash to be fed with them."""
        return hashlib.new(self.algorithm, usedforsecurity=False)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What an upload says it is: signed by its camera, or by whom and when it was recorded."""

    manifest: bytes = b""  # an announcement of the dock protocol
    recording_id: UUID | None = None  # one that was announced
    camera_serial: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def signed(self) -> bool:
        """Whether a camera's manifest says what the bytes must be."""
        return bool(self.manifest) or self.recording_id is not None


def read_number(text: str, *, header: str) -> int:
    """Return the whole number in a header.

    Raises:
        UploadNotValid: it is absent or none.
    """
    if _NUMBER.fullmatch(text) is None:
        raise UploadNotValid(f"{header} is not a whole number")
    return int(text)


def read_length(length: str | None, defer: str | None) -> int | None:
    """Return the declared length of a new upload, ``None`` where it is told later.

    Raises:
        UploadNotValid: not exactly one of the two headers is there, or it is malformed.
    """
    if (length is None) == (defer is None):
        raise UploadNotValid("exactly one of Upload-Length and Upload-Defer-Length is needed")
    if length is None:
        if defer != "1":
            raise UploadNotValid("Upload-Defer-Length is 1 or absent")
        return None
    return read_number(length, header="Upload-Length")


def read_checksum(text: str | None) -> Checksum | None:
    """Return what ``Upload-Checksum`` asks for, ``None`` without the header.

    Raises:
        UploadNotValid: an algorithm that is not offered, or a digest that is none of it.
    """
    if text is None:
        return None
    algorithm, _, encoded = text.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise UploadNotValid("the checksum's algorithm is not offered")
    digest = _decoded(encoded.strip())
    if digest is None or len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise UploadNotValid("the checksum is not of its algorithm")
    return Checksum(algorithm, digest)


def read_metadata(text: str) -> Mapping[str, bytes]:
    """Return the pairs of ``Upload-Metadata``, values decoded.

    Raises:
        UploadNotValid: too long, too many, a key twice or malformed, a value that is no base64.
    """
    if len(text) > METADATA_CHARACTERS_MAX:
        raise UploadNotValid(f"Upload-Metadata is over {METADATA_CHARACTERS_MAX} characters")
    found: dict[str, bytes] = {}
    for pair in text.split(",") if text.strip() else ():
        key, _, encoded = pair.strip().partition(" ")
        value = _decoded(encoded.strip())
        if _KEY.fullmatch(key) is None or key in found or value is None:
            raise UploadNotValid("Upload-Metadata is not of the form")
        found[key] = value
        if len(found) > KEYS_MAX:
            raise UploadNotValid(f"Upload-Metadata has over {KEYS_MAX} keys")
    return MappingProxyType(found)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def read_claim(metadata: Mapping[str, bytes]) -> Claim:
    """Return what the metadata say: ``manifest``, ``recording_id``, or ``camera`` and a time.

    The time is ``started_at`` (RFC 3339), or else stands in ``filename`` as cameras write it.

    Raises:
        UploadNotValid: neither is there, or it is malformed.
    """
    if metadata.get("manifest"):
        return Claim(manifest=metadata["manifest"])
    if metadata.get("recording_id"):
        try:
            return Claim(recording_id=UUID(_text(metadata, "recording_id")))
        except ValueError as error:
            raise UploadNotValid("recording_id is no identifier") from error
    serial = _text(metadata, "camera")
    said = _text(metadata, "started_at")
    named = spans_in_names(_text(metadata, "filename"))
    began = read_instant(said) if said else (named[0] if named else None)
    ended = read_instant(_text(metadata, "ended_at"))
    if not serial or began is None:
        raise UploadNotValid("neither a manifest nor a camera and a time")
    if ended is not None and not began < ended <= began + _SPAN_MAX:
        raise UploadNotValid("ended_at is not within a week after started_at")
    return Claim(camera_serial=serial, started_at=began, ended_at=ended)


def _text(metadata: Mapping[str, bytes], key: str) -> str:
    try:
        text = metadata.get(key, b"").decode()
    except UnicodeDecodeError as error:
        raise UploadNotValid(f"{key} is not UTF-8") from error
    if len(text) > 256 or any(ord(one) < ord(" ") for one in text):  # noqa: PLR2004 - as a name
        raise UploadNotValid(f"{key} is too long or holds a control character")
    return text

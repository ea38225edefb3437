"""Version 1 of the protocol between the server and a docking station: JSON over HTTPS.

A part of an upload is a block of the manifest. Order: ``GET hello`` → ``POST announce`` (answers
which parts are missing and where each goes) → ``PUT`` of the head, where the plan asks for it →
``PUT`` of each part in the order of the plan → ``POST complete`` (answers the signed receipt).
Every step may be repeated and is answered as the first time.
"""

import enum
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from bodycam.wire.manifest import (
    HEAD_BYTES_MAX,
    Instant,
    Manifest,
    Message,
    Sha256Hex,
    SignatureText,
)

VERSION: Final = 1
PREFIX: Final = "/device/dock/v1"  # every path below hangs here
PATH_HELLO: Final = PREFIX + "/hello"
PATH_ANNOUNCE: Final = PREFIX + "/recordings"
PATH_STATUS: Final = PREFIX + "/recordings/{recording_id}/status"
PATH_PART: Final = PREFIX + "/recordings/{recording_id}/parts/{part_number}"
PATH_HEAD: Final = PREFIX + "/recordings/{recording_id}/head"
PATH_COMPLETE: Final = PREFIX + "/recordings/{recording_id}/complete"
CREDENTIAL_HEADER: Final = "Device-Credential"  # "<device id>.<secret>"
DIGEST_HEADER: Final = "Content-Digest"  # RFC 9530, sha-256
# Of the answer to hello: the base for a part's relative ``url`` where it is not the server's own.
PARTS_URL_HEADER: Final = "Parts-Url"
ANNOUNCE_BYTES_MAX: Final = 12 << 20  # a manifest of 26 hours with a point a second: 9.5 MiB
DIFFERING_MAX: Final = 10_000


class State(enum.Enum):
    """How far a recording is, as the dock needs to know it."""

    RECEIVING = "receiving"  # parts are missing, or all are there and ``complete`` is due
    STORED = "stored"  # the receipt may be fetched by ``complete``


class Hello(Message):
    """Who the server is. The dock keeps the key at the first hello and refuses another later."""

    version: Literal[1] = 1
    server_time: Instant
    receipt_key: str = Field(description="Ed25519 public key, 32 bytes in base64", max_length=44)
    parallel_parts_max: int = Field(ge=1, le=16)


class DifferingBlock(Message):
    """A block whose bytes on the camera are not those that the camera signed."""

    number: int = Field(ge=0, lt=DIFFERING_MAX)
    sha256: Sha256Hex


class Announce(Message):
    """A recording that lies on a camera in the dock.

    Attributes:
        found_bytes: size of the file as it is. Other than the manifest says: declared truncated
            or overgrown, and taken as it is.
        differing: blocks that were read twice and are not what the manifest says. A block that
            is cut short by ``found_bytes`` is listed here too.
    """

    manifest: Manifest
    signature: SignatureText
    found_bytes: int = Field(ge=0)
    differing: tuple[DifferingBlock, ...] = Field(default=(), max_length=DIFFERING_MAX)


class PartTarget(Message):
    """Where one missing part goes: a ``PUT`` of exactly ``size_bytes`` with these headers.

    A relative ``url`` is the server's own and needs the device credential; hello may name another
    base for it. An absolute one is the object store's, already signed, and must be sent without.
    """

    number: int = Field(ge=0)
    size_bytes: int = Field(ge=1)
    url: str = Field(max_length=4096)
    headers: dict[str, str]


class HeadTarget(Message):
    """Where the head goes, before all bulk: a ``PUT`` of the file as it lies on the camera."""

    size_bytes: int = Field(ge=1, le=HEAD_BYTES_MAX)
    url: str = Field(max_length=4096)
    headers: dict[str, str]


class UploadPlan(Message):
    """What the server still wants. A long plan comes in pages: ask again when it is done.

    Attributes:
        parts: in the order in which they are to go. Where somebody waits for some of them alone,
            the page holds these and no other.
        wanted_until: somebody waits for the parts of this page, and until when; the dock sends
            what is wanted soonest first. ``None``: nobody waits.
        head: the head that a manifest of version 2 names and the server has not. Left out where
            there is none: docks of before know no such field.
        kept: blocks that the server holds as the camera signed them, though the dock declares
            that the card gives them otherwise or not at all: ``found_bytes`` and the receipt
            cover them as signed. Left out where there are none, as ``head``.
    """

    recording_id: UUID
    state: State
    found_bytes: int
    acknowledged: tuple[int, ...]
    parts: tuple[PartTarget, ...]
    wanted_until: Instant | None = None
    head: HeadTarget | None = None
    kept: tuple[int, ...] = ()

    @model_serializer(mode="wrap")
    def _without_what_is_not(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = write(self)
        if self.head is None:
            del fields["head"]
        if not self.kept:
            del fields["kept"]
        return fields


class HeadStored(Message):
    """The head is kept, synced; it is believed only once the bulk has confirmed it."""

    recording_id: UUID
    sha256: Sha256Hex


class PartStored(Message):
    """The bytes of the part are on disk, synced."""

    number: int
    sha256: Sha256Hex


class Status(Message):
    """Which parts are acknowledged."""

    recording_id: UUID
    state: State
    found_bytes: int
    acknowledged: tuple[int, ...]


class Problem(Message):
    """The part of a problem details answer (RFC 9457) that the dock reads."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    code: str = ""
    title: str = ""
    cure: str = ""

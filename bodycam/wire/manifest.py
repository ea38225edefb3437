"""What a camera says of one recording, and what the server says when it has stored it.

Both are signed with Ed25519 over ``signed_bytes``: a line that names the kind of document, then
its canonical JSON. The line keeps a signature under one kind from passing for another.
"""

import enum
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from bodycam.wire.canonical import canonical_json
from bodycam.wire.digests import BLOCK_SIZE_BYTES, block_count

RECORDING_HOURS_MAX: Final = 26  # a camera runs for 24 hours at most; two for a late return
TRACK_POINTS_MAX: Final = 93_600  # one a second for that time
EVENTS_MAX: Final = 5_000  # one each twenty seconds for that time
HEAD_BYTES_MAX: Final = 16 << 20  # 48 key frames of 200 KB and the index of 26 hours
_BLOCKS_MAX: Final = 10_000  # S3 takes no more parts
_SIZE_BYTES_MAX: Final = _BLOCKS_MAX * BLOCK_SIZE_BYTES
_MANIFEST_LINES: Final = {
    1: b"saqshy/camera-manifest/v1\n",
    2: b"saqshy/camera-manifest/v2\n",
}
_SINCE_VERSION_2: Final = ("events", "head_sha256", "head_bytes")
_RECEIPT_LINE: Final = b"saqshy/storage-receipt/v1\n"


def _in_utc_milliseconds(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs its zone")
    instant = instant.astimezone(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def instant_text(instant: datetime) -> str:
    """Return ``instant`` in the one form that is signed: UTC, milliseconds, ``Z``."""
    return (
        instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        + f"{instant.microsecond // 1000:03d}Z"
    )


Instant = Annotated[
    datetime, AfterValidator(_in_utc_milliseconds), PlainSerializer(instant_text, when_used="json")
]
Sha256Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
SignatureText = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{86}==$")]  # 64 bytes in base64


class Message(BaseModel):
    """The base of every message: frozen, and deaf to fields it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TrackPoint(Message):
    """Where the camera was. Degrees of WGS 84 in whole ten-millionths (about a centimetre)."""

    at: Instant
    latitude_e7: int = Field(ge=-900_000_000, le=900_000_000)
    longitude_e7: int = Field(ge=-1_800_000_000, le=1_800_000_000)


class EventKind(enum.Enum):
    """What a camera notes of itself while it records."""

    TRIGGER_ON = "trigger_on"  # something but a hand began a recording: a holster, a siren
    TRIGGER_OFF = "trigger_off"
    BUTTON = "button"
    LOW_BATTERY = "low_battery"  # ``value``: percent left
    CARD_REMOVED = "card_removed"
    CARD_INSERTED = "card_inserted"
    CLOCK_SET = "clock_set"  # ``value``: by how many milliseconds forward
    LENS_COVERED = "lens_covered"
    LENS_FREE = "lens_free"
    MUTED = "muted"
    UNMUTED = "unmuted"
    FALL = "fall"


class CameraEvent(Message):
    """Something that the camera noted; ``value`` means what its kind says."""

    at: Instant
    kind: EventKind
    value: int | None = Field(default=None, ge=-(2**53) + 1, le=2**53 - 1)


class Manifest(Message):
    """One recording as its camera closed it. Instants are those of the camera's own clock.

    Version 2 has events, and may name a *head* (``bodycam.wire.head``); the form of version 1
    is what it was, to the byte.

    Attributes:
        events: in the order of time; two may have one instant.
        head_sha256: digest of the head that lies beside the recording, and ``head_bytes`` its
            size; neither where there is none.
        blocks: SHA-256 of each block of ``block_size_bytes``, in order.
        merkle_root: tree hash over ``blocks`` (RFC 6962).
        clock_drift_ms: camera clock minus true time at the last comparison; positive is fast.
        previous_manifest_sha256: digest of the canonical form of the camera's manifest before
            this one, so that a recording taken out of the row is missed.
    """

    version: Literal[1, 2] = 1
    recording_id: UUID
    camera_id: UUID
    started_at: Instant
    ended_at: Instant
    size_bytes: int = Field(ge=0, le=_SIZE_BYTES_MAX)
    block_size_bytes: Literal[8388608] = 8388608  # BLOCK_SIZE_BYTES, spelled out for the type
    blocks: tuple[Sha256Hex, ...] = Field(max_length=_BLOCKS_MAX, repr=False)
    merkle_root: Sha256Hex
    clock_drift_ms: int = Field(ge=-86_400_000, le=86_400_000)
    battery_percent: int = Field(ge=0, le=100)
    track: tuple[TrackPoint, ...] = Field(max_length=TRACK_POINTS_MAX, repr=False)
    previous_manifest_sha256: Sha256Hex | None
    events: tuple[CameraEvent, ...] = Field(default=(), max_length=EVENTS_MAX, repr=False)
    head_sha256: Sha256Hex | None = None
    head_bytes: int | None = Field(default=None, ge=1, le=HEAD_BYTES_MAX)

    @model_serializer(mode="wrap")
    def _as_of_its_version(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # A signature of version 1 is over bytes that do not know the later names.
        fields: dict[str, Any] = write(self)
        if self.version == 1:
            for name in _SINCE_VERSION_2:
                del fields[name]
        return fields

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (
            not timedelta(0)
            < self.ended_at - self.started_at
            <= timedelta(hours=RECORDING_HOURS_MAX)
        ):
            raise ValueError(f"a recording lasts over 0 and up to {RECORDING_HOURS_MAX} hours")
        if len(self.blocks) != block_count(self.size_bytes):
            raise ValueError("the number of blocks does not fit the size")
        instants = [point.at for point in self.track]
        if any(later <= earlier for earlier, later in pairwise(instants)):
            raise ValueError("the points of the track do not follow each other in time")
        if instants and not self.started_at <= instants[0] <= instants[-1] <= self.ended_at:
            raise ValueError("a point of the track lies outside the recording")
        self._check_version_2()
        return self

    def _check_version_2(self) -> None:
        if self.version == 1 and (self.events or self.head_sha256 or self.head_bytes):
            raise ValueError("events and a head need version 2")
        if (self.head_sha256 is None) != (self.head_bytes is None):
            raise ValueError("a head has a digest and a size, or neither")
        noted = [event.at for event in self.events]
        if any(later < earlier for earlier, later in pairwise(noted)):
            raise ValueError("the events do not follow each other in time")
        if noted and not self.started_at <= noted[0] <= noted[-1] <= self.ended_at:
            raise ValueError("an event lies outside the recording")

    def canonical(self) -> bytes:
        """Return the canonical JSON of the manifest."""
        return canonical_json(self.model_dump(mode="json"))

    def signed_bytes(self) -> bytes:
        """Return what the camera's Ed25519 key signs."""
        return _MANIFEST_LINES[self.version] + self.canonical()


class Receipt(Message):
    """The server's word that exactly these bytes are stored and synced to disk.

    Attributes:
        merkle_root: tree hash over the blocks *as stored*; equals the manifest's for a whole
            recording.
        whole: ``False`` where the stored bytes are not what the camera signed.
    """

    version: Literal[1] = 1
    recording_id: UUID
    merkle_root: Sha256Hex
    size_bytes: int = Field(ge=0, le=_SIZE_BYTES_MAX)
    stored_at: Instant
    whole: bool

    def signed_bytes(self) -> bytes:
        """Return what the server's Ed25519 receipt key signs."""
        return _RECEIPT_LINE + canonical_json(self.model_dump(mode="json"))


class SignedReceipt(Message):
    """A receipt with the signature of the server's receipt key."""

    receipt: Receipt
    signature: SignatureText

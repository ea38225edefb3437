"""What a camera says of one recording, and what the server says when it has stored it.

Both are signed with Ed25519 over ``signed_bytes``: a line that names the kind of document, then
its canonical JSON. The line keeps a signature under one kind from passing for another.
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, model_validator

from bodycam.wire.canonical import canonical_json
from bodycam.wire.digests import BLOCK_SIZE_BYTES, block_count

RECORDING_HOURS_MAX: Final = 26  # a camera runs for 24 hours at most; two for a late return
TRACK_POINTS_MAX: Final = 93_600  # one a second for that time
_BLOCKS_MAX: Final = 10_000  # S3 takes no more parts
_SIZE_BYTES_MAX: Final = _BLOCKS_MAX * BLOCK_SIZE_BYTES
_MANIFEST_LINE: Final = b"saqshy/camera-manifest/v1\n"
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


class Manifest(Message):
    """One recording as its camera closed it. Instants are those of the camera's own clock.

    Attributes:
        blocks: SHA-256 of each block of ``block_size_bytes``, in order.
        merkle_root: tree hash over ``blocks`` (RFC 6962).
        clock_drift_ms: camera clock minus true time at the last comparison; positive is fast.
        previous_manifest_sha256: digest of the canonical form of the camera's manifest before
            this one, so that a recording taken out of the row is missed.
    """

    version: Literal[1] = 1
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
        return self

    def canonical(self) -> bytes:
        """Return the canonical JSON of the manifest."""
        return canonical_json(self.model_dump(mode="json"))

    def signed_bytes(self) -> bytes:
        """Return what the camera's Ed25519 key signs."""
        return _MANIFEST_LINE + self.canonical()


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

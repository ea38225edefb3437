"""Shapes of the staff routes of the slice."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bodycam.rules.life_cycle import ComplaintKind, ComplaintStatus, RecordingStatus
from bodycam.rules.places import RADIUS_METERS_MAX


class Complainant(BaseModel):
    """Who complains, and how he is answered. Stored, and shown in no log."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=200, repr=False)
    contact: str = Field(min_length=1, max_length=200, repr=False)


class ComplaintBody(BaseModel):
    """A complaint as the reviewer registers it."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    kind: ComplaintKind = ComplaintKind.COMPLAINT
    place: str = Field(min_length=1, max_length=200)
    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False)
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False)
    radius_m: int = Field(default=150, ge=1, le=RADIUS_METERS_MAX)
    seen_from: AwareDatetime = Field(alias="from")
    seen_to: AwareDatetime = Field(alias="to")
    text: str = Field(min_length=1, max_length=8000, repr=False)
    complainant: Complainant


class RecordingAnswer(BaseModel):
    """A recording without its footage."""

    model_config = ConfigDict(from_attributes=True)

    recording_id: UUID
    camera_id: UUID
    post_id: UUID | None
    status: RecordingStatus
    playable: bool
    started_at: datetime
    ended_at: datetime
    duration_ms: int | None
    size_bytes: int
    declared_bytes: int
    merkle_root: str | None
    manifest_sha256: str
    predecessor_known: bool
    names_predecessor: bool
    door: str
    damage: list[dict[str, Any]]
    quarantine_reason: str | None
    stored_at: datetime | None


class FoundAnswer(BaseModel):
    """A recording that passed the place, and the second in it that first shows the place."""

    model_config = ConfigDict(from_attributes=True)

    recording: RecordingAnswer
    first_at: datetime
    last_at: datetime
    first_offset_seconds: float
    last_offset_seconds: float


class ComplaintLine(BaseModel):
    """A complaint in a list."""

    model_config = ConfigDict(from_attributes=True)

    complaint_id: UUID
    number: str
    kind: ComplaintKind
    status: ComplaintStatus
    registered_at: datetime
    due_on: date
    place: str
    seen_from: datetime
    seen_to: datetime


class ComplaintAnswer(ComplaintLine):
    """A complaint with what was found."""

    latitude: float
    longitude: float
    radius_m: int
    text: str
    complainant_name: str
    complainant_contact: str
    recordings: list[FoundAnswer]
    uncertain: list[RecordingAnswer]

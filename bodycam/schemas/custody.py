"""Shapes of the routes of retention and hold."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from bodycam.rules.life_cycle import RecordingStatus
from bodycam.rules.retention import Category, Complained, HoldReason, KeptBecause


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class HoldBody(_Shape):
    """Why a recording must not go."""

    reason: HoldReason
    case_number: str = Field(min_length=1, max_length=64, repr=False)


class HoldMade(_Shape):
    """The hold's id."""

    hold_id: UUID


class CategoryBody(_Shape):
    """Another category, and why."""

    category: Category
    grounds: str = Field(min_length=1, max_length=1000, repr=False)


class ChangeShape(_Shape):
    """A change of category. One to be signed has a document; one done at once has none."""

    change_id: UUID
    applied: bool
    document_base64: str | None


class SignatureBody(_Shape):
    """A detached CMS signature over the document, DER in base64."""

    cms: Annotated[str, Field(max_length=90_000, pattern=r"^[A-Za-z0-9+/]+={0,2}$", repr=False)]


class KeepBody(_Shape):
    """Until when an expiring recording is kept at least."""

    until: date


class PermissionBody(_Shape):
    """Which expiring recordings may be destroyed."""

    recording_ids: tuple[UUID, ...] = Field(min_length=1, max_length=200)


class Permitted(_Shape):
    """How many deletions were permitted."""

    count: int


class HoldShape(_Shape):
    """A hold."""

    hold_id: UUID
    reason: HoldReason
    case_number: str
    placed_at: datetime
    released_at: datetime | None


class ExpiringShape(_Shape):
    """An expiring recording."""

    recording_id: UUID
    category: Category
    started_at: datetime
    ended_at: datetime
    expiring_since: datetime | None
    permitted_at: datetime | None


class CustodyShape(_Shape):
    """What keeps a recording, and until when."""

    recording_id: UUID
    status: RecordingStatus
    category: Category
    rule: str
    kept_until: date | None
    because: KeptBecause | None
    complained: Complained
    expiring_since: datetime | None
    holds: tuple[HoldShape, ...]
    destroyed_at: datetime | None
    manifest_sha256: str
    stored_root: str | None


class FaultShape(_Shape):
    """Stored bytes found changed; without blocks the object is gone or has another size."""

    recording_id: UUID
    blocks: tuple[int, ...]
    found_at: datetime

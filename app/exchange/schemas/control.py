"""Shapes of departmental control's routes."""

import base64
import binascii
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from app.exchange.rules.control import MARK_TEXT_MAX, Mark
from app.exchange.rules.control_report import Towards
from app.exchange.rules.retention import HoldReason

_CMS_CHARACTERS_MAX = 96 * 1024  # a signature of 64 KiB in base64, with room
_MARKED_AT_ONCE_MAX = 200


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReviewShape(_Shape):
    """A signed review."""

    version: int
    reviewer_id: UUID
    reviewer: str
    signed_at: datetime
    document_sha256: str


class ReportShape(_Shape):
    """A report of a month."""

    report_id: UUID
    month: str
    official_id: UUID | None
    official: str
    due_on: date
    overdue: bool
    passed_up_at: datetime | None
    may: Towards
    reviews: tuple[ReviewShape, ...]


class ReportsAnswer(_Shape):
    """The reports that the caller may see."""

    reports: tuple[ReportShape, ...]


class LineShape(_Shape):
    """One request; the subject is masked."""

    request_id: UUID
    officer_id: UUID
    officer: str
    badge: str
    unit: str
    device: str
    number: int
    received_at: datetime
    astana_time: str
    basis: str
    numbers: dict[str, str]
    services: tuple[str, ...]
    subject_kind: str | None
    subject: Annotated[str, Field(repr=False)]
    hit: bool | None
    shown: int
    printed: int
    exported: int
    unmasked: int
    order_document: str | None
    order_document_sha256: str | None
    order_document_shown: int
    extended_asked: bool
    extended: Annotated[str, Field(repr=False)]
    abandoned: bool
    register_verdict: str
    second_person: str | None
    objection: Annotated[str, Field(repr=False)]
    held: bool
    status: str
    refusal: str | None
    flags: tuple[str, ...]
    mark: Mark | None
    mark_text: str
    leaf_index: int | None


class LinesAnswer(_Shape):
    """A page of a report; ``after`` asks for the next one."""

    report: ReportShape
    lines: tuple[LineShape, ...]
    after: str | None


class OfficerShape(_Shape):
    """An officer's running numbers: ranges, both ends included."""

    officer_id: UUID
    officer: str
    requests: int
    last_number: int
    closing_leaf_index: int | None
    here: tuple[tuple[int, int], ...]
    missing: tuple[tuple[int, int], ...]
    beyond: tuple[tuple[int, int], ...]


class SummaryAnswer(_Shape):
    """What a report amounts to."""

    requests: int
    complete: bool
    flagged: int
    abandoned: int
    international: int
    own_marks_missing: int
    by_basis: dict[str, int]
    by_status: dict[str, int]
    by_flag: dict[str, int]
    by_mark: dict[str, int]
    officers: tuple[OfficerShape, ...]


class MarkBody(_Shape):
    """What the reviewer says of requests."""

    request_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=_MARKED_AT_ONCE_MAX)]
    mark: Mark
    text: Annotated[str, Field(max_length=MARK_TEXT_MAX)] = ""


class _Said(_Shape):
    text: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=MARK_TEXT_MAX),
        Field(repr=False),
    ]


class HoldBody(_Said):
    """Why a request must be kept: a complaint, a case, an inspection."""

    reason: HoldReason


class ReleaseBody(_Said):
    """Why the hold may end."""


class HeldAnswer(_Shape):
    """A hold that was just set."""

    hold_id: UUID


class SubjectAnswer(_Shape):
    """Whom or what a request was about, in clear."""

    subject: Annotated[dict[str, str], Field(repr=False)]


class DocumentAnswer(_Shape):
    """What is to be signed: the bytes in base64 and their hash."""

    version: int
    document: str
    document_sha256: str


class ReviewBody(_Shape):
    """A detached CMS signature over the document, DER in base64."""

    document_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    cms: Annotated[str, Field(max_length=_CMS_CHARACTERS_MAX, repr=False)]

    @field_validator("cms")
    @classmethod
    def _base64(cls, value: str) -> str:
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("not base64") from None
        return value

    @property
    def der(self) -> bytes:
        """The signature's bytes."""
        return base64.b64decode(self.cms)


class ReviewAnswer(_Shape):
    """A review that was just signed."""

    version: int
    document_sha256: str

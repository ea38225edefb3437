"""Shapes of the routes of coverage."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bodycam.rules.coverage import CoverageKind, Ending, GapReason
from bodycam.rules.coverage_cases import CaseStatus


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class PauseBody(_Shape):
    """A pause that the duty officer permits, from now on."""

    reason: str = Field(pattern="^(rest|meal)$")
    until: AwareDatetime


class PauseMade(_Shape):
    """The pause's id."""

    pause_id: UUID


class ExplanationBody(_Shape):
    """Why there is a gap."""

    explanation: str = Field(min_length=1, max_length=2000, repr=False)


class ClosingBody(_Shape):
    """Whether the explanation is believed, and what follows."""

    believed: bool
    conclusion: str = Field(min_length=1, max_length=2000, repr=False)


class DayLineShape(_Shape):
    """What became of one camera on one day, in whole seconds."""

    assignment_id: UUID
    camera_number: str
    post_id: UUID
    issued_at: datetime
    ended_at: datetime
    ending: Ending
    examined: bool
    recorded_seconds: int
    paused_seconds: int
    gap_seconds: int
    gaps: dict[str, int]
    cases_open: int


class DayShape(_Shape):
    """The day of a unit."""

    day: date
    lines: tuple[DayLineShape, ...]


class IntervalShape(_Shape):
    """One stretch of time."""

    start: datetime
    end: datetime
    kind: CoverageKind
    reason: GapReason | None
    recording_id: UUID | None


class CaseShape(_Shape):
    """A gap that must be explained."""

    case_id: UUID
    assignment_id: UUID
    status: CaseStatus
    reason: GapReason
    starts_at: datetime
    ends_at: datetime
    opened_at: datetime
    explanation: str | None
    conclusion: str | None


class LedgerShape(_Shape):
    """One camera's time in full."""

    assignment_id: UUID
    camera_number: str
    starts_at: datetime
    ends_at: datetime
    ending: Ending
    settled: bool
    examined: bool
    intervals: tuple[IntervalShape, ...]
    findings: list[dict[str, Any]]
    cases: tuple[CaseShape, ...]

"""Shapes of refunds, settlement files and cases."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from fines.schemas.records import Sent


class RefundIn(Sent):
    """What is to be given back of a payment, and why."""

    amount_tiyn: int = Field(gt=0, le=10**12)
    reason: Literal["paid_twice", "decision_cancelled", "amount_wrong", "not_the_offender"]
    note: str = Field(min_length=1, max_length=500)


class DecisionIn(Sent):
    """Whether a refund is approved."""

    approve: bool
    note: str = Field(default="", max_length=500)


class RefundOut(BaseModel):
    """A refund just asked for or decided."""

    refund_id: UUID
    status: str


class InstructionOut(BaseModel):
    """An instruction to the acquirer: fetch it by any refund it holds."""

    count: int
    refund_instruction: UUID | None


class ImportedOut(BaseModel):
    """What came of a file."""

    rows: int
    sum_tiyn: int
    again: bool
    verdicts: dict[str, int]


class ExplanationIn(Sent):
    """Why a difference is there."""

    text: str = Field(min_length=3, max_length=2000)


class OverrideIn(Sent):
    """Why a terminal is handed in unmatched."""

    text: str = Field(min_length=3, max_length=500)


class ConclusionIn(Sent):
    """Whether the explanation stands; if not, the case is open again."""

    accept: bool
    text: str = Field(min_length=3, max_length=2000)


class CaseOut(BaseModel):
    """Where a case stands."""

    case_id: UUID
    status: str
    opened_at: datetime

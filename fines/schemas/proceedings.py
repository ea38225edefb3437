"""Shapes of ordinary proceedings."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from fines.schemas.records import Sent


class HandOnIn(Sent):
    """Where the case went, and under which number."""

    outgoing_number: str = Field(min_length=1, max_length=64)
    addressee: Literal["court", "police"]


class DecisionIn(Sent):
    """What was decided. ``in_force_on`` is left out while it is not known.

    ``fine_tiyn`` is nought where no fine was imposed; ``term_ends_on`` is the last day of an
    arrest, a loss of the licence or public works. Of two with a term, the one that ends last is
    named.
    """

    decision_number: str = Field(min_length=1, max_length=64)
    decided_on: date
    penalty: Literal["none", "warning", "fine", "arrest", "licence_loss", "public_works"] = "fine"
    fine_tiyn: int = Field(ge=0, le=10**12)
    term_ends_on: date | None = None
    in_force_on: date | None = None


class InForceIn(Sent):
    """The day from which a decision is in force."""

    in_force_on: date


class AppealEndIn(Sent):
    """How an appeal ended: the decision stands from a day, or the case is closed."""

    upheld: bool
    in_force_on: date


class HandOverIn(Sent):
    """The number under which the decision went to enforcement."""

    outgoing_number: str = Field(min_length=1, max_length=64)


class CaseOut(BaseModel):
    """A case of the unit, with its clock. It names nobody."""

    offence_record_id: UUID
    number: str
    citation: str
    ground: str
    stage: str
    began_at: datetime
    due_at: datetime | None
    overdue: bool
    suspended: bool
    decision_number: str | None
    penalty: str | None
    fine_tiyn: int | None
    term_ends_on: date | None
    in_force_on: date | None


class CasesOut(BaseModel):
    """The open cases of the unit, the first due in front."""

    cases: list[CaseOut]

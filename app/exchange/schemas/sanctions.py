"""Shapes of the routes of court sanctions."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.exchange.rules.number_formats import (
    JUSTIFICATION_LENGTH_MAX,
    NAME_LENGTH_MAX,
    NUMBER_LENGTH_MAX,
)
from app.exchange.rules.sanctions import SanctionStatus
from app.exchange.wire.cases import CaseRegister
from app.exchange.wire.registers import RegisterName


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SanctionBody(_Shape):
    """A request for a court's sanction: one subject in one case, for some services."""

    register_name: CaseRegister = Field(alias="register")
    case_number: Annotated[str, Field(max_length=4 * NUMBER_LENGTH_MAX, repr=False)]
    court: Annotated[str, Field(max_length=2 * NAME_LENGTH_MAX)]
    services: Annotated[tuple[RegisterName, ...], Field(min_length=1, max_length=len(RegisterName))]
    iin: Annotated[str | None, Field(max_length=32, repr=False)] = None
    bin: Annotated[str | None, Field(max_length=32, repr=False)] = None
    grounds: Annotated[str, Field(max_length=2 * JUSTIFICATION_LENGTH_MAX, repr=False)]


class SanctionMade(_Shape):
    """The draft's id."""

    sanction_id: UUID


class SanctionShape(_Shape):
    """A sanction without whom it is about."""

    sanction_id: UUID
    status: SanctionStatus
    register_name: CaseRegister = Field(serialization_alias="register")
    case_number: Annotated[str, Field(repr=False)]
    court: str
    services: tuple[str, ...]
    eaias_number: str | None
    decision_number: str | None
    decided_at: datetime | None
    valid_until: datetime | None
    created_at: datetime


class SanctionsShape(_Shape):
    """The caller's own sanctions, the newest first."""

    sanctions: tuple[SanctionShape, ...]


class StepShape(_Shape):
    """One step of a sanction."""

    status: SanctionStatus
    at: datetime


class SanctionViewShape(SanctionShape):
    """A sanction with its steps and the bytes that are signed and sent to the court."""

    steps: tuple[StepShape, ...]
    document_base64: Annotated[str, Field(repr=False)]
    document_sha256: str

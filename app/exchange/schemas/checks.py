"""Shapes of the exchange's routes for officers."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.exchange.rules.mrz import INPUT_LENGTH_MAX as MRZ_LENGTH_MAX
from app.exchange.rules.mrz import LINES
from app.exchange.rules.number_formats import JUSTIFICATION_LENGTH_MAX
from app.exchange.rules.plates import INPUT_LENGTH_MAX as PLATE_LENGTH_MAX
from app.exchange.rules.requests import PartStatus
from app.exchange.rules.subjects import Position
from app.exchange.wire.registers import RegisterName

JUSTIFICATION_MAX = 2 * JUSTIFICATION_LENGTH_MAX  # over the limit by little: refused with words


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IdentityShape(_Shape):
    """Who is to be checked: the IIN as typed, or the three lines on the back of the card."""

    iin: Annotated[str | None, Field(max_length=32, repr=False)] = None
    mrz: Annotated[
        tuple[Annotated[str, Field(max_length=MRZ_LENGTH_MAX)], ...] | None,
        Field(max_length=LINES + 1, repr=False),
    ] = None


class CheckRequest(_Shape):
    """A roadside check. What is missing or misread is refused by the gates, and recorded."""

    identity: IdentityShape = IdentityShape()
    plate: Annotated[str | None, Field(max_length=2 * PLATE_LENGTH_MAX, repr=False)] = None
    stop_ground: Annotated[str, Field(max_length=32)] = ""
    justification: Annotated[str, Field(max_length=JUSTIFICATION_MAX, repr=False)] = ""
    latitude: Annotated[float | None, Field(ge=-90, le=90, repr=False)] = None
    longitude: Annotated[float | None, Field(ge=-180, le=180, repr=False)] = None

    @model_validator(mode="after")
    def _whole_position(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("half a position")
        return self

    @property
    def position(self) -> Position | None:
        """Where the tablet stands, if it says so."""
        if self.latitude is None or self.longitude is None:
            return None
        return Position(latitude=self.latitude, longitude=self.longitude)


class PartShape(_Shape):
    """What became of the question to one register; ``data`` only where it is found."""

    register_name: RegisterName = Field(alias="register")
    status: PartStatus
    asked_ms: float | None
    data: Annotated[dict[str, object] | None, Field(repr=False)]


class CheckResponse(_Shape):
    """A released check. ``complete`` is false where a register asked did not answer."""

    check_id: UUID
    verdict: str
    basis: str
    rule_set: str
    stop_ground: str
    received_at: datetime
    iin: Annotated[str, Field(repr=False)]
    plate: Annotated[str | None, Field(repr=False)]
    document_number: Annotated[str | None, Field(repr=False)]
    document_expires_on: date | None
    cautions: tuple[str, ...]
    complete: bool
    parts: tuple[PartShape, ...]
    decision_leaf_index: int
    leaf_index: int

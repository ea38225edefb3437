"""Shapes of what terminals count."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel


class BrandTotalsOut(BaseModel):
    """What a terminal counted of one brand."""

    count: int
    sum_tiyn: int


class TotalsOut(BaseModel):
    """One closed batch of a terminal, in its own words."""

    order_id: UUID
    terminal_number: str
    closed_at: datetime
    receipt_from: int | None
    receipt_to: int | None
    count: int
    sum_tiyn: int
    brands: dict[str, BrandTotalsOut]
    reported_at: datetime


class TotalsListOut(BaseModel):
    """A terminal's last closed batches, newest first."""

    totals: list[TotalsOut]


class TotalsOrderOut(BaseModel):
    """The order that a terminal close its day."""

    order_id: UUID
    ordered_at: datetime

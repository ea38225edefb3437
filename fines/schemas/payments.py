"""Shapes of payments, slips and papers."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from fines.schemas.records import Sent


class PaymentIn(Sent):
    """What is to be paid; the server computes the sum."""

    offence_record_id: UUID


class PaymentBegunOut(BaseModel):
    """A payment just begun; ask for it to see how it goes on."""

    payment_id: UUID
    status: str
    amount_tiyn: int


class SlipOut(BaseModel):
    """A slip of a payment and where to see it."""

    slip_id: UUID
    kind: str
    copy_number: int
    duplicate: int
    printed_at: datetime | None
    pdf_url: str
    png_url: str


class DuplicateOut(BaseModel):
    """A duplicate that was ordered; ``duplicate`` is its number."""

    slip_id: UUID
    kind: str
    copy_number: int
    duplicate: int
    printed_at: datetime | None


class PaymentOut(BaseModel):
    """A payment as the tablet shows it. ``paid`` is true once the terminal keeps the sale."""

    payment_id: UUID
    offence_record_id: UUID
    status: str
    reason: str
    reason_kk: str
    reason_ru: str
    paid: bool
    owner_verdict: str | None
    amount_tiyn: int
    rounding: str
    rrn: str | None
    approval_code: str | None
    card_masked: str | None
    card_brand: str | None
    created_at: datetime
    approved_at: datetime | None
    confirmed_at: datetime | None
    ended_at: datetime | None
    signed_at: datetime | None
    filed_at: datetime | None
    slips: list[SlipOut]


class FilingOut(BaseModel):
    """Where the signed second slip stands."""

    payment_id: UUID
    status: str
    signed_at: datetime | None
    filed_at: datetime | None


class VerificationOut(BaseModel):
    """What a paper is good for; nothing of the person."""

    known: bool
    paper: str | None = None
    amount_tiyn: int | None = None
    paid: bool | None = None
    paid_at: datetime | None = None
    receipt_number: str | None = None
    discount_until: datetime | None = None
    status: str | None = None

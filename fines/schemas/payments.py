"""Shapes of payments, slips and papers."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from fines.schemas.records import Sent


class PaymentIn(Sent):
    """What is to be paid; the server computes the sum.

    A record of the officer's own by its id; one of another officer by its id and the officer's
    own check of the person; a fine of the register by that check and the decision's number.
    """

    offence_record_id: UUID | None = None
    check_id: UUID | None = None
    decision_number: str = Field(default="", max_length=64)

    @model_validator(mode="after")
    def _names_one_fine(self) -> Self:
        by_register = self.check_id is not None and bool(self.decision_number)
        if (self.offence_record_id is not None) == by_register:
            raise ValueError("name a record, or a check and the number of its fine")
        if self.decision_number and not by_register:
            raise ValueError("a decision's number needs the check that names it")
        return self


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
    doubted_at: datetime | None = Field(description="may have come out; a duplicate stands in")
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
    offence_record_id: UUID | None
    register_fine_id: UUID | None
    status: str
    reason: str
    reason_kk: str
    reason_ru: str
    paid: bool
    owner_verdict: str | None
    amount_tiyn: int
    full_tiyn: int
    discount_tiyn: int
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


class OldFineOut(BaseModel):
    """An old fine of the person checked; ``reason`` says why it cannot be paid now."""

    source: str
    offence_record_id: UUID | None
    decision_number: str
    citation: str
    decided_on: date
    payable: bool
    reason: str
    amount_tiyn: int
    full_tiyn: int
    discount_tiyn: int


class OldFinesOut(BaseModel):
    """The old fines of the person checked. ``register_silent``: theirs may be more."""

    fines: list[OldFineOut]
    register_silent: bool


class FilingOut(BaseModel):
    """Where the signed second slip stands."""

    payment_id: UUID
    status: str
    signed_at: datetime | None
    filed_at: datetime | None


class UnfiledSlipOut(BaseModel):
    """A payment whose signed second slip is not in; it names no person."""

    payment_id: UUID
    number: str
    confirmed_at: datetime
    amount_tiyn: int
    terminal_number: str
    officer: str
    printed: bool
    confirmable: bool


class UnfiledOut(BaseModel):
    """The unit's payments whose signed second slip is not in, the oldest first."""

    payments: list[UnfiledSlipOut]


class VerificationOut(BaseModel):
    """What a paper is good for; nothing of the person."""

    known: bool
    paper: str | None = None
    amount_tiyn: int | None = None
    paid: bool | None = None
    paid_at: datetime | None = None
    refund: str | None = None  # none, partial or full: of what was paid out, not only asked for
    refunded_tiyn: int | None = None
    refunded_at: datetime | None = None
    receipt_number: str | None = None
    record_number: str | None = None
    discount_until: datetime | None = None
    status: str | None = None

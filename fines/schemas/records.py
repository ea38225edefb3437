"""Shapes of the catalogue and of offence records."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from fines.rules.offence_record import Language, PenaltyChosen
from fines.rules.proceedings import CopyWay
from fines.rules.record_fields import Bystander, Signature

ARTICLE_PATTERN = r"^[0-9]{3}(-[0-9]{1,2})?$"

CORRECTION_MIN, CORRECTION_MAX = 3, 4000  # characters

PART_PATTERN = r"^([0-9]{1,2}(-[0-9]{1,2})?)?$"


class Sent(BaseModel):
    """Whatever a tablet sends: nothing extra, no blanks round a text."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class TechnicalDeviceIn(Sent):
    """The device an offence was fixed with; with a ``reading`` it must be verified that day."""

    name: str = Field(min_length=1, max_length=120)
    serial: str = Field(min_length=1, max_length=64)
    verification_number: str = Field(default="", max_length=64)
    verified_on: date | None = None
    verified_until: date | None = None
    reading: str = Field(default="", max_length=64)


class NamedPersonIn(Sent):
    """A witness, victim or attesting witness (article 803(2))."""

    name: str = Field(min_length=1, max_length=200)
    address: str = Field(min_length=1, max_length=300)
    role: Bystander = Bystander.WITNESS


class InterpreterIn(Sent):
    """Who interprets, and into which language (article 738)."""

    name: str = Field(min_length=1, max_length=200)
    into: str = Field(min_length=2, max_length=64)


class ExaminationIn(Sent):
    """Where and when the case will be examined (article 803(2)), if it is known already."""

    place: str = Field(min_length=3, max_length=300)
    at: AwareDatetime


class OffenceRecordIn(Sent):
    """What the officer enters; the person and the vehicle come from the check.

    ``acted_as`` names an official or an individual entrepreneur, where the sanction has a fine of
    its own for them; a firm has no card to check and answers at the unit. ``admits`` must be said
    before a warning (article 807).
    """

    check_id: UUID
    article: str = Field(pattern=ARTICLE_PATTERN)
    part: str = Field(default="", pattern=PART_PATTERN)
    occurred_at: AwareDatetime
    place: str = Field(min_length=3, max_length=300)
    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False)
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False)
    language: Language
    essence: str = Field(min_length=3, max_length=2000)
    rights_explained: bool
    penalty: PenaltyChosen | None = None
    aggravating: str = Field(default="", max_length=300)
    earlier_decision: str = Field(default="", max_length=120)
    offender_has_immunity: bool = False
    acted_as: Literal["official", "small"] | None = None
    admits: bool | None = None
    interpreter: InterpreterIn | None = None
    explanation: str = Field(default="", max_length=2000)
    signature: Signature | None = None  # older tablets: now an entry of its own, see SignatureIn
    refusal_motives: str = Field(default="", max_length=1000)
    workplace: str = Field(default="", max_length=300)
    contact: str = Field(default="", max_length=120)
    contact_confirmed: bool = False
    people: tuple[NamedPersonIn, ...] = Field(default=(), max_length=10)
    technical_device: TechnicalDeviceIn | None = None
    examination: ExaminationIn | None = None
    additional: str = Field(default="", max_length=2000)
    attachments: tuple[Annotated[str, Field(max_length=200)], ...] = Field(
        default=(), max_length=20
    )


class CopyIn(Sent):
    """How the offender got the copy of the record; ``address`` where it was sent."""

    way: CopyWay
    address: str = Field(default="", max_length=300)


class SignatureIn(Sent):
    """Whether the person signed when the record was shown (article 803(4), (6), (7)).

    ``motives`` are of a refusal and may be unnamed; ``people`` are witnesses, victims and attesting
    witnesses who were there.
    """

    signature: Signature
    motives: str = Field(default="", max_length=1000)
    remarks: str = Field(default="", max_length=2000)
    people: tuple[NamedPersonIn, ...] = Field(default=(), max_length=10)

    @model_validator(mode="after")
    def _motives_are_of_a_refusal(self) -> Self:
        if self.motives and self.signature is not Signature.REFUSED:
            raise ValueError("only a refusal has motives")
        return self


class CorrectionIn(Sent):
    """What a superior enters beside a record; the record stays as it was."""

    text: str = Field(min_length=CORRECTION_MIN, max_length=CORRECTION_MAX)


class ActIn(Sent):
    """An act that was just done; ``entered`` is recorded by the entry itself."""

    act: Literal["announced", "explained", "receipt_handed"]


class ReducedIn(Sent):
    """What the person says to reduced proceedings (article 810(1))."""

    admits: bool
    agrees: bool
    contests: bool


class ArticleOut(BaseModel):
    """A row of the catalogue in force, with the sum it leads to today."""

    article: str
    part: str
    title_kk: str
    title_ru: str
    mrp_count: int | None
    mrp_of_others: dict[str, int]
    mrp_tenge: int
    warning_allowed: bool
    reduced_reason: str
    jurisdiction: str
    verified: bool


class CatalogueOut(BaseModel):
    """The catalogue of the day."""

    articles: list[ArticleOut]


class ActOut(BaseModel):
    """One of the four acts."""

    act: str
    at: datetime
    post_id: UUID


class PaymentLineOut(BaseModel):
    """An attempt to pay, in short."""

    payment_id: UUID
    status: str
    reason: str


class EntryOut(BaseModel):
    """Something written after the record."""

    kind: str
    at: datetime
    post_id: UUID | None
    body: dict[str, object]


class OffenceRecordOut(BaseModel):
    """An offence record as its officer sees it."""

    offence_record_id: UUID
    number: str
    status: str
    article: str
    part: str
    title_kk: str
    title_ru: str
    drawn_up_at: datetime
    occurred_at: datetime
    place: str
    essence: str
    details: dict[str, object]
    entries: list[EntryOut]
    language: str
    offender: dict[str, str]
    vehicle: dict[str, str]
    mrp_count: int | None
    mrp_tenge: int | None
    fine_full_tiyn: int
    fine_half_tiyn: int
    rounding: str
    reduced_eligible: bool
    reason: str
    receipt_number: str | None
    receipt_issued_at: datetime | None
    discount_last_day: date | None
    discount_until: datetime | None
    acts: list[ActOut]
    payments: list[PaymentLineOut]


class ReceiptOut(BaseModel):
    """The receipt. ``discount_until`` is the first instant at which half is no longer enough."""

    offence_record_id: UUID
    number: str
    status: str
    receipt_number: str
    receipt_issued_at: datetime
    amount_tiyn: int
    discount_until: datetime
    discount_last_day: date

"""Shapes of the routes of requests on any basis."""

import base64
from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from app.exchange.rules.bases import Basis
from app.exchange.rules.mrz import INPUT_LENGTH_MAX as MRZ_LENGTH_MAX
from app.exchange.rules.mrz import LINES
from app.exchange.rules.number_formats import NAME_LENGTH_MAX, NUMBER_LENGTH_MAX
from app.exchange.rules.plates import INPUT_LENGTH_MAX as PLATE_LENGTH_MAX
from app.exchange.schemas.checks import JUSTIFICATION_MAX, PartShape
from app.exchange.wire.registers import RegisterName

_REASON_MAX = 1000  # letters: a page, and no file
_CMS_CHARACTERS_MAX = 96 * 1024  # 64 KiB in base64, with room

# What is too long by a little is read and refused by the gates, and recorded.
_Number = Annotated[str, Field(max_length=4 * NUMBER_LENGTH_MAX, repr=False)]
_Name = Annotated[str, Field(max_length=2 * NAME_LENGTH_MAX, repr=False)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SubjectShape(_Shape):
    """Whom or what the request is about: a person, a vehicle, both, or a legal entity."""

    iin: Annotated[str | None, Field(max_length=32, repr=False)] = None
    mrz: Annotated[
        tuple[Annotated[str, Field(max_length=MRZ_LENGTH_MAX)], ...] | None,
        Field(max_length=LINES + 1, repr=False),
    ] = None
    bin: Annotated[str | None, Field(max_length=32, repr=False)] = None
    plate: Annotated[str | None, Field(max_length=2 * PLATE_LENGTH_MAX, repr=False)] = None


class RequestBody(_Shape):
    """A request. What its basis lacks or must not have is refused by the gates, and recorded."""

    basis: Basis
    services: Annotated[tuple[RegisterName, ...], Field(min_length=1, max_length=len(RegisterName))]
    subject: SubjectShape = SubjectShape()
    stop_ground: Annotated[str, Field(max_length=32)] = ""
    article: Annotated[str, Field(max_length=32)] = ""
    case_number: _Number = ""
    order_number: _Number = ""
    order_body: _Name = ""
    cover_letter: _Number = ""
    year: Annotated[int | None, Field(ge=0, le=9999)] = None
    court: _Name = ""
    sanction_id: UUID | None = None
    justification: Annotated[str, Field(max_length=JUSTIFICATION_MAX, repr=False)] = ""

    @model_validator(mode="after")
    def _each_service_once(self) -> Self:
        if len(set(self.services)) != len(self.services):
            raise ValueError("a service is named twice")
        return self


class JustificationBody(_Shape):
    """The extended justification of a drawn request."""

    text: Annotated[str, Field(max_length=JUSTIFICATION_MAX, repr=False)]


def _is_base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError("not base64") from error
    return text


class SignatureShape(_Shape):
    """A detached signature, DER in base64."""

    cms: Annotated[
        str,
        Field(min_length=1, max_length=_CMS_CHARACTERS_MAX, repr=False),
        AfterValidator(_is_base64),
    ]

    @property
    def der(self) -> bytes:
        """The signature's bytes."""
        return base64.b64decode(self.cms)


class ObjectionBody(_Shape):
    """Why the second person of an international order objects."""

    reason: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=_REASON_MAX),
        Field(repr=False),
    ]


class SignedObjectionBody(ObjectionBody, SignatureShape):
    """The objection with the detached signature over its paper."""


class AnswerShape(_Shape):
    """A released answer. ``complete`` is false where a register asked did not answer."""

    iin: Annotated[str | None, Field(repr=False)]
    bin: Annotated[str | None, Field(repr=False)]
    plate: Annotated[str | None, Field(repr=False)]
    document_number: Annotated[str | None, Field(repr=False)]
    document_expires_on: date | None
    cautions: tuple[str, ...]
    complete: bool
    parts: tuple[PartShape, ...]
    decision_leaf_index: int
    leaf_index: int


class TextsShape(_Shape):
    """One sentence in the three languages."""

    kk: str
    ru: str
    en: str


class RefusalShape(_Shape):
    """Why a request was refused, or what it waits for."""

    gate: str
    code: str
    item: str
    texts: TextsShape
    cures: TextsShape


class RequestView(_Shape):
    """A request as its person sees it; ``answer`` only where it is released and kept."""

    request_id: UUID
    status: str
    basis: str
    services: tuple[str, ...]
    rule_set: str
    month: str
    number: int
    received_at: datetime
    dies_at: datetime | None
    next_attempt_at: datetime | None
    released_at: datetime | None
    destroyed_at: datetime | None
    case_verdict: str | None
    extended_asked: bool
    refusal: RefusalShape | None
    answer: AnswerShape | None = None


class RequestList(_Shape):
    """A page of the caller's own requests, the newest first; ``before`` asks for the next."""

    requests: tuple[RequestView, ...]
    before: UUID | None


class OrderDocumentShape(_Shape):
    """The document attached to an order: ``version`` says how often, the last one counts."""

    sha256: str
    size_bytes: int
    version: int
    attached_at: datetime


class OrderShape(_Shape):
    """An order that waits for its second person; he signs the bytes of ``document``.

    ``order_document`` is the order itself, which these bytes name by its hash; empty until it is
    attached, and so long nobody can confirm.
    """

    request_id: UUID
    received_at: datetime
    document_base64: str
    document_sha256: str
    order_document: OrderDocumentShape | None


class OrdersShape(_Shape):
    """The orders of the department that the caller may confirm."""

    orders: tuple[OrderShape, ...]


class ConfirmedShape(_Shape):
    """Where the order stands after its second person spoke; confirmed, it goes on by itself."""

    request_id: UUID
    status: str


class DisclosedShape(_Shape):
    """An answer to print or take out. ``mark`` goes on every page."""

    request_id: UUID
    at: datetime
    mark: str
    disclosure_leaf_index: int
    answer: AnswerShape

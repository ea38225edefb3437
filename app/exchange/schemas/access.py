"""Shapes of the routes of access. Papers travel as text, signatures in base64."""

import base64
import binascii
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from app.access import Role
from app.exchange.rules.access import (
    AccessRefusal,
    AccessStage,
    AgreementStanding,
    GrantOrigin,
    RequestClock,
    UserStanding,
)
from app.exchange.rules.bases import Basis
from app.exchange.wire.registers import RegisterName
from app.identity.rules.blocking import BlockReason
from app.identity.rules.cms import CMS_BYTES_MAX

_TEXT_MAX = 2000
_SHORT_MAX = 300
_LISTED_MAX = 40
_BASE64_MAX = (CMS_BYTES_MAX // 3 + 1) * 4 + 4096  # somewhat over: the verifier says "too large"


def _is_base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error
    return text


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Signed(_Shape):
    cms: Annotated[
        str, AfterValidator(_is_base64), Field(min_length=1, max_length=_BASE64_MAX, repr=False)
    ]

    @property
    def der(self) -> bytes:
        """The signature's bytes."""
        return base64.b64decode(self.cms)


Text = Annotated[str, Field(max_length=_TEXT_MAX)]
Short = Annotated[str, Field(max_length=_SHORT_MAX)]
Services = Annotated[tuple[RegisterName, ...], Field(max_length=_LISTED_MAX)]
Bases = Annotated[tuple[Basis, ...], Field(max_length=_LISTED_MAX)]


class FormBody(_Shape):
    """What an applicant fills in of the form of appendix 5; empty fields make it incomplete."""

    role: Role
    services: Services = ()
    bases: Bases = ()
    responsible_id: UUID | None = None
    contacts: Annotated[Short, Field(repr=False)] = ""
    workplace: Short = ""


class RequestBody(_Signed):
    """A form, when its paper was written, and the applicant's signature over that paper."""

    form: FormBody
    drawn_at: AwareDatetime


class RightsBody(_Shape):
    """What is granted."""

    services: Services = ()
    bases: Bases = ()


class GrantBody(RightsBody, _Signed):
    """What is granted, and the operator's signature over the decision written of it."""


class RefusalBody(_Shape):
    """Why access is refused."""

    reason: AccessRefusal
    text: Text


class SignedRefusalBody(_Shape):
    """A refusal: without reason, text or signature it is none, and is refused itself."""

    reason: AccessRefusal | None = None
    text: Text = ""
    cms: Annotated[str, AfterValidator(_is_base64), Field(max_length=_BASE64_MAX, repr=False)] = ""

    @property
    def der(self) -> bytes:
        """The signature's bytes."""
        return base64.b64decode(self.cms)


class TextBody(_Shape):
    """Why."""

    text: Text


class BlockBody(_Shape):
    """Why a user is blocked."""

    reason: BlockReason
    text: Text


class UnblockBody(_Signed):
    """Why a block is lifted, and the operator's signature over what is written of it."""

    text: Text


class AgreementBody(_Signed):
    """The version that is signed, and the signature over its paper."""

    version: int


class PaperAnswer(_Shape):
    """A paper to be signed: the UTF-8 bytes of ``paper``."""

    paper: Annotated[str, Field(repr=False)]

    @classmethod
    def of(cls, paper: bytes) -> "PaperAnswer":
        """Return the answer that carries a paper."""
        return cls(paper=paper.decode())


class FormAnswer(PaperAnswer):
    """The paper of a form; ``drawn_at`` goes back with its signature."""

    drawn_at: datetime


class FiledAnswer(_Shape):
    """A request that was received; it is decided by ``due_at``."""

    request_id: UUID
    due_at: datetime


class GrantedAnswer(_Shape):
    """What became of a decision to grant."""

    stage: AccessStage
    waits_for_second: bool


class PersonShape(_Shape):
    """A person in a post."""

    person_id: UUID
    name: str
    role: Role
    title: str
    department_bin: str


class RequestAnswer(_Shape):
    """A request for access."""

    request_id: UUID
    stage: AccessStage
    applicant: PersonShape
    services: tuple[str, ...]
    bases: tuple[str, ...]
    responsible: PersonShape | None
    contacts: Annotated[str, Field(repr=False)]
    workplace: str
    filed_at: datetime
    received_at: datetime | None
    due_at: datetime | None
    clock: RequestClock | None
    overdue_at: datetime | None
    needs_two: bool
    waits_for_second: bool
    refusal: AccessRefusal | None
    refusal_text: str | None
    returned_text: str | None
    decided_at: datetime | None


class AgreementAnswer(_Shape):
    """The agreement in force, and how the reader stands to it."""

    version: int
    text_kk: str
    text_ru: str
    text_en: str
    sha256: str
    paper: str
    standing: AgreementStanding
    signed_at: datetime | None


class AgreedAnswer(_Shape):
    """When the agreement was signed, by our clock."""

    signed_at: datetime


class TransferAnswer(_Shape):
    """Until when what is left of the rights stands."""

    deadline_at: datetime


class BlockedAnswer(_Shape):
    """How many sessions the block ended."""

    sessions_ended: int


class UserLineAnswer(_Shape):
    """A user in a list."""

    person: PersonShape
    stage: AccessStage | None


class GrantAnswer(_Shape):
    """Rights from one instant to another."""

    origin: GrantOrigin
    title: str
    services: tuple[str, ...]
    bases: tuple[str, ...]
    valid_from: datetime
    valid_to: datetime | None
    deadline_at: datetime | None


class SignedAgreementAnswer(_Shape):
    """A version that was signed."""

    version: int
    signed_at: datetime


class BlockAnswer(_Shape):
    """A block, lifted or not."""

    reason: BlockReason
    text: str
    blocked_at: datetime
    lifted_at: datetime | None
    lifted_text: str | None


class UserAnswer(_Shape):
    """A person's rights and their history."""

    person: PersonShape
    stage: AccessStage | None
    user: UserStanding
    agreement: AgreementStanding
    services: tuple[str, ...]
    bases: tuple[str, ...]
    requests: tuple[RequestAnswer, ...]
    grants: tuple[GrantAnswer, ...]
    agreements: tuple[SignedAgreementAnswer, ...]
    blocks: tuple[BlockAnswer, ...]


class AgreementFile(_Shape):
    """A new version of the user agreement, as an administrator enters it."""

    text_kk: Annotated[str, Field(min_length=1)]
    text_ru: Annotated[str, Field(min_length=1)]
    text_en: Annotated[str, Field(min_length=1)]
    valid_from: AwareDatetime

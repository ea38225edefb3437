"""Shapes of the courts' channel; ``docs/protocols/courts.md`` describes them."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from app.exchange.rules.courts import CourtAct
from app.exchange.rules.inputs import RequestInput

_CMS_BASE64_MAX = 90 * 1024  # a signature of 64 KiB, and somewhat over: the verifier says so
_SERVICES_MAX = 16


def _is_base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error
    return text


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SystemBody(_Body):
    """A system of the courts to be let in."""

    name: Annotated[str, Field(min_length=1, max_length=200)]


class SystemIssued(_Body):
    """A system that was let in. The credential is told this once."""

    system_id: UUID
    credential: str = Field(repr=False)


class SystemAnswer(_Body):
    """A system, without its credential."""

    system_id: UUID
    name: str
    issued_at: datetime
    withdrawn_at: datetime | None


class SystemsAnswer(_Body):
    """The systems the caller's unit answers for."""

    systems: tuple[SystemAnswer, ...]


class SignedMessage(_Body):
    """A message and the person's detached signature over its RFC 8785 form."""

    message: dict[str, JsonValue] = Field(repr=False)
    cms: Annotated[str, AfterValidator(_is_base64), Field(max_length=_CMS_BASE64_MAX)] = Field(
        default="", repr=False
    )

    @property
    def der(self) -> bytes:
        """The signature's bytes; empty where there is none."""
        return base64.b64decode(self.cms)


class CourtRequest(_Body):
    """What a court asks; nothing of it is believed before the gates."""

    basis: Annotated[str, Field(max_length=32)]
    services: Annotated[tuple[Annotated[str, Field(max_length=32)], ...], Field(max_length=16)]
    iin: Annotated[str, Field(max_length=32)] | None = Field(default=None, repr=False)
    bin: Annotated[str, Field(max_length=32)] | None = Field(default=None, repr=False)
    plate: Annotated[str, Field(max_length=32)] | None = Field(default=None, repr=False)
    case_number: Annotated[str, Field(max_length=100)] = Field(default="", repr=False)
    year: int | None = Field(default=None, ge=0, le=9999)
    court: Annotated[str, Field(max_length=400)] = Field(default="", repr=False)
    article: Annotated[str, Field(max_length=64)] = ""
    justification: Annotated[str, Field(max_length=4000)] = Field(default="", repr=False)

    def as_input(self) -> RequestInput:
        """Return the request as every channel brings it to the gates."""
        return RequestInput(**self.model_dump())


class CourtAnswer(_Body):
    """A court's answer to a request for its sanction."""

    decision: Literal["received", "granted", "refused", "withdrawn"]
    eaias_number: Annotated[str, Field(min_length=1, max_length=64)]
    decision_number: Annotated[str, Field(max_length=64)] = ""
    decided_at: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    services: Annotated[
        tuple[Annotated[str, Field(max_length=32)], ...], Field(max_length=_SERVICES_MAX)
    ] = ()


class _Message(_Body):
    v: Literal[1]
    audience: Annotated[str, Field(max_length=300)]
    system_id: UUID
    message_id: UUID
    sent_at: AwareDatetime
    act: CourtAct


class RequestMessage(_Message):
    """The message of a request."""

    request: CourtRequest


class AnswerMessage(_Message):
    """The message of a court's answer; ``sanction_id`` is the one in the path."""

    sanction_id: UUID
    answer: CourtAnswer

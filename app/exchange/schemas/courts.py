"""Shapes of the courts' channel; ``docs/protocols/courts.md`` describes them."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from app.exchange.schemas.checks import JUSTIFICATION_MAX
from app.exchange.schemas.requests import RequestBody

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


class CourtAnswer(_Body):
    """A court's answer to a request for its sanction."""

    decision: Literal["received", "granted", "refused"]
    eaias_number: Annotated[str, Field(max_length=64)] = ""
    decision_number: Annotated[str, Field(max_length=64)] = ""
    decided_at: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    services: Annotated[
        tuple[Annotated[str, Field(max_length=32)], ...], Field(max_length=_SERVICES_MAX)
    ] = ()


class CourtMessage(_Body):
    """What every message of a court says of itself."""

    v: Literal[1]
    audience: Annotated[str, Field(max_length=300)]
    system_id: UUID
    message_id: UUID
    sent_at: AwareDatetime
    act: str


class RequestMessage(CourtMessage):
    """Asks registers on a basis of courts; the request is of the form of every channel."""

    act: Literal["request"]
    request: RequestBody


class ViewMessage(CourtMessage):
    """Looks at a request that the same person made before."""

    act: Literal["view"]
    request_id: UUID


class JustificationMessage(CourtMessage):
    """Gives the extended justification of a request on which the draw fell."""

    act: Literal["justification"]
    request_id: UUID
    text: Annotated[str, Field(max_length=JUSTIFICATION_MAX)] = Field(repr=False)


class SanctionsMessage(CourtMessage):
    """Fetches the requests for sanctions that were sent to the person's court."""

    act: Literal["sanctions"]
    after: UUID | None = None


class AnswerMessage(CourtMessage):
    """A court's answer to a request for its sanction."""

    act: Literal["sanction_answer"]
    sanction_id: UUID
    answer: CourtAnswer


class SanctionShape(_Body):
    """A request for a sanction: the document byte for byte as it was signed."""

    sanction_id: UUID
    signature_id: UUID | None
    document_base64: str = Field(repr=False)


class SanctionsShape(_Body):
    """Requests for sanctions that the court has not received yet, ordered by id."""

    sanctions: tuple[SanctionShape, ...]


class AnswerTaken(_Body):
    """The court's answer was written down."""

    sanction_id: UUID
    message_id: UUID
